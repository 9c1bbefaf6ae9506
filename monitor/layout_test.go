package monitor

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/windows"
)

const unknown = "ffffffffffffffff" // a layout that no monitor has

func TestRowsInAnUnknownLayoutMakeWindowsInsufficient(t *testing.T) {
	s := newSim(t, watch("churn", sliding(20*second, 10*second)))
	s.rows(0, "churn", noon.Add(second), 20, drifted)
	s.rows(0, "churn", noon.Add(31*second), 20, drifted)
	s.foreign("churn", unknown, noon.Add(10*second), 10*second, 7)
	out := s.commit(31 * second)
	s.expect(out, nil, []string{"layout 12:00:10 7"})
	s.progress(0, "churn", noon.Add(2*minute))
	got := s.commit(minute).Reports
	if diff := cmp.Diff([]string{"churn 20s 11:59:50 20", "churn 20s 12:00:00 20", "churn 20s 12:00:10 0",
		"churn 20s 12:00:20 20", "churn 20s 12:00:30 20"}, closed(got)); diff != "" {
		t.Fatalf("closed (-want +got):\n%s", diff)
	}
	for i, want := range []string{"", "layout", "layout", "", ""} {
		if r := got[i]; r.Insufficient != want || r.Drift != (want == "") {
			t.Errorf("window %v: insufficient %q, drift %t, want %q", r.Window, r.Insufficient, r.Drift, want)
		}
	}
	if psi := got[1].Features[0].Scores["psi"]; psi.Drift || !psi.Insufficient || psi.Score < 10 {
		t.Errorf("a suspended score is %+v", psi)
	}
	// The suspended windows neither resolved the alert nor let it fire again.
	if len(s.out.Alerts) != 1 || s.out.Alerts[0].State != "firing" || s.out.Alerts[0].Window.Start != noon.Add(-10*second) {
		t.Errorf("alerts: %+v", s.out.Alerts)
	}
}

func TestWindowWithOnlyAnUnknownLayoutIsReported(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute)))
	s.foreign("churn", unknown, noon, minute, 7)
	s.progress(0, "churn", noon)
	s.commit(0)
	s.progress(0, "churn", noon.Add(65*second))
	got := s.commit(65 * second).Reports
	if len(got) != 1 || got[0].Insufficient != "layout" || got[0].Rows != 0 || got[0].Window.Start != noon {
		t.Errorf("reports: %+v", got)
	}
}

func TestMonitorsOfSeveralLayoutsCountApart(t *testing.T) {
	a := watch("a", tumbling(minute), func(c *Config) { c.Match.Endpoint = "churn" })
	b := watch("b", tumbling(minute), func(c *Config) { c.Match.Endpoint = "churn"; c.AllowedLateness = minute })
	b.Baseline = reference(51)
	s := newSim(t, a, b)
	s.rows(0, "churn", noon, 10, usual)
	s.commit(0)
	s.progress(0, "churn", noon.Add(65*second))
	s.commit(65 * second)
	s.rows(0, "churn", noon, 3, usual) // too late for a, not for b
	s.progress(0, "churn", noon.Add(125*second))
	out := s.commit(minute)
	s.expect(out, []string{"churn 1m 12:00:00 13"}, []string{"all 12:00:00 3"})
	if out.Reports[0].Monitor != "b" || out.Late[0].Panes[0].Layout != a.Layout().ID() {
		t.Errorf("report of %s, late in %s", out.Reports[0].Monitor, out.Late[0].Panes[0].Layout)
	}
}

func TestEndpointAndVariantThatNoMonitorWatches(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), func(c *Config) { c.Match.Variant = "blue" }))
	s.foreign("stranger", unknown, noon, minute, 3)
	s.foreign("churn", s.monitors[0].Layout().ID(), noon, minute, 4) // of the variant "default"
	s.expect(s.commit(0), nil, []string{"monitor 12:00:00 4", "monitor 12:00:00 3"})
	if s.shard.Owns("stranger") || !s.shard.Owns("churn") {
		t.Error("the shard keeps an endpoint that no monitor watches")
	}
	if got := s.shard.ReplayFrom(2); got != 2 {
		t.Errorf("the log would be replayed from %d for rows that are not kept", got)
	}
}

func TestPaneOfAnotherLength(t *testing.T) {
	s := newSim(t, watch("churn", sliding(minute, 20*second)))
	id := s.monitors[0].Layout().ID()
	for _, test := range []struct {
		length int64
		want   []string
	}{
		{20_000, nil},
		{10_000, nil}, // fits into panes of 20 s
		{40_000, []string{"pane 12:00:20 1"}},
		{15_000, []string{"pane 12:00:20 1"}},
		{0, []string{"pane 12:00:20 1"}},
		{-20_000, []string{"pane 12:00:20 1"}},
		{1 << 62, []string{"pane 12:00:20 1"}},
	} {
		var out Output
		d := &Delta{Endpoint: "churn", Panes: []PaneDelta{{Variant: "default", Layout: id, Start: noon.Add(20 * second), Length: test.length, Rows: 1}}}
		if err := s.shard.Add(d, 0, s.at, &out); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, late(out.Late)); diff != "" {
			t.Errorf("length %d (-want +got):\n%s", test.length, diff)
		}
	}
}

func TestSmallerPanesAreMergedIntoTheirOwn(t *testing.T) {
	fine := newSim(t, watch("churn", sliding(minute, 10*second)))
	for i := range 7 { // panes of ten seconds
		fine.rows(0, "churn", noon.Add(time.Duration(i)*10*second), 5, usual)
	}
	fine.appendLog(0)
	s := newSim(t, watch("churn", sliding(40*second, 20*second)))
	s.log = fine.log[:1]
	var out Output
	s.log[0].apply(t, s.shard, 0, &out)
	s.progress(0, "churn", noon.Add(65*second))
	out = s.commit(65 * second)
	s.expect(out, []string{"churn 40s 11:59:40 10", "churn 40s 12:00:00 20", "churn 40s 12:00:20 20"}, nil)
	if len(out.Panes) != 1 || out.Panes[0].Pane.Start != noon.Add(40*second) || out.Panes[0].Pane.Rows != 10 {
		t.Errorf("saved: %+v", out.Panes)
	}
}

func TestGarbageInTheLogIsAnError(t *testing.T) {
	m := watch("churn", tumbling(minute))
	shard := NewShard([]*Monitor{m})
	var out Output
	d := &Delta{Endpoint: "churn",
		Sources: []windows.Progress{{Source: windows.Source{Topic: topic}, EventTime: noon.Add(2 * minute), Appended: noon}},
		Panes:   []PaneDelta{{Variant: "v", Layout: m.Layout().ID(), Start: noon, Length: 60_000, Rows: 1, Profile: []byte("?")}}}
	if err := shard.Add(d, 0, noon, &out); err != nil {
		t.Fatal(err)
	}
	v := windows.Vector{Sources: []windows.Status{{Source: windows.Source{Topic: topic}, Appended: noon}}}
	err := shard.Tick(v, noon.Add(minute), &out)
	if err == nil || !strings.Contains(err.Error(), `endpoint "churn", variant "v", pane 2026-03-01T12:00:00Z: profile has version 63`) {
		t.Errorf("error is %v", err)
	}
}
