package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/baseline"
	"tidemark/windows"
)

// together is the i-th of values that are spread as the reference's are, and of rows whose plans are; but gold ones are all in the
// upper half.
func together(i int) float64 {
	if i%5 == 4 {
		return 62.5 + float64(i/5%2)*25
	}
	basic := i - i/5 // 0 to 79 of 100 rows: 25, 25, 15 and 15 of them in the four ranges
	for cell, to := range []int{25, 50, 65, 80} {
		if basic%80 < to {
			return float64(cell)*25 + 12.5
		}
	}
	return 0
}

func TestTogetherLeavesFeaturesAsTheyWere(t *testing.T) {
	cells := map[float64]int{}
	for i := range 100 {
		cells[together(i)]++
	}
	if len(cells) != 4 || cells[12.5] != 25 || cells[37.5] != 25 || cells[62.5] != 25 || cells[87.5] != 25 {
		t.Errorf("values %v", cells)
	}
}

// Features that begin to move together are told of as a pair, with what they did; then as resolved. Neither alone is.
func TestJointAlert(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), budgeted))
	s.minutesOf(30, usual)
	s.minutesOf(10, together)
	if len(s.out.Alerts) != 1 {
		t.Fatalf("%d alerts", len(s.out.Alerts))
	}
	a := s.out.Alerts[0]
	if a.Rule != "joint" || a.Feature != "x and plan" || a.Kind != "drift" || a.State != firing || a.Since != date("2026-03-01T12:30:00") {
		t.Errorf("alert %s of %q, %s, since %v", a.Rule, a.Feature, a.State, a.Since)
	}
	if j := a.Evidence.Joint; !slices.Equal(j.Features, []string{"x", "plan"}) || j.Side != "half" || j.Current != 0.7 || j.Reference < 0.499 || j.Reference > 0.501 {
		t.Errorf("evidence %+v", j)
	}
	if !slices.Equal(a.Histogram.Current, []float64{0.7, 1 - a.Evidence.Joint.Current}) || a.Evidence.Budget.Records != a.Samples.Current || a.Samples.Current != int64(a.Evidence.Budget.Panes)*100 {
		t.Errorf("histogram %+v, samples %+v, %d panes", a.Histogram, a.Samples, a.Evidence.Budget.Panes)
	}
	const want = "x and plan on churn no longer move together as in the baseline since about 2026-03-01T12:30:00Z (4 panes, 400 records): " +
		"they are in matching halves of their values in 70 % of the records, and in 50 % of those in the baseline; "
	if len(a.Message) < len(want) || a.Message[:len(want)] != want {
		t.Errorf("message %q", a.Message)
	}
	s.minutesOf(60, usual)
	last := s.out.Alerts[len(s.out.Alerts)-1]
	if len(s.out.Alerts) != 2 || last.State != resolved || last.Incident != a.ID {
		t.Errorf("%d alerts, the last %s: %s", len(s.out.Alerts), last.State, last.Message)
	}
}

// A pair of which a feature fires is no alert of its own: the feature's report names it.
func TestJointUnderItsFeature(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), budgeted))
	s.minutesOf(10, usual)
	s.minutesOf(30, func(int) float64 { return 87.5 }) // all above the median: the pair changes, too
	named := false
	for _, r := range s.out.Reports {
		for _, f := range r.Features {
			named = named || f.Budget != nil && slices.Contains(f.Budget.Joint, "x and plan")
		}
	}
	if len(s.out.Alerts) != 1 || s.out.Alerts[0].Feature != "x" || !named {
		t.Errorf("%d alerts, the first of %q; named %v", len(s.out.Alerts), s.out.Alerts[0].Feature, named)
	}
}

