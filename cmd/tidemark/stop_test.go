package main

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// terminated asks a process to end, and fails the test unless it does so cleanly in the time that is promised.
func (p *process) terminated() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		p.t.Fatal("SIGTERM does not end the process within 10 seconds")
	}
	if code := p.wait(); code != 0 {
		p.t.Errorf("SIGTERM ends the process with %d: %s", code, p.stderr.String())
	}
}

// A process that is asked to end while it starts ends cleanly, whether or not brokers and store answer it.
func TestStopWhileStarting(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	for name, addresses := range map[string]struct{ broker, store string }{
		"nobody listens":  {freeAddress("127.0.0.1:0"), freeAddress("127.0.0.1:0")},
		"nobody answers":  {silent.Addr().String(), silent.Addr().String()},
		"the broker does": {"", silent.Addr().String()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.trainNumber()
			rest := "  - {name: number, baseline: baseline}\narchive: {url: s3://captures/prod, endpoint: \"http://" + addresses.store + "\", path_style: true}\n"
			s.configure(rest)
			if addresses.broker != "" {
				s.write("tidemark.yaml", "kafka: {brokers: [\""+addresses.broker+"\"]}\nhttp: {listen: 127.0.0.1:0}\nmonitors:\n"+rest)
			}
			s.env = append(s.env, "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", unanswered)
			p := s.start("run")
			p.http() // it has begun, and is not ready
			p.terminated()
		})
	}
}

// A process whose brokers stopped answering in the midst of its commits ends in time; what it could not commit is read
// again by the next one.
func TestStopWithoutBrokers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}, drift: []}\n")
	s.env = append(s.env, unanswered)
	p := s.run()
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	s.publish(minutes("number", start, 30, 30, 30)...)
	j := s.journal()
	j.untilRows("number", 60)

	held, release := make(chan struct{}, 1), make(chan struct{})
	s.broker.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.broker.KeepControl()
		select {
		case held <- struct{}{}:
		default:
		}
		s.broker.SleepControl(func() { <-release })
		return nil, nil, false
	})
	<-held
	p.terminated()
	close(release)

	p = s.run()
	s.publish(minutes("number", start.Add(3*time.Minute), 30, 30)...)
	j.untilRows("number", 120)
	j.finish(p)
}
