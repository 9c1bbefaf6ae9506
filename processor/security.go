package processor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// TLSConfig says how the brokers prove who they are, and how Tidemark does. With no CA there is no TLS.
type TLSConfig struct {
	CA         string `yaml:"ca"`          // PEM file with the authorities to trust, or "system" for the machine's own
	Cert       string `yaml:"cert"`        // PEM file with Tidemark's own certificate, for brokers that ask for one
	Key        string `yaml:"key"`         // PEM file with the certificate's key
	ServerName string `yaml:"server_name"` // that the brokers' certificates are for; by default the host of their address
}

// SystemCA is the value of [TLSConfig.CA] that trusts the authorities that the machine trusts.
const SystemCA = "system"

// SASLConfig says as whom Tidemark logs in.
type SASLConfig struct {
	Mechanism    string `yaml:"mechanism"` // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	Username     string `yaml:"username"`
	Password     Secret `yaml:"password"`
	PasswordFile string `yaml:"password_file"` // instead of Password; line ends at its end do not count
}

// Secret is a text that is shown nowhere: formatted or marshalled, it is a placeholder.
type Secret string

const redacted = "[redacted]"

// Format writes the placeholder, whatever the verb; nothing for an empty secret.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// String is the placeholder, or empty for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// MarshalText writes the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// dialTimeout is how long a connection may take, TLS included.
const dialTimeout = 10 * time.Second

// Options are what each client of the brokers needs to reach them. Certificates and passwords are read from their
// files at each connection, so that they can be renewed while Tidemark runs.
func (k *KafkaConfig) Options() []kgo.Opt {
	options := []kgo.Opt{kgo.SeedBrokers(k.Brokers...)}
	if k.TLS.CA != "" {
		options = append(options, kgo.Dialer(k.TLS.dial))
	}
	switch k.SASL.Mechanism {
	case "PLAIN":
		return append(options, kgo.SASL(plain.Plain(func(context.Context) (plain.Auth, error) {
			password, err := k.SASL.password()
			return plain.Auth{User: k.SASL.Username, Pass: password}, err
		})))
	case "SCRAM-SHA-256":
		return append(options, kgo.SASL(k.SASL.scram(scram.Sha256)))
	case "SCRAM-SHA-512":
		return append(options, kgo.SASL(k.SASL.scram(scram.Sha512)))
	}
	return options
}

func (s *SASLConfig) scram(mechanism func(func(context.Context) (scram.Auth, error)) sasl.Mechanism) sasl.Mechanism {
	return mechanism(func(context.Context) (scram.Auth, error) {
		password, err := s.password()
		return scram.Auth{User: s.Username, Pass: password}, err
	})
}

func (s *SASLConfig) password() (string, error) {
	if s.PasswordFile == "" {
		return string(s.Password), nil
	}
	text, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("kafka.sasl.password_file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (c *TLSConfig) dial(ctx context.Context, network, address string) (net.Conn, error) {
	config := &tls.Config{ServerName: c.ServerName} // by default the dialer adds the host of the address
	var err error
	if config.RootCAs, err = c.authorities(); err != nil {
		return nil, fmt.Errorf("read kafka.tls.ca: %w", err)
	}
	if config.Certificates, err = c.own(); err != nil {
		return nil, fmt.Errorf("read kafka.tls.cert and key: %w", err)
	}
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout}, Config: config}
	return dialer.DialContext(ctx, network, address)
}

// authorities are those to trust; nil means those of the machine.
func (c *TLSConfig) authorities() (*x509.CertPool, error) {
	if c.CA == SystemCA {
		return nil, nil
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM format", c.CA)
	}
	return pool, nil
}

// own is the certificate to show to brokers that ask for one.
func (c *TLSConfig) own() ([]tls.Certificate, error) {
	if c.Cert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	return []tls.Certificate{certificate}, err
}

// Paths are the files and directories that the configuration names.
func (k *KafkaConfig) Paths() []*string {
	paths := []*string{&k.Data, &k.TLS.Cert, &k.TLS.Key, &k.SASL.PasswordFile}
	if k.TLS.CA != SystemCA {
		paths = append(paths, &k.TLS.CA)
	}
	return paths
}

// checkSecurity reports the faults of TLS and SASL.
func (k *KafkaConfig) checkSecurity(fault func(path, message string)) {
	t, s := k.TLS, k.SASL
	if k.Broker == "embedded" && (t != TLSConfig{} || s != SASLConfig{}) {
		fault("kafka.broker", "is embedded, which has neither TLS nor SASL: remove kafka.tls and kafka.sasl")
		return
	}
	if t.CA == "" && t != (TLSConfig{}) {
		fault("kafka.tls.ca", "is missing: name the PEM file with the authority of the brokers' certificates, or write system to trust those that this machine trusts")
	}
	if t.CA != "" {
		if _, err := t.authorities(); err != nil {
			fault("kafka.tls.ca", fmt.Sprintf("cannot be used: %v", err))
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		fault("kafka.tls.cert", "must be given together with key: name both, or neither when the brokers ask for no certificate")
	} else if _, err := t.own(); err != nil {
		fault("kafka.tls.cert", fmt.Sprintf("cannot be used with key: %v", err))
	}
	if s == (SASLConfig{}) {
		return
	}
	switch s.Mechanism {
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
	case "":
		fault("kafka.sasl.mechanism", "is missing: write the one that the brokers offer, PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	default:
		fault("kafka.sasl.mechanism", fmt.Sprintf("is %q: use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism))
	}
	if s.Username == "" {
		fault("kafka.sasl.username", "is missing: name the user to log in as")
	}
	switch {
	case s.Password != "" && s.PasswordFile != "":
		fault("kafka.sasl.password_file", "is given beside password: keep one of them")
	case s.Password == "" && s.PasswordFile == "":
		fault("kafka.sasl.password", "is missing: give it, such as ${KAFKA_PASSWORD}, or name a password_file")
	case s.PasswordFile != "":
		password, err := s.password()
		if err != nil {
			fault("kafka.sasl.password_file", "cannot be read: "+errors.Unwrap(err).Error())
		} else if password == "" {
			fault("kafka.sasl.password_file", "is empty: write the password into it")
		}
	}
}
