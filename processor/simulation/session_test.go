package simulation

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/windows"
)

// session consumes in a group and produces in transactions that carry what was consumed, as kgo.GroupTransactSession.
type session struct {
	*consumer
	t       *task
	manager *task
	id      string // transactional
	epoch   int    // 0 before the first transaction
	batches int
}

func (t *task) newSession(role string, setUp func(*consumer)) *session {
	s := &session{consumer: newConsumer(t.process, "tidemark-"+role), t: t, id: "tidemark-" + role + "-" + t.process.instance}
	setUp(s.consumer)
	s.manager = t.process.spawn(s.manage)
	return s
}

// close leaves without saying so: a static member's place is kept for the session timeout.
func (s *session) close() {
	s.closed = true
	s.manager.kill()
}

// errSession is one after which only the brokers know what was committed.
var errSession = errors.New("the session is lost")

// poll reads what there is of the owned partitions.
func (s *session) poll() ([]fetched, error) {
	if s.failed != nil {
		return nil, s.failed
	}
	var all []fetched
	for broker := range brokers {
		wanted := map[windows.Source]int64{}
		for _, name := range sources(s.owned) {
			if p := s.owned[name]; !p.paused && s.t.log(name).broker == broker {
				wanted[name] = p.at
			}
		}
		if len(wanted) == 0 {
			continue
		}
		most := 1 + s.t.random.IntN(200)
		var got []fetched
		err := s.t.call(broker, "fetch", func() error {
			for _, name := range sources(wanted) {
				got = append(got, s.t.log(name).fetch(wanted[name], most))
			}
			return nil
		})
		if err != nil {
			continue // the client tries again
		}
		for _, f := range got {
			p := s.owned[f.name]
			if p == nil || p.at != wanted[f.name] || p.paused {
				continue // lost meanwhile
			}
			if f.err != nil { // only what others consumed long ago is deleted here: the group refuses to go on behind it
				return nil, fmt.Errorf("%w: %w", errSession, f.err)
			}
			p.at = f.next
			if n := len(f.records); n > 0 {
				p.read = f.records[n-1].Offset + 1
			}
			all = append(all, f)
		}
	}
	return all, nil
}

// produce writes records in the transaction, partition by partition.
func (s *session) produce(records []*kgo.Record, deadline time.Duration) error {
	if s.epoch == 0 {
		err := s.t.insist(coordinator(s.id), "init", deadline, func() (err error) { s.epoch, err = s.t.initProducer(s.id); return err })
		if err != nil {
			return err
		}
	}
	parts := map[windows.Source][]kgo.Record{}
	for _, r := range records {
		n := len(s.t.topics[r.Topic])
		name := windows.Source{Topic: r.Topic, Partition: int32(s.t.places[r.Topic].Partition(r, n))}
		parts[name] = append(parts[name], *r)
	}
	for _, name := range sources(parts) {
		log := s.t.log(name)
		s.batches++
		b := batch{s.id, s.epoch, s.batches}
		if err := s.t.insist(log.broker, "produce", deadline, func() error { return s.t.produce(b, log, parts[name]) }); err != nil {
			return err
		}
	}
	return nil
}

// commit adds offsets to the transaction.
func (s *session) commit(as membership, offsets map[windows.Source]int64, deadline time.Duration) error {
	return s.t.insist(coordinator(s.group.name), "offsets", deadline, func() error {
		return s.t.commitOffsets(s.id, s.epoch, s.group, as, offsets)
	})
}

// end ends the transaction.
func (s *session) end(as state, deadline time.Duration) error {
	next, epoch := 0, s.epoch
	err := s.t.insist(coordinator(s.id), "end", deadline, func() (err error) { next, err = s.t.end(s.id, epoch, as); return err })
	if errors.Is(err, errTransaction) && as == aborted {
		return nil // nothing had begun
	}
	if err == nil {
		s.epoch = next
	}
	return err
}

// transact writes records together with what was consumed. When it did not commit, the positions are back where they
// were before.
func (s *session) transact(records []*kgo.Record) (bool, error) {
	deadline := s.t.now + transactionTimeout
	if s.has(commitBeforeProduce) {
		return s.commitFirst(records, deadline)
	}
	if err := s.produce(records, deadline); err != nil {
		return false, lost(err)
	}
	as := committed
	if s.revoked {
		as = aborted
	} else if err := s.commit(s.as, s.positions(), deadline); err != nil {
		if errors.Is(err, errProducer) || errors.Is(err, errLost) {
			return false, lost(err)
		}
		as = aborted
	}
	positions := s.positions()
	if err := s.end(as, deadline); err != nil {
		return false, lost(err)
	}
	return s.ended(as, positions), nil
}

// has says whether a bug was put into the sessions. It is in those of ingest alone: evaluate compares its offset with its
// state and would find it by itself.
func (s *session) has(b bug) bool { return s.t.bug == b && s.group.name == "tidemark-ingest" }

// commitFirst is the bug of that name.
func (s *session) commitFirst(records []*kgo.Record, deadline time.Duration) (bool, error) {
	positions := s.positions()
	steps := []func() error{
		func() error { return s.produce(nil, deadline) },
		func() error { return s.commit(s.as, positions, deadline) },
		func() error { return s.end(committed, deadline) },
		func() error { return s.produce(records, deadline) },
		func() error { return s.end(committed, deadline) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return false, lost(err)
		}
	}
	return s.ended(committed, positions), nil
}

// positions are those to commit.
func (s *session) positions() map[windows.Source]int64 {
	offsets := map[windows.Source]int64{}
	for name, p := range s.owned {
		offsets[name] = p.read
		if s.has(offByOne) && p.read > p.committed {
			offsets[name]++
		}
	}
	return offsets
}

// ended takes in how a transaction ended.
func (s *session) ended(as state, positions map[windows.Source]int64) bool {
	s.revoked = false
	for name, p := range s.owned {
		if at, known := positions[name]; as == committed && known {
			p.committed = at
		} else {
			p.at, p.read = p.committed, p.committed
		}
	}
	return as == committed
}

// lost is what an error of a transaction means: that another process took this one's place, or that a new session has
// to find out what was committed.
func lost(err error) error {
	if errors.Is(err, errProducer) || errors.Is(err, errInstance) {
		return err
	}
	return fmt.Errorf("%w: %w", errSession, err)
}

// sessions runs a role, a session after the other.
func (t *task) sessions(session func() error) {
	for !t.process.stopping {
		switch err := session(); {
		case err == nil:
			return
		case errors.Is(err, errSession):
			t.note("%s: %v", t.process.instance, err)
			t.sleep(t.between(500*time.Millisecond, 2*time.Second))
		case errors.Is(err, errProducer), errors.Is(err, errInstance):
			t.process.refuse(err)
			t.sleep(time.Hour)
		default:
			t.fail("%s: %v", t.process.instance, err)
			return
		}
	}
}
