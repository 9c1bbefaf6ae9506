package simulation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/baseline"
	"tidemark/monitor"
	"tidemark/processor"
	"tidemark/windows"
)

// bug is a fault that is put into what the simulation writes anew, to see that it is found.
type bug string

const (
	noBug               bug = ""
	commitBeforeProduce bug = "commit before produce"
	offByOne            bug = "offset off by one"
	adoptionIgnored     bug = "adoption ignored"
	idleWithoutProof    bug = "idle without proof"
)

const (
	captures = 4 // partitions of the capture topic
	begin    = time.Second
	calm     = 12 * time.Second  // until the first fault
	trouble  = 140 * time.Second // until the last
	traffic  = 150 * time.Second // until the last row
	closing  = 186 * time.Second // until the processes are stopped
	// patiently is for how long at most the last windows and objects are waited for: a process that was killed holds its partitions
	// and its transaction for a while, as does one that is killed after it.
	patiently = 300 * time.Second
	ending    = 18 * time.Second // for the processes to stop
)

// monitors watch churn in windows of several kinds, and loans with a detector that keeps state.
var monitors = sync.OnceValue(func() []*monitor.Monitor {
	dir, err := os.MkdirTemp("", "simulation")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	random := rand.New(rand.NewPCG(1, 1))
	var training strings.Builder
	training.WriteString("x,kind\n")
	for i := range 2000 {
		fmt.Fprintf(&training, "%.3f,%c\n", random.NormFloat64(), "aab"[i%3])
	}
	file := filepath.Join(dir, "training.csv")
	if err := os.WriteFile(file, []byte(training.String()), 0o600); err != nil {
		panic(err)
	}
	b, err := baseline.Build([]string{file}, baseline.Roles{}, time.Unix(0, 0))
	if err != nil {
		panic(err)
	}
	watch := func(name string, change func(*monitor.Config)) *monitor.Monitor {
		c := monitor.DefaultConfig()
		c.Name, c.Baseline = name, dir
		c.Drift = []monitor.Rule{{Method: "psi", Threshold: 0.2, MinSamples: 10}}
		change(&c)
		c.Complete()
		c.Check(func(path, message string) { panic(path + " " + message) })
		return monitor.New(c, b)
	}
	second := time.Second
	return []*monitor.Monitor{
		watch("churn", func(c *monitor.Config) {
			c.Windows = []windows.Spec{{Size: 10 * second}, {Size: 30 * second, Slide: 10 * second}}
		}),
		watch("loans", func(c *monitor.Config) {
			c.Windows = []windows.Spec{{Size: 20 * second}}
			c.Sequential = []monitor.Sequence{{Detector: "page_hinkley", Feature: "x"}}
		}),
	}
})

// scene is one run: what was sent, and what went wrong.
type scene struct {
	*world
	config   processor.Config
	rows     int
	produced int
	open     map[int32]*transaction // of a producer that captures in transactions
	silent   map[int32]time.Duration
	desired  map[string]time.Duration // instances that are to run, from when on
}

// violated notes what should not be.
func (w *world) fail(format string, args ...any) {
	w.note("VIOLATION "+format, args...)
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
}

// play runs a seed.
func play(seed uint64, planted bug, lines *[]string) *scene {
	w := &world{seed: seed, random: rand.New(rand.NewPCG(seed, 42)), trace: newTrace(), lines: lines, store: newObjects(), faults: map[string]int{}, bug: planted}
	s := &scene{world: w, config: processor.DefaultConfig(), open: map[int32]*transaction{}, silent: map[int32]time.Duration{}, desired: map[string]time.Duration{}}
	s.config.Topics.Partitions = 2
	s.config.Complete()
	w.cluster = newCluster(w, &s.config, captures)
	s.desired["one"], s.desired["two"] = 0, 0
	w.every(500*time.Millisecond, s.supervise)
	w.after(begin, s.capture)
	for range 20 + w.random.IntN(6) {
		w.after(w.between(calm, trouble), s.fault)
	}
	w.run(closing)
	in := s.input()
	for w.now < patiently && (s.unreported(in) || s.unarchived(in)) {
		s.regroup()
		w.run(w.now + 10*time.Second)
	}
	for _, p := range w.processes {
		p.stopping = true
	}
	s.desired = nil
	w.run(w.now + ending)
	s.verify(in)
	return s
}

// regroup does what an operator does about a partition that is nobody's. As in Kafka, a static member that comes back has
// what it was assigned last, without a rebalance: when it was killed after it joined one that takes a partition from it, nobody
// is told to take that partition up.
func (s *scene) regroup() {
	for _, name := range sorted(s.groups) {
		g := s.groups[name]
		assigned := 0
		for _, m := range g.members {
			assigned += len(m.assigned)
		}
		if !g.preparing && len(g.members) > 0 && assigned < len(g.partitions) {
			s.faults["partition left to nobody"]++
			s.note("%s: a partition is nobody's", name)
			g.prepare()
		}
	}
}

// supervise starts what is to run and does not.
func (s *scene) supervise() {
	for _, instance := range sorted(s.desired) {
		if s.now >= s.desired[instance] && s.running(instance) == nil {
			s.start(instance)
		}
	}
}

// running is the process of an instance that was started last, if it runs.
func (s *scene) running(instance string) *process {
	var last *process
	for _, p := range s.processes {
		if p.instance == instance && !p.ended && !p.finished() {
			last = p
		}
	}
	return last
}

func (s *scene) start(instance string) {
	config := s.config
	config.Instance = instance
	p := &process{world: s.world, instance: instance, config: &config, number: len(s.processes)}
	s.processes = append(s.processes, p)
	s.note("start %s", instance)
	p.spawn(p.ingest)
	p.spawn(p.evaluate)
	p.spawn(p.archive)
}

