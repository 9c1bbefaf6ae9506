package simulation

import (
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/processor"
	"tidemark/windows"
)

// evaluate is the role, as processor's evaluate.go and restore.go have it.
func (p *process) evaluate(t *task) {
	t.sessions(func() error {
		ev := &evaluator{p: p, t: t, assigned: map[int32]bool{}, Evaluation: processor.NewEvaluation(p.config, monitors())}
		ev.session = t.newSession("evaluate", func(c *consumer) {
			c.pause = true
			c.assigned = func(name windows.Source) { ev.assigned[name.Partition] = true }
			c.unassigned = func(name windows.Source) { delete(ev.assigned, name.Partition) }
		})
		defer ev.close()
		next := t.now + commitInterval
		for {
			if err := ev.restoreAssigned(); err != nil {
				return err
			}
			if err := ev.decide(); err != nil {
				return err
			}
			if t.now < next && !ev.Decided() && !ev.Due() && !p.stopping {
				t.sleep(t.between(50*time.Millisecond, 300*time.Millisecond))
				continue
			}
			stopping := p.stopping
			if err := ev.commitDecisions(); err != nil || stopping {
				return err
			}
			next = t.now + commitInterval
		}
	})
}

type evaluator struct {
	*processor.Evaluation
	*session
	p        *process
	t        *task
	assigned map[int32]bool // and not restored
}

// decide goes on with what the commit before left, or reads. Now and then, but where a bug is looked for, it stops in the midst
// of what a vector closes: then nothing more is taken of what was read.
func (ev *evaluator) decide() error {
	cut := func() error { return ev.Close(ev.Work() + 1 + ev.t.random.IntN(100)) }
	if ev.Due() {
		return cut()
	}
	read, err := ev.poll()
	if err != nil {
		return err
	}
	for i, f := range read {
		for _, r := range f.records {
			if err := ev.Read(r); err != nil {
				return err
			}
			if ev.Due() && ev.t.bug == noBug && ev.t.random.IntN(4) == 0 {
				if p := ev.owned[f.name]; p != nil {
					p.at, p.read = r.Offset+1, r.Offset+1
				}
				for _, f := range read[i+1:] {
					if p := ev.owned[f.name]; p != nil && len(f.records) > 0 {
						p.at, p.read = f.records[0].Offset, f.records[0].Offset
					}
				}
				return cut()
			}
			if err := ev.Close(math.MaxInt); err != nil {
				return err
			}
		}
	}
	return nil
}

func (ev *evaluator) commitDecisions() error {
	if len(ev.Touched()) == 0 {
		return nil
	}
	records, err := ev.Records()
	if err != nil {
		return err
	}
	done, err := ev.transact(records)
	if err != nil {
		return err
	}
	ev.t.note("%s: evaluate wrote %d records: %v", ev.p.instance, len(records), done)
	if !done {
		for partition := range ev.p.config.Topics.Partitions {
			ev.Drop(partition)
		}
		for name, at := range ev.owned {
			ev.assigned[name.Partition], at.paused = true, true
		}
	}
	ev.Forget()
	return nil
}

func (ev *evaluator) source(topic string, partition int32) windows.Source {
	return windows.Source{Topic: topic, Partition: partition}
}

func (ev *evaluator) restoreAssigned() error {
	panes := ev.p.config.Topics.Panes
	for _, partition := range ev.Lost(func(p int32) bool { return ev.owned[ev.source(panes, p)] != nil }) {
		ev.Drop(partition)
	}
	for partition := range ev.p.config.Topics.Partitions {
		at := ev.owned[ev.source(panes, partition)]
		if at == nil || !ev.assigned[partition] {
			continue
		}
		delete(ev.assigned, partition)
		if err := ev.restore(partition, at.committed); err != nil {
			return err
		}
		if ev.owned[ev.source(panes, partition)] == at {
			at.paused = false
		}
	}
	return nil
}

func (ev *evaluator) restore(partition int32, offset int64) error {
	t := ev.p.config.Topics
	state, panes := ev.t.log(ev.source(t.State, partition)), ev.t.log(ev.source(t.Panes, partition))
	r := ev.Restoration(partition, offset)
	var start, end int64
	list := func(log *commitLog) error {
		err := ev.t.insist(log.broker, "list", ev.t.now+5*time.Second, func() error { start, end = log.start, log.end; return nil })
		if err != nil {
			return lost(err)
		}
		return nil
	}
	if err := list(state); err != nil {
		return err
	}
	if err := ev.readAll(state, start, end, r.Saved); err != nil {
		return err
	}
	if err := list(panes); err != nil {
		return err
	}
	from, err := r.From(start)
	if err != nil {
		return ev.overtaken(panes.name, offset, err)
	}
	if from < start && from < offset {
		return fmt.Errorf("%v begins at %d, but %d is needed", panes.name, start, from)
	}
	if err := ev.readAll(panes, from, offset, r.Replay); err != nil {
		return err
	}
	ev.t.note("%s: restored partition %d at %d from %d", ev.p.instance, partition, offset, from)
	ev.Take(r)
	return nil
}

// overtaken tells an offset that was moved by hand from that of a process that was stopped for long.
func (ev *evaluator) overtaken(name windows.Source, committed int64, err error) error {
	var o offset
	asked := ev.t.insist(coordinator(ev.group.name), "fetch offset", ev.t.now+5*time.Second, func() (err error) { o, err = ev.group.fetch(name); return err })
	if asked != nil || o.at != committed {
		return fmt.Errorf("%w: another process went on with %v, from offset %d to %d", errSession, name, committed, o.at)
	}
	return err
}

// readAll reads a log up to an offset, and waits for transactions that are open before it.
func (ev *evaluator) readAll(log *commitLog, from, to int64, each func(*kgo.Record) error) error {
	for from < to {
		var f fetched
		if err := ev.t.call(log.broker, "fetch", func() error { f = log.fetch(from, 500); return nil }); err != nil {
			continue
		}
		if f.err != nil {
			return f.err
		}
		for _, r := range f.records {
			if r.Offset >= to || r.Attrs.IsControl() {
				continue
			}
			if err := each(r); err != nil {
				return fmt.Errorf("%v offset %d: %w", log.name, r.Offset, err)
			}
		}
		if f.next == from {
			ev.t.sleep(50 * time.Millisecond)
		}
		from = f.next
	}
	return nil
}
