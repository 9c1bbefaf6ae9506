package monitor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/windows"
)

func TestFor(t *testing.T) {
	for text, want := range map[string]For{"1 of 1": {1, 1}, "2 of 3": {2, 3}, "64 of 64": {64, 64}} {
		var f For
		if err := f.UnmarshalText([]byte(text)); err != nil || f != want || f.String() != text {
			t.Errorf("%q is read as %v, %v", text, f, err)
		}
	}
	for _, bad := range []string{"", "2", "0 of 3", "4 of 3", "-1 of 1", "1 of 65", "2 of 3 days", "2of", "two of three"} {
		var f For
		if err := f.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, f)
		}
	}
}

func TestCompleteFillsInDefaults(t *testing.T) {
	c := DefaultConfig()
	c.Name, c.Baseline = "churn", "dir"
	c.Drift = []Rule{{Method: "ks", Threshold: 0.3, MinSamples: 7, For: For{2, 3}}}
	c.Complete()
	if c.Match != (Match{"churn", "*"}) || c.AllowedLateness != 5*second || !slices.Equal(c.Windows, tumbling(minute)) {
		t.Errorf("completed: %+v", c)
	}
	if c.Drift[0] != (Rule{Method: "ks", Threshold: 0.3, MinSamples: 7, For: For{2, 3}}) || c.Quality[0] != (Rule{Method: "missing_share", Threshold: 0.1, MinSamples: 200, For: For{1, 1}}) {
		t.Errorf("rules: %+v, %+v", c.Drift, c.Quality)
	}
	c.Check(func(path, message string) { t.Errorf("%s %s", path, message) })
}

func TestCheckFindsEveryFault(t *testing.T) {
	c := Config{
		Windows:         []windows.Spec{{Size: minute}, {Size: minute, Slide: 7 * second}, {Size: -1}},
		AllowedLateness: -time.Second,
		Drift:           []Rule{{Method: "psy", Threshold: 1}, {Method: "psi"}, {Method: "psi", Threshold: 1, MinSamples: -1}},
		Quality:         []Rule{{Method: "psi", Threshold: 1}},
		Reference:       ReferenceConfig{Kind: "yesterday"},
	}
	var paths []string
	c.Check(func(path, message string) {
		if message == "" {
			t.Errorf("%s has no message", path)
		}
		paths = append(paths, path)
	})
	slices.Sort(paths)
	want := "allowed_lateness baseline drift[0].method drift[1].threshold drift[2].method drift[2].min_samples " +
		"name quality[0].method reference.kind windows[1].size windows[1].slide windows[2].size"
	if got := strings.Join(paths, " "); got != want {
		t.Errorf("faults are at\n%s, want\n%s", got, want)
	}
}

func TestRulesInWords(t *testing.T) {
	c := DefaultConfig()
	c.Drift, c.Quality = []Rule{{Method: "psi", Threshold: 0.2}}, []Rule{}
	c.Sequential = []Sequence{{Detector: "adwin"}}
	c.Volume, c.Freshness = Volume{Min: 1, Max: 9}, 10*minute
	c.Complete()
	want := "psi > 0.2; adwin of the mean of *; rows < 1; rows > 9; no record for 10m"
	if got := strings.Join(c.Rules(), "; "); got != want {
		t.Errorf("rules are %q, want %q", got, want)
	}
	c = Config{Drift: []Rule{}, Quality: []Rule{}}
	c.Complete()
	if got := c.Rules(); !slices.Equal(got, []string{"none"}) {
		t.Errorf("rules are %q, want none", got)
	}
}

func TestWatches(t *testing.T) {
	for _, test := range []struct {
		match             Match
		endpoint, variant string
		want              bool
	}{
		{Match{"a", "*"}, "a", "x", true},
		{Match{"a", "x"}, "a", "x", true},
		{Match{"a", "x"}, "a", "y", false},
		{Match{"a", "*"}, "b", "x", false},
		{Match{"*", "*"}, "b", "x", true},
		{Match{"*", "x"}, "b", "y", false},
	} {
		m := &Monitor{Config: Config{Match: test.match}}
		if got := m.Watches(test.endpoint, test.variant); got != test.want {
			t.Errorf("%v watches %s/%s: %t", test.match, test.endpoint, test.variant, got)
		}
	}
}
