package processor

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/sinks/archive"
	"tidemark/windows"
)

// wantSystem compares the system alerts so far, each as its rule and state.
func (w *world) wantSystem(want ...string) {
	w.t.Helper()
	var got []string
	for _, a := range w.alerts() {
		if a.Kind == monitor.KindSystem {
			got = append(got, a.Rule+" "+a.State)
		}
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("system alerts %q, want %q", got, want)
	}
}

// hostile publishes captures that cannot be read, each of about a kilobyte, as coming from an endpoint.
func (w *world) hostile(endpoint string, n int) {
	w.t.Helper()
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{
			Topic: "capture", Partition: int32(i % 3), Value: bytes.Repeat([]byte("x"), 1000),
			Headers: []kgo.RecordHeader{{Key: headerEndpoint, Value: []byte(endpoint)}},
		})
	}
	w.publish(records...)
}

// One endpoint sends nothing but rubbish: that is told once, its records are kept, and the others go on.
func TestDeadLetterBreaker(t *testing.T) {
	good, bad := watch(t, "churn", time.Minute), watch(t, "loans", time.Minute)
	inWorld(t, []*monitor.Monitor{good, bad}, func(w *world) {
		p := w.start("one")
		q := w.start("two")
		sent := 0
		for range 120 {
			w.hostile("loans", 60)
			sent += 60
			w.live("churn", time.Second, 0, 0, 1, 2)
		}
		firing := p.systemFiring() + q.systemFiring()
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		q.end()
		w.finish(p)
		if firing != 1 {
			t.Errorf("tidemark_system_alert_firing adds up to %v, want 1", firing)
		}
		w.wantSystem("dead_letters firing", "dead_letters resolved")
		if a := w.alerts()[0]; a.Endpoint != "loans" || a.Score != 1 || a.Samples.Current < monitor.DeadLeast {
			t.Errorf("the alert is %+v", a)
		}
		if n := len(w.committed(w.config.Topics.DeadLetters)); n != sent {
			t.Errorf("%d dead letters, want all %d", n, sent)
		}
		w.verify(good)
	})
}

// systemFiring is how many system alerts the process shows as firing.
func (p *process) systemFiring() (n float64) {
	p.w.t.Helper()
	families, err := p.metrics.Gather()
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "tidemark_system_alert_firing" {
				n += m.GetGauge().GetValue()
			}
		}
	}
	return n
}

// When the quota of dead letters is spent the topic is not read any more; nothing of it is lost, and after a restart
// reading goes on.
func TestDeadLetterQuotaPausesTheTopic(t *testing.T) {
	m := watch(t, "churn", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		w.config.DeadLetters.Quota = 1 << 20
		p := w.start("one")
		w.live("churn", 30*time.Second, 0, 0, 1, 2)
		for range 10 {
			w.hostile("churn", 1000)
			w.live("churn", time.Second, 0, 0, 1, 2)
		}
		kept := len(w.committed(w.config.Topics.DeadLetters))
		w.live("churn", time.Minute, 0, 0, 1, 2)
		if kept < 1000 || kept > 5000 || len(w.committed(w.config.Topics.DeadLetters)) != kept {
			t.Errorf("%d dead letters, then %d; want no more of them once a megabyte is spent", kept, len(w.committed(w.config.Topics.DeadLetters)))
		}
		w.wantSystem("dead_letters firing", "paused firing")
		p.end()
		w.config.DeadLetters.Quota = 256 << 20
		p = w.start("one")
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		w.finish(p)
		w.verify(m)
		if n := len(w.committed(w.config.Topics.DeadLetters)); n != 10_000 {
			t.Errorf("%d dead letters after the restart, want all 10000", n)
		}
		w.wantSystem("dead_letters firing", "paused firing", "paused resolved", "dead_letters resolved")
	})
}

// The store is down for longer than the archive may be behind: that is told, and told to be over.
func TestArchiveBehindIsTold(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b := &bucket{}
		p := w.start("one")
		a := w.archiver(b, "one", func(c *archive.Config, _ *Archive) { c.Every = time.Minute })
		w.pass(2 * time.Minute)
		b.down.Store(true)
		w.live("number", 9*time.Minute, 0, 0)
		w.wantSystem()
		w.live("number", 4*time.Minute, 0, 0)
		w.wantSystem("archive firing")
		b.down.Store(false)
		w.live("number", 2*time.Minute, 0, 0)
		w.wantSystem("archive firing", "archive resolved")
		a.end() // for good: that is missed too
		w.finish(p)
		w.wantSystem("archive firing", "archive resolved", "archive firing")
	})
}

