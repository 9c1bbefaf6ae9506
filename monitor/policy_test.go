package monitor

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/detectors"
	"tidemark/profile"
)

// fixed is a statistic that says of each feature what it is told to.
type fixed map[string]detectors.Score

func (fixed) Name() string { return "fixed" }

func (f fixed) Score(reference, _ *profile.Feature) (detectors.Score, bool) {
	score, ok := f[reference.Layout.Name]
	return score, ok
}

func (fixed) Exact(_, _ *detectors.Sample) (detectors.Score, bool) { return detectors.Score{}, false }

// says is a score with what is expected, and a p-value if it is not negative.
func says(value, expected, p float64) detectors.Score {
	s := detectors.Score{Value: value, Expected: &expected}
	if p >= 0 {
		s.Tail = func() float64 { return p }
	}
	return s
}

// fixedMonitor judges the features f0, f1, ... by one rule and what the statistic is told to say of them.
func fixedMonitor(r Rule, scores ...detectors.Score) (*Monitor, []FeatureReport) {
	r.Method = "fixed"
	r.complete()
	m := &Monitor{rules: []rule{{Rule: r, kind: detectors.KindDrift}}}
	features := make([]FeatureReport, len(scores))
	for i, s := range scores {
		features[i] = FeatureReport{Name: fmt.Sprint("f", i), Scores: map[string]Score{"fixed": m.rules[0].scoreOf(s, 1000)}}
	}
	return m, features
}

func TestVerdicts(t *testing.T) {
	none := detectors.Score{Value: 0.3}
	for _, test := range []struct {
		name   string
		rule   Rule
		scores []detectors.Score
		want   string // of each feature: x drift, . none, - insufficient
	}{
		{"what exceeds the expected counts", Rule{Threshold: 0.2},
			[]detectors.Score{says(0.3, 0.05, -1), says(0.3, 0.1, -1), says(0.25, 0.06, -1), says(0.19, 0, -1), none}, "x...x"},
		{"a signed score counts by its size", Rule{Threshold: 2}, []detectors.Score{{Value: -2.5}, {Value: -1.5}, {Value: 2.5}}, "x.x"},
		{"a p-value decides nothing beside a threshold", Rule{Threshold: 0.2}, []detectors.Score{says(0.3, 0, 1), says(0.1, 0, 0)}, "x."},
		{"without correction", Rule{Alpha: 0.05, Correction: CorrectNone},
			[]detectors.Score{says(1, 0, 0.01), says(1, 0, 0.05), says(1, 0, 0.051)}, "xx."},
		// 0.01 x 4 and 0.012 x 3 are at most 0.05; 0.02 x 2 is too; 0.06 is not.
		{"holm is the default", Rule{Alpha: 0.05},
			[]detectors.Score{says(1, 0, 0.06), says(1, 0, 0.01), says(1, 0, 0.02), says(1, 0, 0.012)}, ".xxx"},
		// 0.02 x 3 is over 0.05, so that 0.024 x 2 cannot be at most 0.05 either.
		{"holm goes down from the smallest", Rule{Alpha: 0.05}, []detectors.Score{says(1, 0, 0.02), says(1, 0, 0.024), says(1, 0, 0.9)}, "..."},
		// 0.04 x 3/3 is at most 0.05, and with it the smaller ones, 0.03 x 3/2 and 0.02 x 3.
		{"benjamini-hochberg goes up from the largest", Rule{Alpha: 0.05, Correction: CorrectBH},
			[]detectors.Score{says(1, 0, 0.02), says(1, 0, 0.04), says(1, 0, 0.03)}, "xxx"},
		{"the least effect, beyond the expected", Rule{Alpha: 0.05, MinEffect: 0.1},
			[]detectors.Score{says(0.2, 0.11, 1e-9), says(0.2, 0.09, 1e-9), says(0.05, 0, 1e-9)}, ".x."},
		{"without a least effect any is enough", Rule{Alpha: 0.05}, []detectors.Score{says(0.1, 0.2, 1e-9)}, "x"},
		// Two of three can be judged: 0.02 x 2 is at most 0.05.
		{"features without a p-value take no part", Rule{Alpha: 0.05}, []detectors.Score{none, says(1, 0, 0.02), says(1, 0, 0.9)}, "-x."},
	} {
		m, features := fixedMonitor(test.rule, test.scores...)
		m.judge(features)
		var got strings.Builder
		for _, f := range features {
			switch score := f.Scores["fixed"]; {
			case score.Insufficient && score.Drift:
				t.Errorf("%s: %s drifts on insufficient values", test.name, f.Name)
			case score.Insufficient:
				got.WriteByte('-')
			case score.Drift:
				got.WriteByte('x')
			default:
				got.WriteByte('.')
			}
		}
		if got.String() != test.want {
			t.Errorf("%s: verdicts %s, want %s", test.name, got.String(), test.want)
		}
	}
}

