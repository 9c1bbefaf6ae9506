package monitor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/capture"
	"tidemark/profile"
	"tidemark/windows"
)

func columnRules(c *Config) {
	c.Drift = []Rule{}
	c.Quality = []Rule{{Method: missingColumns, MinSamples: 10}, {Method: extraColumns, Threshold: 0.5, MinSamples: 10}}
}

// jsonWindow closes a window whose rows are JSON objects, n of each.
func (s *sim) jsonWindow(n int, objects ...string) Output {
	s.Helper()
	m := s.monitors[0]
	start := s.at.Floor(minute)
	batch, rows := capture.NewBatch(m.Baseline.Schema), []int32(nil)
	for _, object := range objects {
		for range n {
			record, err := new(capture.Parser).Parse([]byte(`{"features":` + object + `}`))
			if err == nil {
				err = record.Append(batch)
			}
			if err != nil {
				s.Fatal(err)
			}
			rows = append(rows, int32(len(rows)))
		}
	}
	p := profile.New(m.Layout())
	p.Observe(batch, rows)
	length := PaneLength(s.monitors)
	key := paneKey{"default", m.Layout().ID(), start}
	r := s.reading(m.Name)
	r.panes[key] = &PaneDelta{Variant: "default", Layout: key.layout, Start: start, Length: length.Milliseconds(), Rows: p.Rows}
	r.profiles[key] = p
	s.progress(0, m.Name, start)
	s.commit(minute)
	s.progress(0, m.Name, start.Add(65*second))
	return s.commit(0)
}

func TestMissingAndExtraColumns(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), columnRules))
	s.progress(0, "churn", noon.Add(-10*second))
	s.commit(0)
	s.at = noon
	var got []string
	for _, objects := range [][]string{
		{`{"x":1,"plan":"gold"}`, `{"x":1}`},                           // plan is missing in half of the rows
		{`{"x":1,"PLAN":"gold"}`, `{"x":2,"Plan":"gold"}`},             // renamed
		{`{"x":1,"PLAN":"gold","y":1}`, `{"x":1,"y":2}`},               // 1.5 unknown keys in each row
		{`{"x":1,"plan":"gold","y":1}`, `{"x":1,"plan":"basic"}`},      // 0.5
		{`{"x":"","plan":null,"z":1}`, `{"x":null,"z":{"a":1,"b":2}}`}, // nothing but an unknown key
	} {
		out := s.jsonWindow(10, objects...)
		if len(out.Reports) != 1 {
			t.Fatalf("reports: %v", closed(out.Reports))
		}
		for _, a := range out.Alerts {
			got = append(got, a.Message)
		}
	}
	want := []string{
		"churn has 1 columns without a value (plan), over 0, in the 1m window to 2026-03-01T12:02:00Z (20 rows)",
		"churn has 1 keys that no column is called in each row, over 0.5, in the 1m window to 2026-03-01T12:02:00Z (20 rows)",
		"churn has 0 columns without a value in the 1m window to 2026-03-01T12:04:00Z, no longer over 0",
		"churn has 0.5 keys that no column is called in each row in the 1m window to 2026-03-01T12:04:00Z, no longer over 0.5",
		"churn has 2 columns without a value (x, plan), over 0, in the 1m window to 2026-03-01T12:05:00Z (20 rows)",
		"churn has 1 keys that no column is called in each row, over 0.5, in the 1m window to 2026-03-01T12:05:00Z (20 rows)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if r := s.out.Reports[1]; !r.Drift || r.Scores[missingColumns] != (Score{Score: 1, Drift: true}) || r.Scores[extraColumns] != (Score{Score: 1, Threshold: 0.5, Drift: true}) {
		t.Errorf("the renamed column's report: %+v", r.Scores)
	}
	first := s.out.Alerts[0]
	if first.Kind != "quality" || first.Feature != "" || first.Samples != (Samples{1000, 20}) || !cmp.Equal(first.Top, []TopFeature{{"plan", missingColumns, 1}}) {
		t.Errorf("first alert: %+v", first)
	}
}

// Rows that were captured without a column's side say nothing about it; nor do few rows, nor a column that the
// baseline has no values of.
func TestColumnsThatAreNotMissing(t *testing.T) {
	m := watch("churn", tumbling(minute), columnRules)
	current := profile.New(m.Layout())
	current.Rows = 20
	scores := m.columnScores(current)
	if got := scores[missingColumns]; got.Score != 0 || got.Insufficient {
		t.Errorf("nothing captured: %+v", got)
	}
	for i := range current.Features {
		current.Features[i].Captured, current.Features[i].Missing = 10, 10
	}
	if got := m.columnScores(current)[missingColumns]; got.Score != 2 || !got.Drift {
		t.Errorf("all missing: %+v", got)
	}
	current.Features[0].Captured, current.Features[0].Missing = 9, 9
	if got := m.columnScores(current)[missingColumns]; got.Score != 1 {
		t.Errorf("nine rows of x: %+v", got)
	}
	plan := &m.Baseline.Profile.Features[1]
	plan.Missing = plan.Captured
	if got := m.columnScores(current)[missingColumns]; got.Score != 0 {
		t.Errorf("a plan that the baseline has no values of: %+v", got)
	}
	current.Rows, current.Extra = 9, 90
	if got := m.columnScores(current)[extraColumns]; !got.Insufficient || got.Drift {
		t.Errorf("nine rows: %+v", got)
	}
}

func TestManyMissingColumnsAreNotAllNamed(t *testing.T) {
	a := Alert{Rule: missingColumns, State: firing, Endpoint: "e", Variant: "blue", Score: 7, Window: Window{windows.Window{}, "1m"},
		Top: []TopFeature{{Feature: "a"}, {Feature: "b"}, {Feature: "c"}}}
	if got := a.words(); !strings.HasPrefix(got, "e/blue has 7 columns without a value (a, b, c and others), over 0, in") {
		t.Errorf("message is %q", got)
	}
}
