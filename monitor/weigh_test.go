package monitor

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"tidemark/baseline"
	"tidemark/profile"
	"tidemark/windows"
)

// budgeted gives a monitor the default drift policy.
func budgeted(c *Config) { c.Drift, c.Quality = nil, []Rule{} }

// minutesOf captures so many minutes of 100 rows each, and closes them.
func (s *sim) minutesOf(n int, x func(int) float64) {
	for range n {
		start := s.at.Floor(minute)
		s.rows(0, "churn", start, 100, x)
		s.commit(minute)
		s.progress(0, "churn", start.Add(65*second))
		s.commit(0)
	}
}

func TestBudgetIsTheDefault(t *testing.T) {
	c := DefaultConfig()
	c.Name, c.Baseline = "churn", "baseline"
	c.Complete()
	if want := (Budget{Rate{1, 30 * 24 * 60 * minute}, 0.02}); c.Budget != want || c.Drift != nil {
		t.Errorf("%+v and %v, want %+v", c.Budget, c.Drift, want)
	}
	if got, want := c.Rules()[0], "drift of more than 0.02 of the records, with 1 per 30d false alarms"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	c = Config{Drift: []Rule{}}
	if c.Complete(); c.Budget.on() {
		t.Error("no rules are a budget")
	}
}

func TestRate(t *testing.T) {
	for text, want := range map[string]Rate{"1 per 30d": {1, 720 * 60 * minute}, "0.5 per 1d12h": {0.5, 36 * 60 * minute}, " 2 per 1h ": {2, 60 * minute}} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%q is %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "1", "per 30d", "0 per 1d", "-1 per 1d", "1 per 30", "1 per 1s", "NaN per 1d", "1 in 30d"} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "1 per 30d") {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
}

// Panes that jump make traffic look dependent, but an alert has the kappa that its own evidence was divided by: that of what came before.
func TestBudgetAlertsKappa(t *testing.T) {
	for _, panes := range [][]int{{0, 20, 0, 20, 0, 90}, {0, 20, 0, 25, 0, 60, 60}} {
		s := newSim(t, watch("churn", tumbling(minute), budgeted))
		for _, moved := range panes { // of 100 rows
			s.minutesOf(1, func(i int) float64 {
				if i < moved {
					return 87.5
				}
				return usual(i)
			})
		}
		if len(s.out.Alerts) != 1 || len(s.out.Reports) != len(panes) {
			t.Fatalf("%d alerts in %d reports, want 1 in %d", len(s.out.Alerts), len(s.out.Reports), len(panes))
		}
		last, before := s.out.Reports[len(panes)-1].Features[0].Budget, s.out.Reports[len(panes)-2].Features[0].Budget
		if got := s.out.Alerts[0].Evidence.Budget.Kappa; got != before.Kappa || got == last.Kappa || !last.Firing {
			t.Errorf("kappa %v, want %v, and not the %v of the reports from then on", got, before.Kappa, last.Kappa)
		}
	}
}

// A drift is told once, with all its figures, and resolved when it has not shown for as long as it would have to.
func TestBudgetAlert(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), budgeted))
	s.minutesOf(12, usual)
	if len(s.out.Alerts) > 0 {
		t.Fatalf("an alert without drift: %s", s.out.Alerts[0].Message)
	}
	began := s.at.Floor(minute)
	s.minutesOf(10, func(i int) float64 { return float64(2+i%2)*25 + 12.5 })
	if len(s.out.Alerts) != 1 {
		t.Fatalf("%d alerts, want 1", len(s.out.Alerts))
	}
	a := s.out.Alerts[0]
	if a.Kind != "drift" || a.State != "firing" || a.Rule != "budget" || a.Feature != "x" || a.Since != began || a.Window.Start != began || a.Window.Size != "1m" {
		t.Errorf("%+v", a)
	}
	panes := 43_200.0 // of a minute in 30 days
	if a.Threshold != math.Log(panes) || a.Score <= a.Threshold {
		t.Errorf("the score is %v over %v", a.Score, a.Threshold)
	}
	b := a.Evidence.Budget
	if b == nil || b.Change != "higher" && b.Change != "more values from 50 to 75" || b.Panes != 1 || b.Records != 100 || b.Since != began || b.MinEffect != 0.02 || b.Kappa != 1 || b.Confidence != 2 {
		t.Fatalf("the evidence is %+v", b)
	}
	if math.Abs(b.Uncertainty-1/math.Sqrt(1000)) > 1e-12 || b.Effect < 0.3 || b.Effect > 0.5 || math.Round(math.Exp(a.Score)*60) != b.Recurrence {
		t.Errorf("the evidence is %+v", b)
	}
	for _, part := range []string{"x on churn has ", "since about " + began.String(), "(1 pane, 100 records)", "up to 2 % are ignored", "the budget is 1 per 30d", "1000 values in the reference, its own uncertainty 3.2 %"} {
		if !strings.Contains(a.Message, part) {
			t.Errorf("%q does not say %q", a.Message, part)
		}
	}
	last := s.out.Reports[len(s.out.Reports)-1]
	if f := last.Features[0]; !f.Budget.Firing || !f.Scores["budget"].Drift || f.Scores["psi"].Drift || !last.Drift || f.Scores["budget"].Threshold != a.Threshold {
		t.Errorf("the report says %+v and %+v", f.Budget, f.Scores)
	}
	s.minutesOf(30, usual)
	if len(s.out.Alerts) != 2 || s.out.Alerts[1].State != "resolved" || s.out.Alerts[1].Incident != a.ID {
		t.Fatalf("%d alerts", len(s.out.Alerts))
	}
	t.Log(a.Message)
	t.Log(s.out.Alerts[1].Message)
}

