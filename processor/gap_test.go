package processor

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"tidemark/monitor"
	"tidemark/windows"
)

// delta is a record of the panes topic that has rows of the endpoint.
type delta struct {
	partition int32
	offset    int64
	rows      int64
}

func (w *world) deltas(endpoint string) (all []delta) {
	w.t.Helper()
	for _, r := range w.committed(w.config.Topics.Panes) {
		if string(r.Key) != endpoint {
			continue
		}
		d, err := monitor.DecodeDelta(r.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		at := delta{partition: r.Partition, offset: r.Offset}
		for _, p := range d.Panes {
			at.rows += p.Rows
		}
		all = append(all, at)
	}
	return all
}

// Retention deletes deltas that evaluate still needs. It goes on behind them and tells it once: what it had saved and what
// comes behind the gap is in windows, and nothing else.
func TestRetentionOvertakesEvaluate(t *testing.T) {
	for name, deletes := range map[string]func(deltas []delta, committed int64) int64{
		"before they are read":            func(deltas []delta, _ int64) int64 { return deltas[len(deltas)-20].offset },
		"all that there is":               func(deltas []delta, _ int64) int64 { return deltas[len(deltas)-1].offset + 1 },
		"before their windows are closed": func(_ []delta, committed int64) int64 { return committed },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
				p := w.start("one")
				w.live("churn", 150*time.Second, 0, 0, 1, 2)
				p.end()
				reported := w.windowed("churn")
				partition := w.deltas("churn")[0].partition
				committed := w.offsetsIn(w.config.Topics.Panes, "evaluate")[partition]

				p = w.start("two", "ingest")
				w.live("churn", 2*time.Minute, 0, 0, 1, 2)
				p.end()
				before := w.deltas("churn")
				start := deletes(before, committed)
				if err := w.broker.DeleteRecords(w.config.Topics.Panes, partition, start); err != nil {
					t.Fatal(err)
				}

				p = w.start("one")
				w.live("churn", 2*time.Minute, 0, 0, 1, 2)
				losses := w.losses()
				if len(losses) != 1 {
					t.Fatalf("losses %+v, want one", losses)
				}
				first := slices.IndexFunc(before, func(d delta) bool { return d.offset == losses[0].Start })
				want := monitor.Loss{Source: windows.Source{Topic: w.config.Topics.Panes, Partition: partition}, Start: losses[0].Start, End: start, Why: monitor.LostRetention}
				if losses[0] != want || first < 0 || losses[0].Start >= committed {
					t.Errorf("loss %+v, want %+v, from the first delta of the open window on, which was before %d", losses[0], want, committed)
				}
				var gone int64
				for _, d := range before[first:] {
					if d.offset < start {
						gone += d.rows
					}
				}
				if got := w.sent["churn"] - gone; reported == 0 || got <= reported {
					t.Fatalf("of %d rows %d are gone, %d had been reported", w.sent["churn"], gone, reported)
				}
				if n := p.metric("tidemark_evaluate_offsets_lost_total", monitor.LostRetention); n != float64(want.End-want.Start) {
					t.Errorf("%v offsets counted as lost, want %d", n, want.End-want.Start)
				}
				w.finish(p)
				if got, want := w.windowed("churn"), w.sent["churn"]-gone; got != want {
					t.Errorf("%d rows in windows, want %d: %d were sent, and %d were in the deltas that are gone", got, want, w.sent["churn"], gone)
				}
				if late := w.late(); len(late) > 0 {
					t.Errorf("late: %+v", late)
				}
				w.wantSystem(monitor.RuleLost+" firing", monitor.RuleLost+" resolved")
				// A restart has what was saved behind the gap.
				p = w.start("one")
				w.live("churn", 2*time.Minute, 0, 0, 1, 2)
				w.finish(p)
				if got, want := w.windowed("churn"), w.sent["churn"]-gone; got != want {
					t.Errorf("after a restart %d rows are in windows, want %d", got, want)
				}
				if n := len(w.losses()); n != 1 {
					t.Errorf("%d losses were told, want one", n)
				}
			})
		})
	}
}

// The same while evaluate runs and is cut off for longer than the topic keeps deltas.
func TestRetentionOvertakesRunningEvaluate(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p, q := w.start("one", "evaluate"), w.start("two", "ingest")
		w.live("churn", 150*time.Second, 0, 0, 1, 2)
		w.cutOff("one", true)
		w.live("churn", 30*time.Second, 0, 0, 1, 2)
		deltas := w.deltas("churn")
		last := deltas[len(deltas)-1]
		if err := w.broker.DeleteRecords(w.config.Topics.Panes, last.partition, last.offset); err != nil {
			t.Fatal(err)
		}
		w.cutOff("one", false)
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		losses := w.losses()
		if len(losses) != 1 || losses[0].End != last.offset || losses[0].Why != monitor.LostRetention {
			t.Fatalf("losses %+v, want one up to %d", losses, last.offset)
		}
		for _, d := range deltas {
			if d.offset >= losses[0].Start && d.offset < losses[0].End {
				w.sent["churn"] -= d.rows
			}
		}
		q.end()
		p.end()
		p = w.start("one")
		w.finish(p)
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, want %d: those that were left", got, w.sent["churn"])
		}
	})
}

// What a log that ends before the group's offset, as after an unclean leader election, is missing.
func TestGapOfALostLog(t *testing.T) {
	c := DefaultConfig()
	c.Complete()
	r := NewEvaluation(&c, nil).Restoration(2, 900)
	got := r.gap(700, 100, 800)
	want := monitor.Loss{Source: windows.Source{Topic: c.Topics.Panes, Partition: 2}, Start: 800, End: 900, Why: monitor.LostTruncation}
	if got.loss != want || got.next != 800 || got.replayFrom != 700 {
		t.Errorf("gap %+v, want the loss %+v, going on at 800 and replaying from 700", got, want)
	}
}

// Retention deletes alerts before they were sent on: those that are left are sent, and the loss is told.
func TestRetentionOvertakesNotify(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		r := &receiver{start: time.Now(), answer: func(string) int { return http.StatusOK }}
		w.alert("a")
		_, stop := w.notify(r)
		w.pass(time.Second)
		stop()
		r.expect(t, "a at 0")
		for _, id := range []string{"b", "c", "d"} {
			w.alert(id)
		}
		if err := w.broker.DeleteRecords(w.config.Topics.Alerts, 0, 3); err != nil {
			t.Fatal(err)
		}
		p, stop := w.notify(r)
		w.pass(15 * time.Second) // the former session's member is still known
		if n := p.metric("tidemark_notify_offsets_lost_total"); n != 2 {
			t.Errorf("%v offsets counted as lost, want 2", n)
		}
		stop()
		if len(r.got) != 1 || r.got[0][:2] != "d " {
			t.Errorf("received %q, want d", r.got)
		}
		want := monitor.Loss{Source: windows.Source{Topic: w.config.Topics.Alerts, Partition: 0}, Start: 1, End: 3, Why: monitor.LostUnsent}
		if got := w.losses(); len(got) != 1 || got[0] != want {
			t.Errorf("losses %+v, want %+v", got, want)
		}
	})
}
