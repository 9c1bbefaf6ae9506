package simulation

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/windows"
)

type state uint8

const (
	ongoing state = iota
	committed
	aborted
)

// transaction is one of a producer. Once it is decided its markers are written, each in its time.
type transaction struct {
	state   state
	started time.Duration
	parts   []*commitLog
	group   *group
	offsets map[windows.Source]int64
	markers int // still to be written
}

// producer is what the coordinator knows of a transactional id. As since Kafka 4.0, the epoch goes up with each
// transaction, so that a request of an earlier one that was held up on its way is refused.
type producer struct {
	id      string
	epoch   int
	current *transaction
	last    *transaction // that this epoch followed
}

const transactionTimeout = 10 * time.Second

// initProducer begins anew under a transactional id: what its former holder left open is aborted, and it is fenced.
func (c *cluster) initProducer(id string) (epoch int, err error) {
	p := c.producers[id]
	if p == nil {
		p = &producer{id: id}
		c.producers[id] = p
	}
	if p.current != nil && p.current.state == ongoing {
		c.decide(p, aborted)
	}
	if p.completing() {
		return 0, errConcurrent
	}
	p.epoch++
	p.current, p.last = nil, nil
	return p.epoch, nil
}

func (p *producer) completing() bool { return p.current != nil && p.current.markers > 0 }

// begun returns the ongoing transaction of the producer, which begins when there is none.
func (c *cluster) begun(id string, epoch int) (*transaction, error) {
	p := c.producers[id]
	switch {
	case p == nil || p.epoch != epoch:
		return nil, errProducer
	case p.completing():
		return nil, errConcurrent
	case p.current == nil || p.current.state != ongoing:
		p.current = &transaction{started: c.now}
		p.last = nil
	}
	return p.current, nil
}

// produce appends a batch, once, to a partition.
func (c *cluster) produce(b batch, to *commitLog, records []kgo.Record) error {
	if p := c.producers[b.producer]; p != nil && p.epoch == b.epoch && to.batches[b] {
		return nil
	}
	t, err := c.begun(b.producer, b.epoch)
	if err != nil {
		return err
	}
	if _, known := to.open[t]; !known {
		t.parts = append(t.parts, to)
	}
	to.append(c.clock(), t, records...)
	to.batches[b] = true
	return nil
}

// commitOffsets adds offsets of a group to the producer's transaction, if a member of that generation asks for it.
func (c *cluster) commitOffsets(id string, epoch int, g *group, m membership, offsets map[windows.Source]int64) error {
	if p := c.producers[id]; p == nil || p.epoch != epoch {
		return errProducer
	}
	if err := g.check(m); err != nil {
		return err
	}
	t, err := c.begun(id, epoch)
	if err != nil {
		return err
	}
	if t.group == nil {
		t.group, t.offsets = g, map[windows.Source]int64{}
	}
	for name, offset := range offsets {
		if _, known := t.offsets[name]; !known {
			g.pending[name]++
		}
		t.offsets[name] = offset
	}
	return nil
}

// end ends the producer's transaction and returns the epoch of the next.
func (c *cluster) end(id string, epoch int, as state) (next int, err error) {
	p := c.producers[id]
	switch {
	case p == nil:
		return 0, errProducer
	case p.epoch == epoch+1 && p.last != nil: // asked again
		if p.last.state != as {
			return 0, errProducer
		}
		return p.epoch, nil
	case p.epoch != epoch:
		return 0, errProducer
	case p.completing():
		return 0, errConcurrent
	case p.current == nil || p.current.state != ongoing:
		return 0, errTransaction
	}
	c.decide(p, as)
	return p.epoch, nil
}

// decide ends a transaction. From here on its outcome is certain; readers learn of it partition by partition.
func (c *cluster) decide(p *producer, as state) {
	t := p.current
	t.state = as
	t.markers = len(t.parts)
	p.epoch++
	p.last = t
	for _, part := range t.parts {
		c.after(c.between(0, 20*time.Millisecond), func() {
			part.append(c.clock(), nil, kgo.Record{Attrs: controlAttrs})
			delete(part.open, t)
			t.markers--
		})
	}
	if t.group != nil {
		t.markers++
		c.after(c.between(0, 20*time.Millisecond), func() {
			t.group.settle(t)
			t.markers--
		})
	}
}

// expire aborts what takes too long.
func (c *cluster) expire() {
	for _, id := range sorted(c.producers) {
		if p := c.producers[id]; p.current != nil && p.current.state == ongoing && c.now-p.current.started > transactionTimeout {
			c.note("%s: transaction timed out", id)
			c.decide(p, aborted)
		}
	}
}
