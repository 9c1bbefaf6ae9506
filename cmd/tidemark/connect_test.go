package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"

	"tidemark/testbed"
)

// watchNumber writes a configuration of one monitor, with more lines.
func (s *site) watchNumber(more string) {
	s.t.Helper()
	s.write("tidemark.yaml", "kafka: "+s.section+"\nhttp: {listen: 127.0.0.1:0}\n"+more+
		"\nmonitors:\n  - {name: number, baseline: baseline, windows: {size: 1m}}\n")
}

// faultsOf runs check --connect and returns its lines, those of faults without the word.
func (s *site) faultsOf() (faults []string, all string) {
	s.t.Helper()
	p := s.start("check", "--connect")
	code := p.wait()
	all = p.stdout.String()
	for line := range strings.Lines(all) {
		if fault, found := strings.CutPrefix(line, "fault  "); found {
			faults = append(faults, strings.TrimSpace(fault))
		}
	}
	want := 0
	if len(faults) > 0 {
		want = exitFailed
	}
	if code != want {
		s.t.Errorf("check --connect ended with %d, want %d:\n%s%s", code, want, all, p.stderr.String())
	}
	return faults, all
}

// last is the last line that the process wrote to standard error.
func (p *process) last() string {
	text := strings.TrimSpace(p.stderr.String())
	return text[strings.LastIndex(text, "\n")+1:]
}