func TestTooFewSamplesTakeNoPartInCorrection(t *testing.T) {
	m, features := fixedMonitor(Rule{Alpha: 0.05}, says(1, 0, 0.04), says(1, 0, 0.5))
	few := m.rules[0].scoreOf(says(1, 0, 0.5), DefaultMinSamples-1)
	features[1].Scores["fixed"] = few
	m.judge(features)
	if got := features[0].Scores["fixed"]; !got.Drift || *got.Corrected != 0.04 {
		t.Errorf("of one feature the corrected p-value is %v, drift %t, want 0.04 and drift", *got.Corrected, got.Drift)
	}
	if diff := cmp.Diff(few, features[1].Scores["fixed"]); diff != "" {
		t.Errorf("too few samples were judged (-before +after):\n%s", diff)
	}
}

// watchFixed returns a monitor whose rule on each feature is the one given, with a fixed statistic.
func watchFixed(r Rule, scores fixed) *Monitor {
	m := watch("churn", tumbling(minute), func(c *Config) { c.Drift, c.Quality = []Rule{}, []Rule{} })
	r.Method, r.MinSamples = "fixed", 10
	r.complete()
	m.rules = []rule{{Rule: r, kind: detectors.KindDrift, statistic: scores}}
	return m
}

func TestReportAndAlertCarryTheEvidence(t *testing.T) {
	m := watchFixed(Rule{Alpha: 0.01, MinEffect: 0.05}, fixed{"x": says(0.25, 0.0125, 0.002), "plan": says(0.2, 0.02, 0.04)})
	s := newSim(t, m)
	s.minutes("x")
	text, err := json.Marshal(s.out.Reports[0].Features[0].Scores)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(text), `{"fixed":{"score":0.25,"expected":0.0125,"p_value":0.002,"threshold":0.05,"alpha":0.01,"p_corrected":0.004,"drift":true}}`; got != want {
		t.Errorf("scores of x are\n%s, want\n%s", got, want)
	}
	if len(s.out.Alerts) != 1 {
		t.Fatalf("alerts: %v", s.out.Alerts)
	}
	a := s.out.Alerts[0]
	if text, err = json.Marshal(a.Evidence); err != nil {
		t.Fatal(err)
	}
	if got, want := string(text), `{"over":1,"of":1,"expected":0.0125,"p_value":0.002,"alpha":0.01,"p_corrected":0.004}`; got != want {
		t.Errorf("evidence is\n%s, want\n%s", got, want)
	}
	if a.Feature != "x" || a.Score != 0.25 || a.Threshold != 0.05 {
		t.Errorf("the alert is on %s with %v over %v", a.Feature, a.Score, a.Threshold)
	}
}

