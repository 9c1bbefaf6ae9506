package sequential

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		params map[string]float64
		want   string
	}{
		{"adwn", nil, `unknown detector "adwn": did you mean "adwin"? (the detectors are adwin, page_hinkley, cusum, kswin, ddm, eddm, hddm_a, hddm_w)`},
		{"Page-Hinkley", nil, `unknown detector "Page-Hinkley": did you mean "page_hinkley"? (the detectors are adwin, page_hinkley, cusum, kswin, ddm, eddm, hddm_a, hddm_w)`},
		{"bocd", nil, `unknown detector "bocd" (the detectors are adwin, page_hinkley, cusum, kswin, ddm, eddm, hddm_a, hddm_w)`},
		{"adwin", map[string]float64{"detla": 1}, `adwin has no parameter "detla": did you mean "delta"? (its parameters are delta, clock, max_buckets, min_window_length, grace_period)`},
		{"cusum", map[string]float64{"alpha_zero": 1}, `cusum has no parameter "alpha_zero" (its parameters are delta, lambda, min_num_instances)`},
		{"adwin", map[string]float64{"delta": 0}, "adwin: delta is 0: it must be over 0 and at most 1"},
		{"adwin", map[string]float64{"clock": 1.5}, "adwin: clock is 1.5: it must be a whole number, at least 1"},
		{"adwin", map[string]float64{"clock": 1e18}, "adwin: clock is 1e+18: it must be a whole number, at least 1"},
		{"page_hinkley", map[string]float64{"mode": 2}, "page_hinkley: mode is 2: it must be one of down, both, up"},
		{"page_hinkley", map[string]float64{"alpha": math.NaN()}, "page_hinkley: alpha is NaN: it must be at least 0 and at most 1"},
		{"cusum", map[string]float64{"lambda": math.Inf(1)}, "cusum: lambda is +Inf: it must be at least 0"},
		{"kswin", map[string]float64{"stat_size": 51}, "kswin: stat_size is 51: it must be at most half of window_size, which is 100"},
		{"kswin", map[string]float64{"stat_size": 10_001}, "kswin: stat_size is 10001: it must be a whole number, at least 1 and at most 10000"},
		{"ddm", map[string]float64{"warm_start": -1}, "ddm: warm_start is -1: it must be a whole number, at least 0"},
		{"eddm", map[string]float64{"alpha": 0.5}, "eddm: beta is 0.9: it must be at most alpha, which is 0.5"},
		{"hddm_a", map[string]float64{"two_sided_test": 0.5}, "hddm_a: two_sided_test is 0.5: it must be one of false, true"},
		{"hddm_w", map[string]float64{"lambda_val": 1.01}, "hddm_w: lambda_val is 1.01: it must be at least 0 and at most 1"},
	} {
		d, err := New(test.name, test.params)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s %v: %v, %v; want %s", test.name, test.params, d, err, test.want)
		}
		if _, err := Parameters(test.name, test.params); err == nil || err.Error() != test.want {
			t.Errorf("Parameters of %s %v: %v, want %s", test.name, test.params, err, test.want)
		}
	}
	if d, err := NewADWIN(ADWINParams{}); err == nil || d != nil {
		t.Errorf("ADWIN without parameters: %v, %v", d, err)
	}
}

// The defaults are river's and, for cusum, frouros'.
func TestDefaults(t *testing.T) {
	want := map[string]string{
		"adwin":        "delta=0.002 clock=32 max_buckets=5 min_window_length=5 grace_period=10",
		"page_hinkley": "min_instances=30 delta=0.005 threshold=50 alpha=0.9999 mode=both",
		"cusum":        "delta=0.005 lambda=50 min_num_instances=30",
		"kswin":        "alpha=0.005 window_size=100 stat_size=30 seed=0",
		"ddm":          "warm_start=30 warning_threshold=2 drift_threshold=3",
		"eddm":         "warm_start=30 alpha=0.95 beta=0.9",
		"hddm_a":       "drift_confidence=0.001 warning_confidence=0.005 two_sided_test=false",
		"hddm_w":       "drift_confidence=0.001 warning_confidence=0.005 lambda_val=0.05 two_sided_test=false",
	}
	got := map[string]string{}
	for _, name := range Names {
		list, err := Parameters(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, p := range list {
			if p.Meaning == "" {
				t.Errorf("%s: %s has no meaning", name, p.Name)
			}
			texts = append(texts, p.Name+"="+p.Text())
		}
		got[name] = strings.Join(texts, " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a user writes is read, and what is shown can be written.
func TestParse(t *testing.T) {
	for _, test := range []struct{ detector, parameter, text, shown string }{
		{"page_hinkley", "mode", "up", "up"},
		{"page_hinkley", "mode", "Down", "down"},
		{"page_hinkley", "mode", "0", "both"},
		{"hddm_a", "two_sided_test", "True", "true"},
		{"hddm_a", "two_sided_test", "0", "false"},
		{"adwin", "delta", "1e-5", "1e-05"},
		{"adwin", "clock", "1", "1"},
	} {
		find := func(list []Parameter) Parameter {
			for _, p := range list {
				if p.Name == test.parameter {
					return p
				}
			}
			t.Fatalf("%s has no %s", test.detector, test.parameter)
			return Parameter{}
		}
		list, err := Parameters(test.detector, nil)
		if err != nil {
			t.Fatal(err)
		}
		x, err := find(list).Parse(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if list, err = Parameters(test.detector, map[string]float64{test.parameter: x}); err != nil {
			t.Fatal(err)
		}
		if shown := find(list).Text(); shown != test.shown {
			t.Errorf("%s %s: shown as %q, want %q", test.parameter, test.text, shown, test.shown)
		}
	}
	mode, err := Parameters("page_hinkley", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mode[4].Parse("sideways"); err == nil || err.Error() != `mode is "sideways": it must be one of down, both, up` {
		t.Errorf("mode sideways: %v", err)
	}
}
