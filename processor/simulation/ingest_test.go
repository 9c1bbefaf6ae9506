package simulation

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/processor"
	"tidemark/windows"
)

// What ingest commits is few panes here, so that its own pace would be the shortest: the simulation draws one.
const (
	commitInterval = time.Second
	longestPace    = 4 * time.Second
)

// ingest is the role, as processor's ingest.go and idle.go have it.
func (p *process) ingest(t *task) {
	intake := processor.NewIntake(p.config, monitors())
	t.sessions(func() error {
		s := t.newSession("ingest", func(*consumer) {})
		defer s.close()
		intake.Forget(true)
		next := t.now + t.between(commitInterval, longestPace)
		for {
			read, err := s.poll()
			if err != nil {
				return err
			}
			now := t.clock()
			for _, f := range read {
				intake.Read(f.name, f.records, f.stable, now)
			}
			if t.now < next && !p.stopping {
				t.sleep(t.between(50*time.Millisecond, 300*time.Millisecond))
				continue
			}
			stopping := p.stopping
			if err := p.commitIntake(t, s, intake); err != nil || stopping {
				return err
			}
			next = t.now + t.between(commitInterval, longestPace)
		}
	})
}

func (p *process) commitIntake(t *task, s *session, intake *processor.Intake) error {
	polled := intake.Polled()
	status, err := p.status(t, s, intake)
	if err != nil {
		return err
	}
	captures := map[string]int32{}
	for topic, parts := range t.topics {
		captures[topic] = int32(len(parts))
	}
	panes := int32(len(t.topics[p.config.Topics.Panes]))
	if !polled {
		records, err := intake.Vector(status, captures, panes)
		if err != nil || len(s.owned) == 0 {
			return err
		}
		return p.tick(t, s, records)
	}
	records, err := intake.Records(status, captures, panes)
	if err != nil {
		return err
	}
	done, err := s.transact(records)
	if err != nil {
		return err
	}
	t.note("%s: ingest of %d records: %v", p.instance, len(records), done)
	intake.Forget(!done)
	return nil
}

func (p *process) status(t *task, s *session, intake *processor.Intake) ([]windows.Status, error) {
	owned := map[windows.Source]int64{}
	for name, at := range s.owned {
		owned[name] = at.committed
	}
	generation, now := s.as.generation, t.clock()
	ends := map[windows.Source]int64{}
	if intake.Own(owned, now) {
		if t.bug == idleWithoutProof {
			for name, at := range s.owned {
				ends[name] = at.read
			}
			return intake.Status(generation, ends, now), nil
		}
		for _, name := range sources(owned) {
			log := t.log(name)
			err := t.insist(log.broker, "list", t.now+5*time.Second, func() error { ends[name] = log.stable(); return nil })
			if err != nil {
				return nil, lost(err)
			}
		}
	}
	return intake.Status(generation, ends, now), nil
}

// tick writes the vector with an unchanged offset, which the group refuses from a former member.
func (p *process) tick(t *task, s *session, vector []*kgo.Record) error {
	fence := map[windows.Source]int64{}
	for _, name := range sources(s.owned)[:1] {
		fence[name] = s.owned[name].committed
	}
	as, deadline := committed, t.now+transactionTimeout
	member := s.as
	if err := s.produce(vector, deadline); err != nil {
		return lost(err)
	}
	if err := s.commit(member, fence, deadline); err != nil {
		as = aborted
	}
	if err := s.end(as, deadline); err != nil {
		return lost(err)
	}
	return nil
}