// What keeps Tidemark from its brokers is named by check --connect and by run, each with what to do about it. What the
// brokers refused ends run; what may pass by itself is told and tried again.
func TestFaultsAreNamed(t *testing.T) {
	t.Parallel()
	k := testbed.StartKafka(t, "tidemark", "mute", "lonely")
	certificate := func(name string) string { return filepath.Join(k.Certificates, name) }
	s := siteOf(t, k.Plain)
	s.trainNumber()
	s.allow("User:tidemark")
	s.allow("User:mute")
	s.forbid("User:mute", kadm.NewACLs().Topics("alerts").Operations(kadm.OpWrite))
	s.allow("User:lonely")
	s.forbid("User:lonely", kadm.NewACLs().Groups("tidemark-ingest", "tidemark-evaluate").Operations(kadm.OpRead))
	s.forbid("User:lonely", kadm.NewACLs().TransactionalIDs("tidemark-evaluate-one").Operations(kadm.OpWrite))
	s.allow("User:CN=client")
	good := secured(k, k.SASL, "SCRAM-SHA-512", "tidemark")
	s.section = good
	s.watchNumber("instance: one")
	s.tidemark("topics", "create")
	tls := func(address, more string) string {
		return fmt.Sprintf("{brokers: [%q], tls: {ca: %q%s}}", address, certificate("ca.pem"), more)
	}
	own := func(name string) string {
		return fmt.Sprintf(", cert: %q, key: %q", certificate(name+".pem"), certificate(name+".key"))
	}

	for name, section := range map[string]string{
		"SCRAM-SHA-512":       good,
		"SCRAM-SHA-256":       secured(k, k.SASL, "SCRAM-SHA-256", "tidemark"),
		"PLAIN":               secured(k, k.SASL, "PLAIN", "tidemark"),
		"client certificate":  tls(k.MTLS, own("client")),
		"login without TLS":   fmt.Sprintf("{brokers: [%q], sasl: {mechanism: SCRAM-SHA-512, username: tidemark, password: %q}}", k.Scram, testbed.Password),
		"no security":         fmt.Sprintf("{brokers: [%q]}", k.Plain),
		"one broker of two":   strings.Replace(good, "[", `["127.0.0.1:1", `, 1),
		"server by its name":  strings.Replace(good, "127.0.0.1", "localhost", 1),
		"by another name":     strings.Replace(good, "tls: {", "tls: {server_name: localhost, ", 1),
		"password from file":  strings.Replace(good, fmt.Sprintf("password: %q", testbed.Password), "password_file: password.txt", 1),
		"password in comment": good + " # password: " + testbed.Password,
	} {
		s.write("password.txt", testbed.Password+"\n")
		s.section = section
		s.watchNumber("instance: one")
		faults, all := s.faultsOf()
		if name == "one broker of two" {
			if len(faults) != 1 || !strings.HasPrefix(faults[0], "broker 127.0.0.1:1: ") {
				t.Errorf("%s: faults %q", name, faults)
			}
			continue
		}
		if len(faults) > 0 || !strings.Contains(all, "\nok     topics: ") || !strings.Contains(all, "\nok     rights: ") || !strings.Contains(all, "\nok     baseline of number: ") {
			t.Errorf("%s:\n%s", name, all)
		}
	}

	for _, c := range []struct {
		name, section, more string
		faults              []string // of check --connect: the parts, and words of the message
		run                 string   // what run says, if not the first fault
		transient           bool     // run tries again
	}{
		{name: "wrong password", section: strings.Replace(good, testbed.Password, "wrong-"+testbed.Password, 1),
			faults: []string{"broker " + k.SASL + "|SASL_AUTHENTICATION_FAILED|set kafka.sasl.username and its password"}},
		{name: "unknown user", section: secured(k, k.SASL, "PLAIN", "nobody"),
			faults: []string{"broker " + k.SASL + "|SASL_AUTHENTICATION_FAILED|set kafka.sasl.username and its password"}},
		{name: "mechanism not offered", section: fmt.Sprintf("{brokers: [%q], sasl: {mechanism: PLAIN, username: tidemark, password: %q}}", k.Scram, testbed.Password),
			faults: []string{"broker " + k.Scram + "|UNSUPPORTED_SASL_MECHANISM|set kafka.sasl.mechanism"}},
		{name: "login where there is none", section: secured(k, k.MTLS, "PLAIN", "tidemark"),
			faults: []string{"broker " + k.MTLS + "|the brokers refuse Tidemark's certificate: set kafka.tls.cert"}},
		{name: "expired certificate", section: secured(k, k.Expired, "PLAIN", "tidemark"),
			faults: []string{"broker " + k.Expired + "|certificate has expired|renew the brokers' certificate"}},
		{name: "unknown authority", section: strings.Replace(good, "ca.pem", "stranger.pem", 1),
			faults: []string{"broker " + k.SASL + "|unknown authority|set kafka.tls.ca"}},
		{name: "wrong host name", section: strings.Replace(good, "tls: {", "tls: {server_name: kafka.example.com, ", 1),
			faults: []string{"broker " + k.SASL + "|not kafka.example.com|set kafka.tls.server_name"}},
		{name: "expired certificate of ours", section: tls(k.MTLS, own("expired")),
			faults: []string{"broker " + k.MTLS + "|the brokers refuse Tidemark's certificate: set kafka.tls.cert"}},
		{name: "TLS to a listener without", section: tls(k.Plain, ""), transient: true,
			faults: []string{"broker " + k.Plain + "|see whether it wants TLS and SASL"}},
		{name: "no TLS to a listener with", section: fmt.Sprintf("{brokers: [%q]}", k.SASL), transient: true,
			faults: []string{"broker " + k.SASL + "|see whether it wants TLS and SASL"}},
		{name: "no login", section: tls(k.SASL, ""), transient: true,
			faults: []string{"broker " + k.SASL + "|see whether it wants TLS and SASL"}},
		{name: "nothing listens", section: `{brokers: ["127.0.0.1:1"]}`, transient: true,
			faults: []string{"broker 127.0.0.1:1|connection refused|see whether the broker runs"}},
		{name: "unknown host", section: `{brokers: ["kafka.invalid:9092"]}`, transient: true,
			faults: []string{"broker kafka.invalid:9092|lookup kafka.invalid|see whether the host's name"}},
		{name: "may not write alerts", section: secured(k, k.SASL, "SCRAM-SHA-256", "mute"),
			faults: []string{`rights|topic "alerts": the right Write is missing: kafka-acls --add --allow-principal User:mute --operation Write --topic alerts`}},
		{name: "may not join", section: secured(k, k.SASL, "SCRAM-SHA-256", "lonely"),
			faults: []string{
				`rights|group "tidemark-ingest": the right Read is missing: kafka-acls --add --allow-principal User:lonely --operation Read --group tidemark-ingest`,
				`rights|transactional id "tidemark-evaluate-one": the right Write is missing: kafka-acls --add --allow-principal User:lonely --operation Write --transactional-id tidemark-evaluate-one`,
			},
			run: "AUTHORIZATION_FAILED|give the user the right"},
		{name: "no topics", section: good, more: "topics: {alerts: tidemark.alarms}",
			faults: []string{"topics|topic \"tidemark.alarms\" is not there: run `tidemark topics create`"}},
		{name: "topic of nobody's", section: good, more: "capture: {topic: elsewhere}",
			faults: []string{
				`topics|topic "elsewhere": the right Describe is missing`,
				`rights|topic "elsewhere": the right Describe is missing|kafka-acls --add --allow-principal User:tidemark --operation Describe --topic elsewhere`,
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := *s
			s.t, s.section = t, c.section
			s.watchNumber("instance: one\n" + c.more)
			faults, all := s.faultsOf()
			if len(faults) != len(c.faults) {
				t.Fatalf("%d faults, want %d:\n%s", len(faults), len(c.faults), all)
			}
			for i, want := range c.faults {
				part, words, _ := strings.Cut(want, "|")
				if !strings.HasPrefix(faults[i], part+": ") || !holds(faults[i], words) {
					t.Errorf("fault %q, want %q", faults[i], want)
				}
			}
			if c.run == "" {
				_, c.run, _ = strings.Cut(c.faults[0], "|")
			}
			p := s.start("run")
			if c.transient {
				await(t, "run to say that it tries again", func() bool { return holds(p.stderr.String(), c.run+"|starting another") || p.over() })
				p.stop()
				return
			}
			if code := p.wait(); code != exitFailed {
				t.Errorf("run ended with %d, want %d", code, exitFailed)
			}
			if last := p.last(); !strings.HasPrefix(last, "tidemark: ") || !holds(last, c.run) {
				t.Errorf("run ended with the words %q, want %q", last, c.run)
			}
		})
	}
}

