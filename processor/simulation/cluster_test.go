package simulation

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/processor"
	"tidemark/windows"
)

// brokers are so many that a process may be cut from the one that leads a partition and reach all others that it needs.
const brokers = 5

// storeHost is the object store, as a host that requests go to.
const storeHost = brokers

// cluster is the brokers.
type cluster struct {
	*world
	topics    map[string][]*commitLog
	producers map[string]*producer
	groups    map[string]*group
	down      [brokers + 1]time.Duration // until when
	places    map[string]kgo.TopicPartitioner
}

func newCluster(w *world, c *processor.Config, captures int32) *cluster {
	k := &cluster{world: w, topics: map[string][]*commitLog{}, producers: map[string]*producer{}, groups: map[string]*group{}, places: map[string]kgo.TopicPartitioner{}}
	t := c.Topics
	for i, name := range []string{c.Capture[0].Topic, t.Panes, t.State, t.Reports, t.Alerts, t.Late, t.DeadLetters} {
		k.places[name] = c.Partitioner().ForTopic(name)
		n := int32(1)
		switch name {
		case c.Capture[0].Topic:
			n = captures
		case t.Panes, t.State:
			n = t.Partitions
		}
		for p := range n {
			k.topics[name] = append(k.topics[name], &commitLog{
				name: windows.Source{Topic: name, Partition: p}, broker: (i + int(p)) % brokers,
				open: map[*transaction]int64{}, batches: map[batch]bool{},
			})
		}
	}
	for name, topic := range map[string]string{"tidemark-ingest": c.Capture[0].Topic, "tidemark-evaluate": t.Panes, "tidemark-archive": c.Capture[0].Topic} {
		g := &group{cluster: k, name: name, members: map[string]*member{}, offsets: map[windows.Source]offset{}, pending: map[windows.Source]int{}}
		for _, p := range k.topics[topic] {
			g.partitions = append(g.partitions, p.name)
		}
		k.groups[name] = g
	}
	w.every(time.Second, func() {
		k.expire()
		for _, name := range sorted(k.groups) {
			k.groups[name].expire()
		}
	})
	return k
}

func (c *cluster) log(name windows.Source) *commitLog { return c.topics[name.Topic][name.Partition] }

// coordinator is the broker that looks after a group or a transactional id.
func coordinator(id string) int {
	sum := 0
	for _, b := range []byte(id) {
		sum += int(b)
	}
	return sum % brokers
}

// process is a running Tidemark.
type process struct {
	*world
	instance string
	config   *processor.Config
	tasks    []*task
	frozen   time.Duration              // until when
	cut      [brokers + 1]time.Duration // from which hosts, until when
	mishaps  []mishap                   // that befall its next requests
	stopping bool
	number   int // no other has it
	opened   int // chains
	ended    bool
	refused  string // why it ended by itself
}

// mishap befalls a request.
type mishap uint8

const (
	unsent    mishap = iota + 1 // it never arrives
	unheard                     // it is carried out, and the answer is lost
	straggler                   // it is carried out long after its sender gave up
)

func (t *task) unreachable(host int) bool {
	return t.down[host] > t.now || t.process.cut[host] > t.now
}

const patience = 2 * time.Second // with a request

// call makes a request of a host. After errLost it may have been carried out, or may still be.
func (t *task) call(host int, what string, do func() error) error {
	if t.unreachable(host) {
		t.sleep(t.between(20*time.Millisecond, 200*time.Millisecond))
		return errLost
	}
	arrive, answer := t.between(100*time.Microsecond, 3*time.Millisecond), t.between(100*time.Microsecond, 3*time.Millisecond)
	lost := false
	if p := t.process; len(p.mishaps) > 0 && slices.Contains([]string{"produce", "offsets", "end", "put", "commit"}, what) {
		m := p.mishaps[0]
		p.mishaps = p.mishaps[1:]
		t.note("%s: %s is %s", p.instance, what, [...]string{"", "unsent", "unheard", "a straggler"}[m])
		switch m {
		case unsent:
			t.sleep(patience)
			return errLost
		case straggler:
			arrive = t.between(patience, 15*time.Second)
		}
		lost = true
	}
	var err error
	carried := false
	t.after(arrive, func() {
		if t.down[host] <= t.now {
			carried, err = true, do()
		}
	})
	if lost {
		t.sleep(patience)
		return errLost
	}
	t.sleep(arrive + answer)
	if !carried || t.unreachable(host) {
		return errLost
	}
	return err
}

// insist makes a request until its outcome is known or time is up.
func (t *task) insist(host int, what string, deadline time.Duration, do func() error) error {
	for {
		err := t.call(host, what, do)
		passes := errors.Is(err, errLost) || errors.Is(err, errConcurrent) || errors.Is(err, errUnstable)
		if !passes || t.now >= deadline {
			return err
		}
		t.sleep(t.between(10*time.Millisecond, 50*time.Millisecond))
	}
}

func (p *process) kill() {
	for _, t := range p.tasks {
		t.kill()
	}
	p.ended = true
}

// refuse ends the process by itself, as when it was fenced.
func (p *process) refuse(why error) {
	if !p.ended {
		p.note("%s ends: %v", p.instance, why)
		p.ended, p.refused = true, why.Error()
		p.after(0, p.kill)
	}
}

// finished says whether all that the process does has ended.
func (p *process) finished() bool {
	return !slices.ContainsFunc(p.tasks, func(t *task) bool { return !t.ended })
}

func (p *process) String() string { return fmt.Sprint(p.instance, " ended ", p.ended) }