func TestWordsOfEvidence(t *testing.T) {
	in := " in the 1m window to 2026-03-01T12:01:00Z"
	for _, test := range []struct {
		rule             Rule
		score            detectors.Score
		firing, resolved string
	}{
		{Rule{Threshold: 0.2}, says(0.41, 0.046, -1),
			"fixed of x on churn is 0.41, of which 0.046 is expected, over 0.2," + in + " (20 values, 1000 in the baseline)",
			"fixed of x on churn is 0.01 in the 1m window to 2026-03-01T12:02:00Z, no longer over 0.2"},
		{Rule{Threshold: 0.2}, says(0.41, 0.04, -1),
			"fixed of x on churn is 0.41, over 0.2," + in + " (20 values, 1000 in the baseline)", ""},
		{Rule{Alpha: 0.01}, says(0.41, 0, 0.00123),
			"fixed of x on churn is 0.41, with a p-value of 0.0012, at most 0.01," + in + " (20 values, 1000 in the baseline)",
			"fixed of x on churn is 0.01 in the 1m window to 2026-03-01T12:02:00Z, no longer with a p-value of at most 0.01"},
		{Rule{Alpha: 0.01, MinEffect: 0.1}, says(0.41, 0, 1e-20),
			"fixed of x on churn is 0.41, over 0.1, with a p-value of 1e-20, at most 0.01," + in + " (20 values, 1000 in the baseline)",
			"fixed of x on churn is 0.01 in the 1m window to 2026-03-01T12:02:00Z, no longer over 0.1, with a p-value of at most 0.01"},
	} {
		scores := fixed{"x": test.score}
		s := newSim(t, watchFixed(test.rule, scores))
		s.minutes("x")
		scores["x"] = says(0.01, 0, 0.5)
		s.rows(0, "churn", s.at.Floor(minute), 20, usual)
		s.commit(minute)
		s.progress(0, "churn", s.at.Add(10*second))
		s.commit(0)
		if len(s.out.Alerts) != 2 {
			t.Fatalf("alerts: %v", s.out.Alerts)
		}
		if got := s.out.Alerts[0].Message; got != test.firing {
			t.Errorf("message is\n%s, want\n%s", got, test.firing)
		}
		if got := s.out.Alerts[1].Message; test.resolved != "" && got != test.resolved {
			t.Errorf("message is\n%s, want\n%s", got, test.resolved)
		}
	}
}

func TestSamplesCountOnBothSides(t *testing.T) {
	m := watch("churn", tumbling(minute), func(c *Config) {
		c.Drift[0].MinSamples, c.Quality = 1001, []Rule{{Method: "missing_share", Threshold: 0.1, MinSamples: 1000}}
	})
	r := window(t, m, 1200, drifted)
	if scores := r.Features[0].Scores; !scores["psi"].Insufficient || scores["missing_share"].Insufficient || r.Drift {
		t.Errorf("1200 values against 1000 in the baseline: %+v", scores)
	}
}

func TestRuleInWords(t *testing.T) {
	for want, r := range map[string]Rule{
		"psi > 0.2":                          {Method: "psi", Threshold: 0.2},
		"psi > 0.2 for 2 of 3":               {Method: "psi", Threshold: 0.2, For: For{2, 3}},
		"ks p <= 0.01 (holm)":                {Method: "ks", Alpha: 0.01},
		"ks p <= 0.01 and > 0.05 for 1 of 2": {Method: "ks", Alpha: 0.01, Correction: CorrectNone, MinEffect: 0.05, For: For{1, 2}},
		"missing_columns > 0":                {Method: missingColumns},
	} {
		r.complete()
		if got := r.String(); got != want {
			t.Errorf("%+v is %q, want %q", r, got, want)
		}
	}
}

// Small windows of the reference's own distribution have scores that are no drift.
func TestPValueRuleInTheStream(t *testing.T) {
	for _, correction := range []string{CorrectNone, CorrectHolm, CorrectBH} {
		s := newSim(t, watch("churn", tumbling(minute), func(c *Config) {
			c.Drift = []Rule{{Method: "jensen_shannon", Alpha: 0.01, Correction: correction, MinEffect: 0.05, MinSamples: 10}}
		}))
		if got, want := s.minutes("..xx..-x"), []string{"firing 12:02", "resolved 12:04", "firing 12:07"}; !cmp.Equal(got, want) {
			t.Errorf("%s: transitions %q, want %q", correction, got, want)
		}
	}
}