// holds is whether a text has all words, which | separates.
func holds(text, words string) bool {
	for word := range strings.SplitSeq(words, "|") {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// forbid takes rights from a user that was given them.
func (s *site) forbid(principal string, rights *kadm.ACLBuilder) {
	s.t.Helper()
	results, err := kadm.NewClient(s.client).CreateACLs(s.t.Context(), rights.Deny(principal).DenyHosts())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			s.t.Fatalf("forbid %s rights on %s: %v", principal, r.Name, r.Err)
		}
	}
}

// Old brokers, and topics that are not as needed, are named as well; as JSON in the same order.
func TestOldBrokers(t *testing.T) {
	t.Parallel()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(0), kfake.MaxVersions(kversion.V3_9_0()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	s := siteOf(t, broker.ListenAddrs()[0])
	s.section = fmt.Sprintf("{brokers: [%q]}", s.kafka)
	s.trainNumber()
	s.watchNumber("")
	p := s.start("check", "--connect", "--json")
	if code := p.wait(); code != exitFailed {
		t.Errorf("check --connect --json ended with %d, want %d: %s", code, exitFailed, p.stderr.String())
	}
	var result checkResult
	if err := json.Unmarshal([]byte(p.stdout.String()), &result); err != nil {
		t.Fatal(err)
	}
	const tooOld = "the brokers are older than Kafka 4.0: upgrade them"
	if len(result.Connect) != 2 || result.OK || !result.Connect[0].OK || result.Connect[0].Part != "baseline of number" ||
		result.Connect[1].OK || result.Connect[1].Part != "broker "+s.kafka || !strings.HasPrefix(result.Connect[1].Message, tooOld) {
		t.Errorf("the result is %+v", result)
	}
	r := s.start("run")
	if code := r.wait(); code != exitFailed || !strings.Contains(r.last(), tooOld) {
		t.Errorf("run ended with %d and the words %q", code, r.last())
	}
}
