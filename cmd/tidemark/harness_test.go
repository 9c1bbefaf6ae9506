package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/sinks/alerts"
	"tidemark/testbed"
)

// patience is how long a test waits for something to happen before it fails.
const patience = 90 * time.Second

// TestMain puts the program itself on the PATH, as "tidemark": a copy of the test binary, which runs main under
// that name. Under another it is an archive that does not share.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tidemark": leakless, "tidemark-apart": apart})
}

// await fails the test when something does not become true.
func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !condition(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("gave up waiting for %s", what)
		}
	}
}

// site is a directory with a configuration, and the broker that it names.
type site struct {
	t      *testing.T
	dir    string
	broker *kfake.Cluster // nil when it is not in the test's own process
	apache *testbed.Kafka // or this, with security
	kafka  string         // its address, without security
	client *kgo.Client

	section  string   // the configuration of kafka
	env      []string // that its processes have besides the test's own
	embedded bool     // the broker is in a process under test

	topicIDs map[string][16]byte // known once configured
}

// eachBroker runs a test on the broker in memory and on Apache Kafka, there with TLS, a login and access control.
func eachBroker(t *testing.T, test func(*site)) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(newSite(t))
	})
	t.Run("kafka", func(t *testing.T) {
		t.Parallel()
		test(newSecureSite(t))
	})
}

// newSite starts a broker in the test's own process.
func newSite(t *testing.T) *site {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(0), kfake.DataDir(t.TempDir()),
		kfake.BrokerConfigs(map[string]string{"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	s := siteOf(t, broker.ListenAddrs()[0])
	s.broker, s.section = broker, fmt.Sprintf("{brokers: [%q]}", s.kafka)
	return s
}

// embeddedSite is a site whose broker is in a process under test, with its data in the directory broker.
func embeddedSite(t *testing.T) *site {
	t.Helper()
	s := siteOf(t, freeAddress("127.0.0.1:0"))
	s.embedded, s.section = true, fmt.Sprintf("{broker: embedded, brokers: [%q], data: %q}", s.kafka, filepath.Join(s.dir, "broker"))
	return s
}

func siteOf(t *testing.T, address string) *site {
	s := &site{t: t, dir: t.TempDir(), kafka: address}
	s.client = s.dial(kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return s
}

func (s *site) dial(options ...kgo.Opt) *kgo.Client {
	s.t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(s.kafka))...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	return client
}

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// configure writes the configuration with the given monitors and, on a broker that runs, makes the topics.
func (s *site) configure(monitors string) {
	s.t.Helper()
	s.write("tidemark.yaml", "kafka: "+s.section+"\nhttp: {listen: 127.0.0.1:0}\ntopics: {partitions: 3}\nmonitors:\n"+monitors)
	if !s.embedded {
		s.tidemark("topics", "create")
		topics, err := kadm.NewClient(s.client).ListTopics(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		s.topicIDs = map[string][16]byte{}
		for name, topic := range topics {
			s.topicIDs[name] = topic.ID
		}
	}
}

// tidemark runs a command that must succeed and returns its standard output.
func (s *site) tidemark(arguments ...string) string {
	s.t.Helper()
	p := s.start(arguments...)
	if code := p.wait(); code != 0 {
		s.t.Fatalf("tidemark %q ended with %d: %s", arguments, code, p.stderr.String())
	}
	return p.stdout.String()
}

// start starts the program in the site's directory.
func (s *site) start(arguments ...string) *process {
	s.t.Helper()
	return s.launch(exec.Command("tidemark", arguments...))
}

// launch starts a command in the site's directory.
func (s *site) launch(command *exec.Cmd) *process {
	s.t.Helper()
	p := &process{t: s.t, command: command, ended: make(chan struct{})}
	p.command.Dir, p.command.Env, p.command.Stdout, p.command.Stderr = s.dir, append(os.Environ(), s.env...), &p.stdout, &p.stderr
	if err := p.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = p.command.Wait() // its exit code says it
		close(p.ended)
	}()
	s.t.Cleanup(func() {
		p.kill()
		if text := p.stdout.String() + p.stderr.String(); strings.Contains(text, testbed.Password) {
			s.t.Errorf("%q shows the password", command.Args)
		}
		if s.t.Failed() {
			s.t.Logf("%q wrote to stderr:\n%s", command.Args, p.stderr.String())
		}
	})
	return p
}

// run starts `tidemark run` and waits until it is ready.
func (s *site) run(arguments ...string) *process {
	s.t.Helper()
	p := s.start(append([]string{"run"}, arguments...)...)
	p.awaitReady()
	return p
}

// process is a running tidemark.
type process struct {
	t              *testing.T
	command        *exec.Cmd
	ended          chan struct{}
	stdout, stderr output
}

// output is what a process wrote so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// wait returns the exit code, which is -1 after a signal that was not handled.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%q does not end", p.command.Args)
	}
	return p.command.ProcessState.ExitCode()
}

// kill ends the process without a chance to clean up.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
}

func (p *process) signal(signal os.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// stop ends the process with SIGTERM, which must be a clean end.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		p.t.Fatalf("%q ended with %d after SIGTERM: %s", p.command.Args, code, p.stderr.String())
	}
}

var httpAddress = regexp.MustCompile(`msg=started .*http=(\S+)`)

// http is where the process serves HTTP.
func (p *process) http() string {
	p.t.Helper()
	await(p.t, "the line that says started", func() bool {
		return httpAddress.MatchString(p.stderr.String()) || p.over()
	})
	match := httpAddress.FindStringSubmatch(p.stderr.String())
	if match == nil {
		p.t.Fatalf("%q ended: %s", p.command.Args, p.stderr.String())
	}
	return "http://" + match[1]
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *process) awaitReady() {
	p.t.Helper()
	url := p.http() + "/readyz"
	await(p.t, "readiness", func() bool {
		code, _ := get(p.t, url)
		return code == 200 || p.over()
	})
	if p.over() {
		p.t.Fatalf("%q ended before it was ready: %s", p.command.Args, p.stderr.String())
	}
}

// records returns the committed records of a topic.
func (s *site) records(topic string) []*kgo.Record {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	left := map[int32]bool{}
	ends, err := kadm.NewClient(s.client).ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { left[o.Partition] = o.Offset > 0 })
	client := s.dial(reading(topic)...)
	defer client.Close()
	var records []*kgo.Record
	for {
		waiting := false
		for _, l := range left {
			waiting = waiting || l
		}
		if !waiting {
			return records
		}
		fetches := client.PollFetches(ctx)
		if err := errors.Join(ctx.Err(), fetches.Err()); err != nil {
			s.t.Fatalf("read %s: %v", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if end, ok := ends.Lookup(topic, r.Partition); ok && r.Offset+1 >= end.Offset {
				left[r.Partition] = false
			}
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
}

func reading(topic string) []kgo.Opt {
	return []kgo.Opt{
		kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
	}
}

func (s *site) alerts() []*monitor.Alert {
	s.t.Helper()
	var all []*monitor.Alert
	for _, r := range s.records("alerts") {
		a, err := alerts.Decode(r)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// publish produces capture records to the partitions in turn.
func (s *site) publish(values ...string) {
	s.t.Helper()
	var records []*kgo.Record
	for i, value := range values {
		records = append(records, &kgo.Record{Topic: "capture", Partition: int32(i % 3), Value: []byte(value)})
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		s.t.Fatal(err)
	}
}

func decode(t *testing.T, value []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(value, into); err != nil {
		t.Fatalf("decode %s: %v", value, err)
	}
}

func lines(all []string) string { return strings.Join(all, "\n") + "\n" }
