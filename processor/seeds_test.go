package processor

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"tidemark/monitor"
	"tidemark/sinks/archive"
	"tidemark/windows"
)

var (
	seeds     = flag.Uint64("seeds", 3, "how many seeds of faults the roles are run with")
	firstSeed = flag.Uint64("first", 1, "the first of these seeds")
)

// TestRolesUnderFaults runs the roles themselves on a broker in memory, in virtual time. A seed fixes the traffic and the
// faults, but not the order of goroutines, so a seed that fails is kept with its trace, and is to be run again
// many times: -first N -seeds 1 -count 200.
func TestRolesUnderFaults(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			churn := watch(t, "churn", 30*time.Second, windows.Spec{Size: time.Minute, Slide: 10 * time.Second})
			loans := watch(t, "loans", 20*time.Second)
			inWorld(t, []*monitor.Monitor{churn, loans}, func(w *world) {
				s := &ordeal{world: w, random: rand.New(rand.NewPCG(seed, 7)), running: map[string]*subject{}, due: map[string]time.Time{}, bucket: &unsure{}}
				s.started = time.Now()
				s.watchRequests()
				s.run()
				w.verify(churn)
				w.verify(loans)
				s.verifyAlerts()
				s.verifyArchive()
				if t.Failed() {
					s.keep(seed)
				}
			})
		})
	}
}

// ordeal is processes and what befalls them.
type ordeal struct {
	*world
	random  *rand.Rand
	started time.Time
	running map[string]*subject
	due     map[string]time.Time // instances that are to run, from when on
	ended   []*subject
	bucket  *unsure
	sent    int
	faults  int

	mu    sync.Mutex
	trace []string
}

// subject is a process with a line of its own to the brokers.
type subject struct {
	instance string
	stop     context.CancelFunc
	done     chan error
	line     *line
}

func (s *ordeal) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, fmt.Sprintf("%8.3f ", time.Since(s.started).Seconds())+fmt.Sprintf(format, args...))
}

// Write takes in a line of a log.
func (s *ordeal) Write(b []byte) (int, error) {
	s.note("%s", strings.TrimSpace(string(b)))
	return len(b), nil
}

// watchRequests notes those that transactions and groups consist of.
func (s *ordeal) watchRequests() {
	s.broker.Fault(kfake.Fault{
		Keys:  []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.LeaveGroup, kmsg.InitProducerID, kmsg.TxnOffsetCommit, kmsg.EndTxn},
		Count: -1, Observe: true,
		When: func(r kmsg.Request) bool {
			s.note("%s %s", kmsg.NameForKey(r.Key()), strings.Join(strings.Fields(fmt.Sprintf("%+v", r)), " "))
			return true
		},
	})
}

func (s *ordeal) between(least, most time.Duration) time.Duration {
	return least + time.Duration(s.random.Int64N(int64(most-least)+1))
}

func (s *ordeal) start(instance string) {
	config := s.config
	config.Instance = instance
	ctx, cancel := context.WithCancel(context.Background())
	p := &subject{instance: instance, stop: cancel, done: make(chan error, 1), line: &line{dial: s.network.DialContext}}
	log := slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelInfo})).With("instance", instance)
	ready, metrics, dial := func(bool) {}, prometheus.NewRegistry(), kgo.Dialer(p.line.connect)
	settings := archive.DefaultConfig()
	settings.Every, settings.Codec = 10*time.Second, "" // not compressed, see archive.Codec
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return NewIngest(&config, s.monitors, ready, log, metrics, dial).Run(running) })
	group.Go(func() error { return NewEvaluate(&config, s.monitors, ready, log, metrics, dial).Run(running) })
	group.Go(func() error {
		return NewArchive(&config, archive.New(s.bucket, settings), s.monitors, ready, log, metrics, dial).Run(running)
	})
	go func() { p.done <- group.Wait() }()
	s.note("start %s", instance)
	s.running[instance] = p
}

// supervise starts what is to run and does not. A process that ends by itself must have been fenced.
func (s *ordeal) supervise() {
	for _, instance := range []string{"one", "two", "three"} {
		if p := s.running[instance]; p != nil {
			select {
			case err := <-p.done:
				s.note("%s ended: %v", instance, err)
				if !errors.Is(err, ErrFenced) {
					s.t.Errorf("%s ended: %v", instance, err)
				}
				delete(s.running, instance)
				s.due[instance] = time.Now().Add(time.Second)
			default:
			}
		}
		if due, wanted := s.due[instance]; wanted && s.running[instance] == nil && !time.Now().Before(due) {
			s.start(instance)
		}
	}
}