// An archive that always has some records under way, as under steady traffic, is not behind.
func TestArchiveUnderSteadyTrafficIsNotBehind(t *testing.T) {
	c := archive.DefaultConfig()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	decoder := archive.NewDecoder(archive.Source{Schemas: func(string, string) []*capture.Schema { return nil }})
	p := &archived{reading: true, records: decoder.NewRecords(0, 0), whole: now}
	for minute := range 60 {
		now = now.Add(time.Minute)
		p.add(&kgo.Record{Offset: int64(minute)}, now)
		if minute%5 == 4 { // it is put, while the next ones come
			p.putting, p.before, p.records = p.records, p.since, decoder.NewRecords(p.records.End, 0)
			p.add(&kgo.Record{Offset: int64(minute) + 1}, now)
		} else {
			p.putting = nil
		}
		if p.whole = p.waits(now); now.Sub(p.whole) > c.Every {
			t.Fatalf("after %d minutes records wait since %v", minute, now.Sub(p.whole))
		}
	}
	p.putting, p.records, p.reading = nil, nil, false // its chain stopped
	before := p.whole
	if p.whole = p.waits(now.Add(time.Hour)); p.whole != before {
		t.Errorf("a partition that is not read waits since %v, want %v", p.whole, before)
	}
}

// What ingest says of partitions that it is behind on, and which of them are in danger.
func TestIntakeTellsHowFarItIsBehind(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		what                       string
		position, end, first       int64
		age, retention             time.Duration
		atRisk, appendedIsNotKnown bool
	}{
		{"read to the end", 900, 900, 800, 9 * time.Hour, 10 * time.Hour, false, false},
		{"old for its retention", 500, 900, 0, 9 * time.Hour, 10 * time.Hour, true, false},
		{"young for its retention", 500, 900, 0, 7 * time.Hour, 10 * time.Hour, false, false},
		{"retention is not known", 500, 900, 0, 9 * time.Hour, 0, false, false},
		{"nearly all that is left is unread", 109, 200, 100, time.Hour, 10 * time.Hour, true, false},
		{"a tenth that is left was read", 110, 200, 100, time.Hour, 10 * time.Hour, false, false},
		{"nothing was deleted yet", 0, 200, 0, time.Hour, 10 * time.Hour, false, false},
		{"nothing was read yet", 100, 200, 100, 0, time.Hour, false, true},
	} {
		s := &source{position: test.position, end: test.end, appended: windows.At(now.Add(-test.age))}
		if test.appendedIsNotKnown {
			s.appended = windows.Never
		}
		if got := s.atRisk(test.retention, test.first, now); got != test.atRisk {
			t.Errorf("%s: at risk is %t", test.what, got)
		}
	}

	c := DefaultConfig()
	c.Complete()
	in := NewIntake(&c, nil)
	name := func(partition int32) windows.Source { return windows.Source{Topic: "capture", Partition: partition} }
	for partition, end := range []int64{5, 9} {
		in.Read(name(int32(partition)), []*kgo.Record{{Topic: "capture", Offset: 4, Timestamp: now.Add(-time.Hour), Value: []byte("{}")}}, end, now)
	}
	in.risks = map[windows.Source]bool{name(0): true, name(1): true}
	in.Own(map[windows.Source]int64{name(0): 0, name(1): 0}, now)
	records, err := in.Records(in.Status(1, nil, now), map[string]int32{"capture": 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	h, err := monitor.DecodeHealth(records[len(records)-2].Value)
	if err != nil {
		t.Fatal(err)
	}
	want := []monitor.Behind{{Source: name(1), Since: windows.At(now.Add(-time.Hour)), AtRisk: true}}
	if !slices.Equal(h.Behind, want) || fmt.Sprint(h.Traffic) != "[{ capture 2 2}]" {
		t.Errorf("told are %+v and %+v, want %+v", h.Behind, h.Traffic, want)
	}
}