// Pairs are not watched where the baseline, or its slots, did not count them.
func TestJointNeedsCounts(t *testing.T) {
	m := watch("churn", tumbling(minute), budgeted)
	m.Baseline.Profile.Joint = nil
	if New(m.Config, m.Baseline).CountsPairs() || watch("churn", tumbling(minute)).CountsPairs() {
		t.Error("pairs are watched without counts, or without a budget")
	}
	m = watch("churn", tumbling(minute), budgeted)
	m.Baseline.Seasonal = &baseline.Seasonal{Cycle: baseline.HourOfDay}
	if New(m.Config, m.Baseline).CountsPairs() {
		t.Error("pairs are watched against slots without counts")
	}
}

// Against earlier windows, a pair that begins to move together is told of with how it moved in the window before.
func TestJointAgainstEarlierWindows(t *testing.T) {
	s := newSim(t, watch("churn", sliding(30*minute, minute), budgeted, func(c *Config) { c.Reference.Kind = ReferencePrevious }))
	s.minutesOf(70, together) // unlike the baseline, but like what came before
	if len(s.out.Alerts) > 0 {
		t.Fatalf("an alert without drift: %s", s.out.Alerts[0].Message)
	}
	began := s.at.Floor(minute)
	s.minutesOf(6, usual)
	if len(s.out.Alerts) != 1 {
		t.Fatalf("%d alerts, want 1", len(s.out.Alerts))
	}
	a := s.out.Alerts[0]
	// The fourth minute tells: of the 30 before it, three are of the drift.
	if j := a.Evidence.Joint; a.Feature != "x and plan" || a.Since != began || math.Abs(j.Reference-0.68) > 0.001 || j.Current != 0.5 || a.Samples.Reference != 3000 {
		t.Errorf("alert of %q since %v, evidence %+v, samples %+v", a.Feature, a.Since, j, a.Samples)
	}
	const where, how = " no longer move together as in the window to 2026-03-01T13:13:00Z since about 2026-03-01T13:10:00Z ", " in 68 % of those in the window to 2026-03-01T13:13:00Z; records like those in the window to"
	if a.Reference == nil || a.Reference.Kind != ReferencePrevious || !strings.Contains(a.Message, where) || !strings.Contains(a.Message, how) {
		t.Errorf("reference %+v, message %q", a.Reference, a.Message)
	}
}

// Features that move together in the morning alone are compared with the same hour of the baseline.
func TestJointOfASlot(t *testing.T) {
	var content strings.Builder
	content.WriteString("at,x,plan\n")
	random := rand.New(rand.NewPCG(1, 2))
	for day := 1; day <= 4; day++ {
		for hour := range 24 {
			x := usual
			if hour < 12 {
				x = together
			}
			for second, i := range random.Perm(200) {
				at := time.Date(2025, 12, day, hour, 0, 18*second, 0, time.UTC)
				fmt.Fprintf(&content, "%s,%v,%s\n", at.Format(time.RFC3339), x(i%100), cells(i, x)[1])
			}
		}
	}
	m := watch("churn", tumbling(minute), budgeted)
	m = New(m.Config, built(t, content.String(), baseline.Roles{Times: []string{"at"}}, baseline.HourOfDay))
	for _, test := range []struct {
		at      windows.Time
		x       func(int) float64
		current float64 // share of the rows that agree, when there is an alert
	}{{noon.Add(-2 * time.Hour), together, 0}, {noon, usual, 0}, {noon.Add(-2 * time.Hour), usual, 0.5}, {noon, together, 0.7}} {
		s := newSim(t, m)
		s.at = test.at
		s.minutesOf(40, test.x)
		switch {
		case len(s.out.Alerts) == 0 && test.current == 0:
		case len(s.out.Alerts) != 1 || test.current == 0:
			t.Errorf("at %v: %d alerts", test.at, len(s.out.Alerts))
		default:
			a := s.out.Alerts[0]
			if a.Feature != "x and plan" || a.Samples.Reference != 800 || a.Evidence.Joint.Current != test.current {
				t.Errorf("at %v: alert of %q, evidence %+v, samples %+v", test.at, a.Feature, a.Evidence.Joint, a.Samples)
			}
		}
	}
}