func (s *ordeal) run() {
	s.due["one"], s.due["two"] = time.Now(), time.Now()
	const calm, trouble, traffic = 15 * time.Second, 150 * time.Second, 165 * time.Second
	var at []time.Duration
	for range 20 {
		at = append(at, s.between(calm, trouble))
	}
	slices.Sort(at)
	for tick := time.Duration(0); tick < traffic; tick += 500 * time.Millisecond {
		s.supervise()
		s.send(tick)
		for len(at) > 0 && at[0] <= tick {
			s.fault()
			at = at[1:]
		}
		s.pass(500 * time.Millisecond)
	}
	// The last windows close by the clock.
	for i := 1; i < 90 || i < 900 && (i%30 != 0 || s.unarchived() || s.unreported()); i++ {
		s.supervise()
		s.pass(time.Second)
		if i%150 == 0 {
			s.regroup()
		}
	}
	for _, p := range s.running {
		p.stop()
		if err := <-p.done; err != nil {
			s.t.Errorf("%s ended: %v", p.instance, err)
		}
	}
	for _, p := range s.ended {
		if err := <-p.done; err != nil && !errors.Is(err, ErrFenced) {
			s.t.Errorf("%s ended: %v", p.instance, err)
		}
	}
	if s.faults < 20 {
		s.t.Errorf("only %d faults", s.faults)
	}
}

// regroup lets all processes leave and come again. When the leader of a group hangs between joining and sharing out the
// partitions, this broker, unlike Kafka, lets the other members wait for ever.
func (s *ordeal) regroup() {
	s.note("regroup")
	for _, p := range s.running {
		s.end(p, 75*time.Second)
	}
}

// send captures rows in one partition, after the first seconds in which every endpoint is in every partition.
func (s *ordeal) send(tick time.Duration) {
	mean := 0.0
	if tick/(50*time.Second)%2 == 1 {
		mean = 2
	}
	for _, endpoint := range []string{"churn", "loans"} {
		partition, n := s.random.Int32N(3), 1+s.random.IntN(12)
		if tick < 2*time.Second {
			partition = int32(tick/(500*time.Millisecond)) % 3
		}
		at := time.Now().Add(-s.between(0, time.Second))
		var records []*kgo.Record
		for range n {
			s.sent++
			records = append(records, &kgo.Record{Topic: "capture", Partition: partition, Value: fmt.Appendf(nil,
				`{"endpoint":%q,"id":"%d","time":%d,"features":{"x":%g,"kind":"a"}}`, endpoint, s.sent, at.UnixMilli(), mean+s.random.NormFloat64())})
		}
		s.publish(records...)
		s.events[endpoint] = append(s.events[endpoint], event{windows.At(at), int64(n)})
	}
}

// fault makes something go wrong.
func (s *ordeal) fault() {
	var names []string
	for _, name := range []string{"one", "two", "three"} {
		if s.running[name] != nil {
			names = append(names, name)
		}
	}
	s.faults++
	requests := []kmsg.Key{kmsg.Produce, kmsg.TxnOffsetCommit, kmsg.EndTxn}
	key := requests[s.random.IntN(len(requests))]
	if n := s.random.IntN(100); n < 30 || len(names) == 0 {
		s.refuse(key)
		return
	}
	p := s.running[names[s.random.IntN(len(names))]]
	switch n := s.random.IntN(100); {
	case n < 25:
		s.note("FAULT kill -9 %s", p.instance)
		p.line.cut(true)
		s.end(p, s.between(0, 12*time.Second))
	case n < 32:
		s.note("FAULT stop %s", p.instance)
		s.end(p, s.between(0, 12*time.Second))
	case n < 52:
		d := s.between(time.Second, 20*time.Second)
		s.note("FAULT %s hangs for %v", p.instance, d)
		p.line.hang(d)
	case n < 67:
		d := s.between(time.Second, 15*time.Second)
		s.note("FAULT %s is cut off for %v", p.instance, d)
		p.line.cut(true)
		time.AfterFunc(d, func() { p.line.cut(false) })
	case n < 82:
		s.note("FAULT %s: the answer to %s is lost", p.instance, kmsg.NameForKey(int16(key)))
		p.line.lose(key)
	case n < 92:
		if _, three := s.due["three"]; three {
			s.note("FAULT three leaves")
			if p := s.running["three"]; p != nil {
				s.end(p, 0)
			}
			delete(s.due, "three")
			return
		}
		s.note("FAULT three joins")
		s.due["three"] = time.Now()
	default:
		d := s.between(time.Second, 30*time.Second)
		s.note("FAULT the store is down for %v", d)
		s.bucket.down(d)
	}
}

