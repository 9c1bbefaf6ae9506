package monitor

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/windows"
)

// window closes one window of a minute that holds n rows, and returns its report.
func window(t *testing.T, m *Monitor, n int, x func(int) float64) Report {
	t.Helper()
	s := newSim(t, m)
	s.rows(0, m.Name, noon, n, x)
	s.commit(0)
	s.progress(0, m.Name, noon.Add(65*second))
	reports := s.commit(65 * second).Reports
	if len(reports) != 1 {
		t.Fatalf("reports: %v", closed(reports))
	}
	return reports[0]
}

func allRules(c *Config) {
	c.Drift = []Rule{{Method: "psi", Threshold: 0.2, MinSamples: 10}, {Method: "ks", Threshold: 0.9, MinSamples: 30}}
	c.Quality = []Rule{{Method: "missing_share", Threshold: 0.1, MinSamples: 10}}
}

func TestReport(t *testing.T) {
	m := watch("churn", tumbling(minute), allRules)
	mean, deviation := 50., math.Sqrt((37.5*37.5+12.5*12.5)/2)
	ks := 0.
	want := Report{
		Monitor: "churn", Endpoint: "churn", Variant: "default",
		Window: Window{windows.Window{Start: noon, End: noon.Add(minute)}, "1m"},
		Rows:   20, Baseline: "0123456789abcdef", Layout: m.Layout().ID(),
		Reference: Reference{Kind: "baseline", Rows: 1000},
		Features: []FeatureReport{
			{Name: "x", Type: "numeric", Captured: 20, Mean: &mean, StdDev: &deviation, Scores: map[string]Score{
				"psi":           {Score: 0, Threshold: 0.2},
				"ks":            {Score: ks, Threshold: 0.9, Insufficient: true}, // 20 of 30 values
				"missing_share": {Score: 0, Threshold: 0.1},
			}},
			{Name: "plan", Type: "categorical", Captured: 20, Scores: map[string]Score{
				"psi":           {Score: 0, Threshold: 0.2},
				"missing_share": {Score: 0, Threshold: 0.1},
			}},
		},
	}
	got := window(t, m, 20, usual)
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-12), cmpopts.IgnoreFields(Score{}, "Expected", "PValue")); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestDriftIsOverTheThreshold(t *testing.T) {
	// Half of the values are drifted: four cells of 1/4 fall to 1/8, a new one has 1/2.
	half := func(i int) float64 {
		if i < 20 {
			return drifted(i)
		}
		return usual(i)
	}
	psi := 4*(0.125-0.25)*math.Log(0.5) + (0.5-1e-4)*math.Log(0.5/1e-4)
	expected := 4 * (1./1000 + 1./40) // five cells
	for _, test := range []struct {
		threshold float64
		drift     bool
	}{{psi - expected - 1e-6, true}, {psi - expected + 1e-6, false}} {
		m := watch("churn", tumbling(minute), func(c *Config) { c.Drift[0].Threshold = test.threshold })
		r := window(t, m, 40, half)
		score := r.Features[0].Scores["psi"]
		if math.Abs(score.Score-psi) > 1e-12 || score.Drift != test.drift || r.Drift != test.drift {
			t.Errorf("threshold %v: score %+v, report drift %t, want %v and %t", test.threshold, score, r.Drift, psi, test.drift)
		}
	}
}

func TestTooFewValues(t *testing.T) {
	m := watch("churn", tumbling(minute), allRules)
	for _, test := range []struct {
		rows                int
		x                   func(int) float64
		insufficient        string
		psi, missing, drift bool // insufficient, insufficient, drift
	}{
		{9, drifted, "samples", true, true, false},
		{10, drifted, "", false, false, true},
		{20, drifted, "", false, false, true},
	} {
		r := window(t, m, test.rows, test.x)
		scores := r.Features[0].Scores
		if r.Insufficient != test.insufficient || r.Drift != test.drift ||
			scores["psi"].Insufficient != test.psi || scores["missing_share"].Insufficient != test.missing {
			t.Errorf("%d rows: insufficient %q, drift %t, scores %+v", test.rows, r.Insufficient, r.Drift, scores)
		}
	}
}

// Drift needs values that are there, quality needs rows.
func TestSamplesOfMissingValues(t *testing.T) {
	notANumber := func(i int) float64 {
		if i < 9 {
			return drifted(i)
		}
		return math.NaN()
	}
	r := window(t, watch("churn", tumbling(minute), allRules), 40, notANumber)
	x := r.Features[0]
	if x.Captured != 40 || !x.Scores["psi"].Insufficient || x.Scores["missing_share"].Insufficient || x.Scores["psi"].Drift {
		t.Errorf("9 values of 40 rows: %+v", x)
	}
	r = window(t, watch("churn", tumbling(minute), allRules), 40, func(int) float64 { return math.NaN() })
	if _, defined := r.Features[0].Scores["psi"]; defined || r.Features[0].Mean != nil || r.Features[0].StdDev != nil {
		t.Errorf("no value of 40 rows: %+v", r.Features[0])
	}
}

func TestReportIsJSONWhateverTheValues(t *testing.T) {
	for name, x := range map[string]func(int) float64{
		"infinite": func(int) float64 { return math.Inf(1) },
		"huge":     func(i int) float64 { return math.MaxFloat64 * float64(1-2*(i%2)) },
		"largest":  func(int) float64 { return math.MaxFloat64 },
		"NaN":      func(int) float64 { return math.NaN() },
	} {
		if _, err := json.Marshal(window(t, watch("churn", tumbling(minute), allRules), 20, x)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
