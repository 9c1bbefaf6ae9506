package processor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// advice says what to do about an error of reaching or using the brokers, or nothing when it is of another kind. An
// error is final when trying again is of no use before that is done: the brokers answered, and refused.
func advice(err error) (what string, final bool) {
	var (
		certificate x509.CertificateInvalidError
		authority   x509.UnknownAuthorityError
		host        x509.HostnameError
		record      tls.RecordHeaderError
		name        *net.DNSError
		closed      *kgo.ErrFirstReadEOF
		operation   *net.OpError
		timeout     interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "set kafka.sasl.username and its password to those of a user that the brokers know for kafka.sasl.mechanism", true
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return "set kafka.sasl.mechanism to one that this listener of the brokers offers", true
	case errors.Is(err, kerr.IllegalSaslState):
		return "this listener of the brokers takes no SASL: remove kafka.sasl or give the port of another listener", true
	case errors.As(err, &certificate) && certificate.Reason == x509.Expired:
		return "renew the brokers' certificate, or set this machine's clock if it is wrong", true
	case errors.As(err, &authority):
		return "set kafka.tls.ca to the PEM file of the authority that signed the brokers' certificate", true
	case errors.As(err, &host):
		return "give the brokers by a name that their certificate is for, or set kafka.tls.server_name to such a name", true
	case errors.As(err, &certificate):
		return "the brokers need another certificate", true
	case errors.As(err, &record):
		return "this listener of the brokers does not speak TLS: remove kafka.tls or give the port of another listener", true
	case errors.As(err, &operation) && operation.Op == "remote error": // a TLS alert
		return "the brokers refuse Tidemark's certificate: set kafka.tls.cert and key to one that they trust and that has not expired", true

	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return "give the user its rights on the topics: `tidemark check --connect` lists those that are missing", true
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return "give the user the right Read on the consumer groups that begin with tidemark-: " + acls("User:NAME", "Read", "--group tidemark- --resource-pattern-type prefixed"), true
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return "give the user the right Write on the transactional ids that begin with tidemark-: " + acls("User:NAME", "Write", "--transactional-id tidemark- --resource-pattern-type prefixed"), true
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return "give the user the right on the cluster that this needs, such as Create to make topics", true

	case errors.As(err, &closed), strings.Contains(err.Error(), "tls alert record"): // which has no type
		return "if it stays so, the listener is of another kind: see whether it wants TLS and SASL and whether kafka.tls and kafka.sasl say so", false
	case errors.As(err, &name):
		return "see whether the host's name in kafka.brokers is right and known to the name server", false
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there: see whether the broker runs and whether its port in kafka.brokers is right", false
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer came: see whether a firewall is between this machine and the broker", false
	}
	return "", false
}

// Advised adds to an error of reaching or using the brokers what to do about it. Another error stays as it is.
func Advised(err error) error {
	if given := (adviceError{}); errors.As(err, &given) {
		return err
	}
	if what, _ := advice(err); what != "" {
		return adviceError{err, what}
	}
	return err
}

// adviceError is an error with what to do about it.
type adviceError struct {
	error
	what string
}

// Error is the error's own words and then the advice.
func (e adviceError) Error() string { return e.error.Error() + ": " + e.what }

// Unwrap returns the error itself.
func (e adviceError) Unwrap() error { return e.error }

// final is whether an error stays however often one tries again.
func final(err error) bool {
	_, final := advice(err)
	return final
}

// acls is a command that gives a right.
func acls(principal, operation, resource string) string {
	return "kafka-acls --add --allow-principal " + principal + " --operation " + operation + " " + resource
}