// The parts of the budget add up to 1 at most, over monitors, variants, features and their pairs.
func TestBudgetIsShared(t *testing.T) {
	all := []*Monitor{
		watch("a", tumbling(minute), budgeted), watch("b", tumbling(minute), budgeted, func(c *Config) { c.Match.Endpoint = "a" }),
		watch("fixed", tumbling(minute), budgeted, func(c *Config) { c.Match.Endpoint, c.Match.Variant = "a", "default" }), watch("c", tumbling(minute)),
	}
	e := newEndpoint("a", all)
	total := 0.0
	for _, m := range e.monitors {
		for place := 1; place < 1000; place++ {
			if m.Match.Variant == "*" || place == 1 {
				total += e.share(m, place)*float64(len(m.weighed)) + e.pairShare(m, place)*float64(len(m.pairs))
			}
		}
	}
	if total > 1 || total < 0.99 {
		t.Errorf("the parts add up to %v", total)
	}
	s := newSim(t, all[0])
	for i := range 3 {
		for v := range i + 1 {
			s.rowsOf(0, "a", fmt.Sprint("v", v), s.at, 10, usual)
		}
		s.commit(minute)
		s.progress(0, "a", s.at.Add(5*second))
		s.commit(0)
	}
	places := map[int]string{}
	for key, b := range s.shard.endpoints["a"].bets {
		places[b.place] = key.Variant
	}
	if len(places) != 3 || places[1] != "v0" || places[2] != "v1" || places[3] != "v2" {
		t.Errorf("the places are %v", places)
	}
}

// The stored state of a version with other bets is not taken for one of these.
func TestOtherBetsBeginAnew(t *testing.T) {
	m := watch("a", tumbling(minute), budgeted)
	s := newSim(t, m)
	for range 2 {
		s.rowsOf(0, "a", "v", s.at, 10, usual)
		s.commit(minute)
		s.progress(0, "a", s.at.Add(5*second))
		s.commit(0)
	}
	e := s.shard.endpoints["a"]
	key := budgetKey{m.Name, "v"}
	saved := e.savedBets(m, key, e.bets[key])
	for bets, restored := range map[int]bool{saved.Bets: true, saved.Bets - 4: false} {
		saved.Bets = bets
		delete(e.bets, key)
		if err := s.shard.RestoreBets(saved); err != nil || (e.bets[key] != nil) != restored {
			t.Errorf("%d bets: restored %v, %v", bets, e.bets[key] != nil, err)
		}
	}
}

// Bets on other slots are other tables, and those of one slot are made once.
func TestBudgetWithSlots(t *testing.T) {
	m := watch("churn", tumbling(minute), budgeted)
	whole := m.Baseline.Profile
	m.weighed[0].table.Cells()
	half := profile.New(m.Layout())
	half.MergeShare(whole, 0.5)
	for f, w := range m.weighed {
		table := w.against(&half.Features[f], &whole.Features[f], 0.02, 1)
		if table.Cells() != w.table.Cells() {
			t.Errorf("feature %d: %d cells, want %d", f, table.Cells(), w.table.Cells())
		}
		if _, uncertainty := table.Settings(); math.Abs(uncertainty-1/math.Sqrt(500)) > 1e-9 {
			t.Errorf("feature %d: the uncertainty is %v", f, uncertainty)
		}
	}
}

