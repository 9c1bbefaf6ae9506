package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/testbed"
)

// Clients that are not ours, confluent-kafka of Python and kcat, produce captures to Apache Kafka over TLS, and read
// alerts and reports with isolation level read_committed: those that were committed, and no others. The first logs in
// with SCRAM; Debian's kcat cannot, since librdkafka before 2.6.1 answers brokers of Kafka 4 wrongly.
func TestOtherClients(t *testing.T) {
	t.Parallel()
	testbed.Need(t, "kcat")
	s := newSecureSite(t)
	s.trainColours()
	s.configure("  - {name: colours, baseline: baseline, windows: {size: 1m}, drift: {method: psi, threshold: 0.2, min_samples: 50}, quality: []}\n")
	s.write("client.properties", s.librdkafka())
	confluent := []string{filepath.Join(python(t), "python"), script(t, "clients.py"), "client.properties"}
	kcat := []string{"kcat", "-F", "client.properties", "-X", "sasl.mechanism=PLAIN"}
	clients := []struct{ produce, read []string }{
		{append(slices.Clone(confluent), "produce"), append(slices.Clone(confluent), "read")},
		{append(slices.Clone(kcat), "-P", "-t"), append(slices.Clone(kcat), "-X", "isolation.level=read_committed", "-C", "-e", "-q", "-t")},
	}
	for i, c := range clients { // a minute each
		var captures []string
		for k := range 200 {
			at := sageMakerStart.Add(time.Duration(i)*time.Minute + time.Duration(k)*300*time.Millisecond)
			captures = append(captures, captured(at, half("text/csv", "CSV", fmt.Sprintf("%d,%d,%s", k%50, k%7, []string{"red", "green"}[k%2])), half("text/csv", "CSV", fmt.Sprint(k%10))))
		}
		s.feed(lines(captures), append(c.produce, "capture")...)
	}
	p := s.run()
	j := s.journal()
	j.untilRows("colours", 200)
	await(t, "an alert", func() bool { return len(s.records("alerts")) > 0 })
	p.stop()
	s.abort("alerts", `{"id":"aborted"}`)
	s.abort("tidemark.reports", `{"monitor":"aborted"}`)
	if n := len(s.records("capture")); n != 400 {
		t.Errorf("%d captures were produced, want 400", n)
	}
	for _, topic := range []string{"alerts", "tidemark.reports"} {
		var want []string
		for _, r := range s.records(topic) {
			want = append(want, string(r.Value))
		}
		slices.Sort(want)
		for _, c := range clients {
			got := strings.Split(strings.TrimSuffix(s.feed("", append(c.read, topic)...), "\n"), "\n")
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s reads of %s\n%swant\n%s", filepath.Base(c.read[0]), topic, lines(got), lines(want))
			}
		}
	}
	alerts := s.alerts()
	if len(alerts) != 1 || alerts[0].Rule != "psi" || alerts[0].Feature != "colour" || alerts[0].Samples.Current != 200 {
		t.Errorf("alerts %+v, want one, of psi of colour with 200 values", alerts)
	}
}

// librdkafka is the site's security as settings of librdkafka.
func (s *site) librdkafka() string {
	return lines([]string{
		"bootstrap.servers=" + s.apache.SASL, "security.protocol=SASL_SSL", "ssl.ca.location=" + filepath.Join(s.apache.Certificates, "ca.pem"), "sasl.mechanism=SCRAM-SHA-512",
		"sasl.username=tidemark", "sasl.password=" + testbed.Password,
	})
}

// feed runs a program of somebody else with a standard input; it must succeed. It returns what the program prints.
func (s *site) feed(input string, command ...string) string {
	s.t.Helper()
	c := exec.CommandContext(s.t.Context(), command[0], command[1:]...)
	var stderr strings.Builder
	c.Dir, c.Stdin, c.Stderr = s.dir, strings.NewReader(input), &stderr
	out, err := c.Output()
	if err != nil {
		s.t.Fatalf("%q: %v\n%s%s", command, err, out, stderr.String())
	}
	return string(out)
}

// abort writes a record in a transaction that is aborted.
func (s *site) abort(topic, value string) {
	s.t.Helper()
	client := s.dial(kgo.TransactionalID("aborts"))
	defer client.Close()
	err := client.BeginTransaction()
	if err == nil {
		err = client.ProduceSync(s.t.Context(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr()
	}
	if err == nil {
		err = client.EndTransaction(s.t.Context(), kgo.TryAbort)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}