// refuse lets the brokers fail requests: some before they are carried out, and some after.
func (s *ordeal) refuse(key kmsg.Key) {
	err := map[kmsg.Key][]*kerr.Error{
		kmsg.Produce:         {kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.NotLeaderForPartition},
		kmsg.TxnOffsetCommit: {kerr.RequestTimedOut, kerr.IllegalGeneration, kerr.CoordinatorLoadInProgress},
		kmsg.EndTxn:          {kerr.RequestTimedOut, kerr.ConcurrentTransactions, kerr.CoordinatorNotAvailable},
	}[key]
	f := kfake.Fault{Keys: []kmsg.Key{key}, Err: err[s.random.IntN(len(err))], Count: 1 + s.random.IntN(3)}
	s.note("FAULT %d times %s: %v", f.Count, kmsg.NameForKey(int16(key)), f.Err)
	s.broker.Fault(f)
}

// end stops a process, and lets it start again later.
func (s *ordeal) end(p *subject, later time.Duration) {
	p.stop()
	delete(s.running, p.instance)
	s.ended = append(s.ended, p)
	s.due[p.instance] = time.Now().Add(later)
}

// keep writes the trace to a file.
func (s *ordeal) keep(seed uint64) {
	file := filepath.Join(os.TempDir(), fmt.Sprintf("tidemark-seed-%d.trace", seed))
	s.mu.Lock()
	defer s.mu.Unlock()
	err := os.WriteFile(file, []byte(strings.Join(s.trace, "\n")+"\n"), 0o600)
	s.t.Logf("seed %d: its trace of %d lines is in %s (%v); again with -first %d -seeds 1 -count 200; the faults:", seed, len(s.trace), file, err, seed)
	for _, l := range s.trace {
		if strings.Contains(l, "FAULT") || strings.Contains(l, " ended: ") {
			s.t.Log(l)
		}
	}
}

// verifyAlerts: those of a rule fire and resolve in turn, and no two have one id.
func (s *ordeal) verifyAlerts() {
	ids, incidents := map[string]bool{}, map[string]string{}
	for _, a := range s.alerts() {
		if ids[a.ID] {
			s.t.Errorf("alert %s is there twice", a.ID)
		}
		ids[a.ID] = true
		rule := fmt.Sprint(a.Monitor, a.Variant, a.Window.Size, a.Feature, a.Rule)
		incident := incidents[rule]
		if (a.State == "firing") != (incident == "") || incident != "" && a.Incident != incident {
			s.t.Errorf("%s is %s of incident %s behind an incident %q", rule, a.State, a.Incident, incident)
		}
		incidents[rule] = ""
		if a.State == "firing" {
			incidents[rule] = a.ID
		}
	}
}

// verifyArchive: each row is in it, once.
func (s *ordeal) verifyArchive() {
	rows, _ := s.archiveRows(&s.bucket.bucket)
	if len(rows) != s.sent {
		s.t.Errorf("%d rows are archived, %d were sent", len(rows), s.sent)
	}
}

// unarchived says whether rows are still to come.
func (s *ordeal) unarchived() bool {
	rows := 0
	for o, err := range s.bucket.Memory.List(context.Background(), "v1/", "") {
		if err != nil {
			s.t.Fatal(err)
		}
		o, err := s.bucket.Memory.Head(context.Background(), o.Key)
		if err != nil {
			s.t.Fatal(err)
		}
		n, _ := strconv.Atoi(o.Metadata["tidemark-rows"]) // a head has none
		rows += n
	}
	return rows < s.sent
}

// unreported says whether rows are still to come in tumbling windows.
func (s *ordeal) unreported() bool {
	var rows int64
	for _, r := range s.reports() {
		if r.Window.Size != "1m" {
			rows += r.Rows
		}
	}
	return rows < int64(s.sent)
}