// Categories that were never seen are expected as often as those seen once, and frequent ones are chosen on other rows than
// those that are counted.
func TestReferenceOfCategories(t *testing.T) {
	layout := &profile.Layout{Features: []profile.FeatureLayout{{Name: "plan", Kind: "categorical", Categories: []string{"a", "b", "c"}, Rare: []string{"d", "e", "f"}}}}
	p := profile.New(layout)
	p.Rows = 108
	f := &p.Features[0]
	f.Captured, f.Missing = 108, 4
	copy(f.Bins, []int64{60, 30, 8, 6})
	w := newWeighed(f, baseline.Calibration{Singles: 3}, 0.02)
	counts := make([]float64, w.table.Cells())
	w.countReference(f, f.Bins, 1, counts)
	if want := []float64{60, 30, 8 + 6 - 3, 4, 0, 3}; fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("the counts are %v, want %v", counts, want)
	}
	w = newWeighed(f, baseline.Calibration{Singles: 3, Odd: []int64{40, 10, 4, 3}}, 0.02)
	if len(w.bins) != 2 || w.bins[0][0] != 0 { // b has too few odd rows
		t.Errorf("the cells are of the bins %v", w.bins)
	}
	if _, uncertainty := w.table.Settings(); math.Abs(1/(uncertainty*uncertainty)-(20+20+4+3+4*47.0/104)) > 1e-9 {
		t.Errorf("the reference is worth %v rows", 1/(uncertainty*uncertainty))
	}
}

// A number that has one value in most rows has a range for it alone.
func TestRangesOfNumbers(t *testing.T) {
	layout := &profile.Layout{Features: []profile.FeatureLayout{{Name: "x", Kind: "numeric", Edges: []float64{0, math.Nextafter(0, 1), 5, 6, 7}, Ranks: []int{230, 230, 232, 234, 240}}}}
	p := profile.New(layout)
	f := &p.Features[0]
	copy(f.Bins, []int64{0, 970, 10, 10, 10, 0})
	w := newWeighed(f, baseline.Calibration{}, 0.02)
	if got, want := fmt.Sprint(w.bins), "[[0 1] [2 3 4 5]]"; got != want {
		t.Errorf("the ranges are %s, want %s", got, want)
	}
	if got, want := w.words(f, 0), "values up to 0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A baseline with a season in it is warned of in reports and alerts, unless panes are compared with something else.
func TestPromiseThatDoesNotHold(t *testing.T) {
	growing := func(m *Monitor) *Monitor {
		b := *m.Baseline
		b.Calibrations = []baseline.Calibration{{Kappa: []baseline.Kappa{{Rows: 30, Value: 1.5}, {Rows: 300, Value: 7}}}, {}}
		return New(m.Config, &b)
	}
	s := newSim(t, growing(watch("churn", tumbling(minute), budgeted)))
	s.minutesOf(2, usual)
	s.minutesOf(6, drifted)
	last := s.out.Reports[len(s.out.Reports)-1]
	if len(last.Warnings) != 1 || !strings.Contains(last.Warnings[0], "does not hold for x: in the traffic or the baseline it varies the more") {
		t.Errorf("the report warns of %q", last.Warnings)
	}
	if len(s.out.Alerts) != 1 || !s.out.Alerts[0].Evidence.Budget.Unsteady || !strings.HasSuffix(s.out.Alerts[0].Message, "so that the budget is not kept") {
		t.Errorf("the alerts are %+v", s.out.Alerts)
	}
	s = newSim(t, growing(watch("churn", tumbling(minute), budgeted, func(c *Config) { c.Reference.Kind = ReferencePrevious })))
	s.minutesOf(4, usual)
	if warnings := s.out.Reports[3].Warnings; warnings != nil {
		t.Errorf("compared with the window before, it warns of %q", warnings)
	}
}

func TestRowsThatBetsDoNotSee(t *testing.T) {
	s := newSim(t, watch("churn", []windows.Spec{{Size: 5 * minute}, {Size: minute}}, budgeted))
	s.minutesOf(3, usual)
	s.rowsOf(0, "churn", "default", s.at.Add(-2*minute), 7, usual)
	s.minutesOf(3, usual)
	last := s.out.Reports[len(s.out.Reports)-1]
	if last.Unseen != 7 {
		t.Errorf("%d rows were not seen, want 7", last.Unseen)
	}
}
