package simulation

import (
	"container/heap"
	"fmt"
	"hash"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"time"
)

// world is a clock, what is to happen, and a source of chance. There is one goroutine at a time: tasks take turns.
type world struct {
	seed   uint64
	random *rand.Rand
	now    time.Duration // since noon
	queue  queue
	seq    uint64

	trace hash.Hash64
	lines *[]string // of the trace, if they are wanted

	*cluster
	store     *objects
	processes []*process
	faults    map[string]int // by kind
	bug       bug

	violations []string
}

// noon is when simulations begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (w *world) clock() time.Time { return noon.Add(w.now) }

// note puts a line into the trace.
func (w *world) note(format string, args ...any) {
	fmt.Fprintf(w.trace, format, args...)
	if w.lines != nil {
		*w.lines = append(*w.lines, fmt.Sprintf("%9.3f ", w.now.Seconds())+fmt.Sprintf(format, args...))
	}
}

// between draws a duration.
func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.random.Int64N(int64(most-least)+1))
}

func (w *world) chance(of float64) bool { return w.random.Float64() < of }

// moment is something that is to happen. Of two at one time the one that was asked for first comes first.
type moment struct {
	at  time.Duration
	seq uint64
	do  func()
}

type queue []moment

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(m any)   { *q = append(*q, m.(moment)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = moment{}
	*q = (*q)[:len(*q)-1]
	return last
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, moment{w.now + d, w.seq, do})
}

// every does something from time to time, for ever.
func (w *world) every(d time.Duration, do func()) {
	w.after(d, func() {
		do()
		w.every(d, do)
	})
}

// run lets time pass.
func (w *world) run(until time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= until {
		m := heap.Pop(&w.queue).(moment)
		w.now = m.at
		m.do()
	}
	w.now = until
}

// task is something a process does, in steps between which others take their turn.
type task struct {
	*world
	process *process
	next    func() (time.Duration, bool)
	stop    func()
	yield   func(time.Duration) bool
	ended   bool
}

// killed unwinds a task whose process was killed.
type killed struct{}

func (p *process) spawn(body func(t *task)) *task {
	t := &task{world: p.world, process: p}
	t.next, t.stop = iter.Pull(func(yield func(time.Duration) bool) {
		t.yield = yield
		defer func() {
			if r := recover(); r != nil && r != (killed{}) {
				panic(r)
			}
		}()
		body(t)
	})
	p.tasks = append(p.tasks, t)
	p.after(0, t.resume)
	return t
}

func (t *task) resume() {
	if t.ended {
		return
	}
	if wait := t.process.frozen - t.now; wait > 0 {
		t.after(wait, t.resume)
		return
	}
	d, more := t.next()
	if !more {
		t.ended = true
		return
	}
	t.after(d, t.resume)
}

// kill ends a task wherever it is. A task cannot kill itself.
func (t *task) kill() {
	if !t.ended {
		t.ended = true
		t.stop()
	}
}

func (t *task) sleep(d time.Duration) {
	if !t.yield(d) {
		panic(killed{})
	}
}

func newTrace() hash.Hash64 { return fnv.New64a() }