// capture publishes some records, now and then from within a transaction.
func (s *scene) capture() {
	if s.now > traffic {
		for part, t := range s.open {
			s.finish(part, t)
		}
		return
	}
	s.after(250*time.Millisecond, s.capture)
	part := int32(s.random.IntN(captures))
	log := s.topics[s.config.Capture[0].Topic][part]
	if s.now < begin+2*time.Second { // every endpoint is in every partition from the start
		part = int32(s.now/(250*time.Millisecond)) % captures
		log = s.topics[s.config.Capture[0].Topic][part]
		log.append(s.clock(), nil, s.flat("churn"), s.flat("loans"))
		return
	}
	if s.silent[part] > s.now || s.down[log.broker] > s.now {
		return
	}
	if s.chance(0.015) {
		s.silent[part] = s.now + s.between(6*time.Second, 40*time.Second)
	}
	t := s.open[part]
	if t == nil && s.chance(0.1) {
		t = &transaction{started: s.now}
		s.open[part] = t
		s.after(s.between(0, 2*time.Second), func() { s.finish(part, t) })
	}
	for range 1 + s.random.IntN(7) {
		log.append(s.clock(), t, s.captured())
	}
}

// finish ends a transaction of captures.
func (s *scene) finish(part int32, t *transaction) {
	if t.state != ongoing {
		return
	}
	t.state = committed
	if s.chance(0.2) {
		t.state = aborted
	}
	log := s.topics[s.config.Capture[0].Topic][part]
	log.append(s.clock(), nil, kgo.Record{Attrs: controlAttrs})
	delete(log.open, t)
	delete(s.open, part)
}

// captured is the next record: most are of a monitored endpoint, and some cannot be read.
func (s *scene) captured() kgo.Record {
	switch n := s.random.IntN(100); {
	case n < 2:
		s.produced++
		return kgo.Record{Key: []byte("k"), Value: fmt.Appendf(nil, `{"endpoint":"churn","id":"%d"`, s.produced)}
	case n < 5:
		return s.flat("nobody")
	case n < 60:
		return s.flat("churn")
	}
	return s.flat("loans")
}

// flat is a record of one to three rows, captured up to a second and a half ago.
func (s *scene) flat(endpoint string) kgo.Record {
	s.produced++
	mean := 0.0
	if (s.now/(40*time.Second))%2 == 1 {
		mean = 2
	}
	var rows []string
	for range 1 + s.random.IntN(3) {
		x := fmt.Sprintf("%.3f", mean+s.random.NormFloat64())
		if s.chance(0.05) {
			x = "null"
		}
		rows = append(rows, fmt.Sprintf(`{"x":%s,"kind":"%c"}`, x, "aabc"[s.random.IntN(4)]))
	}
	s.rows += len(rows)
	at := s.clock().Add(-s.between(0, 1500*time.Millisecond))
	return kgo.Record{Value: fmt.Appendf(nil, `{"endpoint":%q,"id":"%d","time":%d,"features":[%s]}`, endpoint, s.produced, at.UnixMilli(), strings.Join(rows, ","))}
}

// fault makes something go wrong.
func (s *scene) fault() {
	var alive []*process
	for _, p := range s.processes {
		if !p.ended && !p.stopping && !p.finished() {
			alive = append(alive, p)
		}
	}
	pick := func() *process {
		if len(alive) == 0 {
			return &process{world: s.world, ended: true}
		}
		return alive[s.random.IntN(len(alive))]
	}
	p := pick()
	var kind string
	switch n := s.random.IntN(100); {
	case n < 20:
		kind = "kill -9"
		p.kill()
		if _, wanted := s.desired[p.instance]; wanted {
			s.desired[p.instance] = s.now + s.between(0, 15*time.Second)
		}
	case n < 38:
		kind = "freeze"
		p.frozen = s.now + s.between(500*time.Millisecond, 25*time.Second)
	case n < 46:
		kind = "second process of the name"
		p.frozen = s.now + s.between(2*time.Second, 25*time.Second)
		if !p.ended {
			s.start(p.instance)
		}
	case n < 58:
		kind = "cut from a broker"
		p.cut[s.random.IntN(brokers)] = s.now + s.between(time.Second, 20*time.Second)
	case n < 64:
		kind = "broker down"
		s.down[s.random.IntN(brokers)] = s.now + s.between(time.Second, 8*time.Second)
	case n < 69:
		kind = "store down"
		s.down[storeHost] = s.now + s.between(time.Second, 30*time.Second)
	case n < 84:
		kind = "requests go astray"
		for range 1 + s.random.IntN(4) {
			p.mishaps = append(p.mishaps, mishap(1+s.random.IntN(3)))
		}
	case n < 92:
		kind = "member comes or goes"
		s.resize(p)
	case n < 96:
		kind = "log cleaned"
		s.clean()
	default:
		kind = "archive's offsets lost"
		clear(s.groups["tidemark-archive"].offsets)
	}
	s.faults[kind]++
	s.note("FAULT %s: %s", kind, p.instance)
}

// resize adds a third process or takes away one of three.
func (s *scene) resize(p *process) {
	for _, instance := range []string{"three", "two", "one"} {
		if _, wanted := s.desired[instance]; !wanted {
			s.desired[instance] = s.now
			return
		}
	}
	delete(s.desired, p.instance)
	p.stopping = true
}

// clean deletes what nobody needs any more, and compacts the state.
func (s *scene) clean() {
	t := s.config.Topics
	for _, log := range s.topics[t.State] {
		log.compact()
	}
	ingest := s.groups["tidemark-ingest"]
	for _, log := range s.topics[s.config.Capture[0].Topic] {
		log.retain(min(ingest.offsets[log.name].at, s.archivedTo(log.name)))
	}
}
