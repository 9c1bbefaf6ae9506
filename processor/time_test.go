package processor

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
)

// live publishes a row a second to each partition for a time.
func (w *world) live(endpoint string, d time.Duration, mean float64, partitions ...int32) {
	for range int(d / time.Second) {
		for _, p := range partitions {
			w.capture(p, endpoint, time.Now(), 10, mean)
		}
		w.pass(time.Second)
	}
}

func TestAlertFiresAndResolves(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", 10*time.Minute, 0, 0, 1, 2)
		w.live("churn", 10*time.Minute, 1, 0, 1, 2)
		w.live("churn", 10*time.Minute, 0, 0, 1, 2)
		w.pass(3 * time.Minute) // silence: the last windows close by the clock
		p.end()

		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, %d were sent", got, w.sent["churn"])
		}
		all := w.alerts()
		if len(all) != 2 || all[0].State != "firing" || all[1].State != "resolved" {
			t.Fatalf("alerts %v, want one that fires and resolves", all)
		}
		if a := all[0]; a.Feature != "x" || a.Rule != "psi" || a.ID != a.Incident || all[1].Incident != a.ID || all[1].ID == a.ID {
			t.Errorf("alert %+v, then %+v", a, all[1])
		}
		if got := all[1].Window.End.Time().Sub(all[0].Window.End.Time()); got != 10*time.Minute && got != 11*time.Minute {
			t.Errorf("resolved %v after it fired, want 10 or 11 windows", got)
		}
	})
}

func TestLateRow(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", 3*time.Minute, 0, 0, 1)
		minute := time.Now().Truncate(time.Minute)
		w.live("churn", 20*time.Second, 0, 0, 1)
		// The window that ended with the minute closed after the allowed lateness of 5 s.
		w.capture(0, "churn", minute.Add(-time.Second), 7, 0)
		w.live("churn", time.Minute, 0, 0, 1)
		w.pass(3 * time.Minute)
		p.end()

		late := w.late()
		if len(late) != 1 || late[0].Missed != monitor.MissedAll || late[0].Panes[0].Rows != 7 || !late[0].Panes[0].Start.Time().Equal(minute.Add(-time.Minute)) {
			t.Fatalf("late %+v, want one pane of 7 rows", deref(late))
		}
		if got := w.windowed("churn") + 7; got != w.sent["churn"] {
			t.Errorf("%d rows in windows and late, %d were sent", got, w.sent["churn"])
		}
		if got := p.metric("tidemark_evaluate_rows_late_total", "all"); got != 7 {
			t.Errorf("metric says %v late rows, want 7", got)
		}
	})
}

func TestSilentPartitionDoesNotHold(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", 2*time.Minute, 0, 0, 1)
		w.live("churn", 5*time.Minute, 0, 0) // partition 1 goes silent
		last := w.reports()[len(w.reports())-1].Window.End.Time()
		if behind := time.Since(last); behind > time.Minute+20*time.Second {
			t.Errorf("the last window closed ends %v ago", behind)
		}
		if late := w.late(); len(late) > 0 {
			t.Errorf("late: %+v", late)
		}
		w.pass(3 * time.Minute)
		p.end()
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, %d were sent", got, w.sent["churn"])
		}
	})
}

// A transaction's end takes an offset too: without it counted, a silent partition would look unread for ever.
func TestSilentTransactionalProducerDoesNotHold(t *testing.T) {
	m := watch(t, "churn", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		p := w.start("one")
		plain := w.client
		w.client = w.dial(kgo.TransactionalID("model-server"), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		for range 60 {
			if err := w.client.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			w.capture(1, "churn", time.Now(), 10, 0)
			if err := w.client.EndTransaction(context.Background(), kgo.TryCommit); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Second)
		}
		w.client.Close()
		w.client = plain
		w.live("churn", 5*time.Minute, 0, 0)
		reports := w.reports()
		if len(reports) < 4 {
			t.Errorf("%d windows closed beside a partition whose last record ends a transaction", len(reports))
		}
		w.finish(p)
		w.verify(m)
	})
}

func TestUnreadPartitionHolds(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", 2*time.Minute, 0, 0, 1)
		unread := map[string][]int32{"capture": {1}}
		p.ingest.session.Client().PauseFetchPartitions(unread)
		cut := time.Now()
		w.live("churn", 5*time.Minute, 0, 0, 1) // partition 1 takes records that cannot be read
		for _, r := range w.reports() {
			if r.Window.End.Time().After(cut.Add(time.Second)) {
				t.Errorf("window to %v closed while a partition had unread records", r.Window.End)
			}
		}
		p.ingest.session.Client().ResumeFetchPartitions(unread)
		w.live("churn", 2*time.Minute, 0, 0, 1)
		w.pass(3 * time.Minute)
		p.end()
		if late := w.late(); len(late) > 0 {
			t.Errorf("late: %+v", late)
		}
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, %d were sent", got, w.sent["churn"])
		}
	})
}

func TestFutureTimestampClosesNothing(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", 2*time.Minute, 0, 0, 1)
		ahead := time.Now().Add(time.Hour).Truncate(time.Minute)
		w.capture(0, "churn", ahead, 3, 0)
		w.live("churn", 5*time.Minute, 0, 0, 1)
		if late := w.late(); len(late) > 0 {
			t.Errorf("late: %+v", late)
		}
		for _, r := range w.reports() {
			if r.Window.End.Time().After(time.Now()) {
				t.Errorf("window to %v closed at %v", r.Window.End, time.Now())
			}
		}
		w.pass(time.Hour) // the clock reaches the window of the three rows
		p.end()
		reports := w.reports()
		if last := reports[len(reports)-1]; last.Rows != 3 || !last.Window.Start.Time().Equal(ahead) {
			t.Errorf("last report %+v, want the 3 rows of the wrong clock", last)
		}
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, %d were sent", got, w.sent["churn"])
		}
		if got := p.metric("tidemark_ingest_records_skewed_total"); got != 3 {
			t.Errorf("metric says %v skewed records, want 3", got)
		}
	})
}

func TestOldTrafficBesideLive(t *testing.T) {
	monitors := []*monitor.Monitor{watch(t, "churn", time.Minute), watch(t, "loans", time.Hour)}
	inWorld(t, monitors, func(w *world) {
		p := w.start("one")
		old := time.Date(1998, 1, 1, 0, 0, 0, 0, time.UTC)
		for minute := range 10 {
			w.live("churn", time.Minute, 0, 0, 1, 2)
			for hour := range 24 {
				w.capture(int32(hour%3), "loans", old.Add(time.Duration(minute*24+hour)*time.Hour), 20, 0)
			}
		}
		w.pass(2 * time.Minute)
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("churn: %d rows in windows, %d were sent", got, w.sent["churn"])
		}
		// The clock does not close the last windows of old traffic (the lateness holds the last but one): only the end
		// of the replay does.
		if got := w.windowed("loans"); got != w.sent["loans"]-40 {
			t.Errorf("loans: %d rows in windows before the end, %d were sent", got, w.sent["loans"])
		}
		w.endReplay("loans", old.Add(239*time.Hour))
		w.pass(5 * time.Second)
		p.end()
		if got := w.windowed("loans"); got != w.sent["loans"] {
			t.Errorf("loans: %d rows in windows, %d were sent", got, w.sent["loans"])
		}
		if late := w.late(); len(late) > 0 {
			t.Errorf("late: %+v", late)
		}
	})
}

// deref makes deltas readable in a message.
func deref(deltas []*monitor.Delta) (values []monitor.Delta) {
	for _, d := range deltas {
		values = append(values, *d)
	}
	return values
}
