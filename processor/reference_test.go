package processor

import (
	"testing"
	"time"

	"tidemark/monitor"
	"tidemark/windows"
)

// TestRollingReferenceSurvivesRestarts stops and starts the process in the middle of windows and of lags. Each window is
// compared with the one three minutes earlier as it was reported, and the change of the traffic fires once: three
// minutes after it the reference has changed too.
func TestRollingReferenceSurvivesRestarts(t *testing.T) {
	lag := 3 * time.Minute
	m := watch(t, "churn", time.Minute)
	m.Reference = monitor.ReferenceConfig{Kind: monitor.ReferenceLag, Lag: lag}
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		p := w.start("one")
		for i := range 8 {
			mean := 0.0
			if i >= 4 {
				mean = 1
			}
			w.live("churn", 97*time.Second, mean, 0, 1, 2)
			p.end()
			w.pass(2 * time.Second)
			p = w.start("one")
		}
		w.finish(p)
		w.verify(m)

		earlier := map[windows.Time]int64{}
		compared := 0
		for _, r := range w.reports() {
			before, known := earlier[r.Window.Start.Add(-lag)]
			earlier[r.Window.Start] = r.Rows
			switch {
			case r.Reference.Window == nil || r.Reference.Start != r.Window.Start.Add(-lag) || r.Reference.End != r.Window.End.Add(-lag):
				t.Errorf("the window from %v is compared with %+v", r.Window.Start, r.Reference)
			case !known && r.Insufficient != "reference":
				t.Errorf("the window from %v is judged without a reference: %q", r.Window.Start, r.Insufficient)
			case known && (r.Insufficient != "" || r.Reference.Rows != before):
				t.Errorf("the window from %v is compared with %d rows, %q, want %d", r.Window.Start, r.Reference.Rows, r.Insufficient, before)
			case known:
				compared++
			}
		}
		if compared < 8 {
			t.Errorf("%d windows are compared with an earlier one", compared)
		}
		all := w.alerts()
		if len(all) != 2 || all[0].State != "firing" || all[1].State != "resolved" || all[0].Reference == nil || all[0].Reference.Kind != "lag" {
			t.Fatalf("alerts %v, want one that fires and resolves", all)
		}
		if got := all[1].Window.End.Time().Sub(all[0].Window.End.Time()); got < lag-time.Minute || got > lag+time.Minute {
			t.Errorf("resolved %v after it fired, want about %v", got, lag)
		}
	})
}
