package monitor

import (
	"fmt"
	"time"

	"tidemark/detectors"
	"tidemark/windows"
)

// Config is one monitor as its user writes it.
type Config struct {
	Name            string          `yaml:"name"`
	Baseline        string          `yaml:"baseline"`
	Match           Match           `yaml:"match"`
	Windows         []windows.Spec  `yaml:"windows"`
	AllowedLateness time.Duration   `yaml:"allowed_lateness"`
	Drift           []Rule          `yaml:"drift"`
	Quality         []Rule          `yaml:"quality"`
	Reference       ReferenceConfig `yaml:"reference"`
}

// Match chooses the traffic that a monitor watches. Each variant is watched apart from the others.
type Match struct {
	Endpoint string `yaml:"endpoint"` // the monitor's name by default
	Variant  string `yaml:"variant"`  // "*" by default: every variant
}

// Rule is a statistic with the score from which on it is an alert.
type Rule struct {
	Method     string  `yaml:"method"`
	Threshold  float64 `yaml:"threshold"`
	MinSamples int64   `yaml:"min_samples"`
	For        For     `yaml:"for"`
}

// For is how many of the latest windows must be over the threshold: "M of N".
type For struct{ M, N int }

// UnmarshalText reads "M of N".
func (f *For) UnmarshalText(text []byte) error {
	var rest string
	n, _ := fmt.Sscanf(string(text), "%d of %d%s", &f.M, &f.N, &rest)
	if n != 2 || f.M < 1 || f.N < f.M || f.N > 64 {
		return fmt.Errorf("%q is not \"M of N\" windows with 1 <= M <= N <= 64, such as \"2 of 3\"", text)
	}
	return nil
}

// String writes "M of N".
func (f For) String() string { return fmt.Sprintf("%d of %d", f.M, f.N) }

// Defaults of what a configuration leaves out.
const (
	DefaultWindow          = time.Minute
	DefaultAllowedLateness = 5 * time.Second
	DefaultMinSamples      = 200
)

// DefaultConfig is a monitor of which nothing is given yet. Its lateness is set before the user's value is read.
func DefaultConfig() Config { return Config{AllowedLateness: DefaultAllowedLateness} }

// Complete fills in what was left out.
func (c *Config) Complete() {
	if c.Match.Endpoint == "" {
		c.Match.Endpoint = c.Name
	}
	if c.Match.Variant == "" {
		c.Match.Variant = "*"
	}
	if len(c.Windows) == 0 {
		c.Windows = []windows.Spec{{Size: DefaultWindow}}
	}
	if c.Drift == nil {
		c.Drift = []Rule{{Method: "psi", Threshold: 0.2}}
	}
	if c.Quality == nil {
		c.Quality = []Rule{{Method: "missing_share", Threshold: 0.1}, {Method: "new_categories", Threshold: 0.02}, {Method: "type_share", Threshold: 0.01}}
	}
	c.Reference.complete()
	for _, rules := range [][]Rule{c.Drift, c.Quality} {
		for i := range rules {
			if rules[i].MinSamples == 0 {
				rules[i].MinSamples = DefaultMinSamples
			}
			if rules[i].For == (For{}) {
				rules[i].For = For{1, 1}
			}
		}
	}
}

// Check reports every fault of a completed configuration with the path of its field, such as "windows[0].slide".
func (c *Config) Check(fault func(path, message string)) {
	if c.Name == "" {
		fault("name", "is missing: name the monitor; alerts and reports carry the name")
	}
	if c.Baseline == "" {
		fault("baseline", "is missing: give the directory that `tidemark baseline build` made")
	}
	for i, w := range c.Windows {
		if field, message := w.Validate(); field != "" {
			fault(fmt.Sprintf("windows[%d].%s", i, field), message)
		}
		for _, earlier := range c.Windows[:i] {
			if earlier.Size == w.Size {
				fault(fmt.Sprintf("windows[%d].size", i), fmt.Sprintf("%v appears twice: give each size once", w.Size))
			}
		}
	}
	if c.AllowedLateness < 0 {
		fault("allowed_lateness", fmt.Sprintf("is %v: give zero or a positive duration", c.AllowedLateness))
	}
	c.Reference.check(c.Windows, fault)
	checkRules("drift", c.Drift, detectors.Drift, fault)
	checkRules("quality", c.Quality, detectors.Quality, fault)
}

func checkRules(path string, rules []Rule, known []string, fault func(path, message string)) {
	seen := map[string]bool{}
	for i, r := range rules {
		at := fmt.Sprintf("%s[%d]", path, i)
		statistic := detectors.New(r.Method)
		if statistic == nil || detectors.KindOf(r.Method) != path {
			fault(at+".method", fmt.Sprintf("%q is not known here: use one of %v", r.Method, known))
		}
		if seen[r.Method] {
			fault(at+".method", fmt.Sprintf("%q appears twice: give each method once", r.Method))
		}
		seen[r.Method] = true
		if r.Threshold <= 0 {
			fault(at+".threshold", fmt.Sprintf("is %v: give the score, above 0, from which on this is an alert", r.Threshold))
		}
		if r.MinSamples < 0 {
			fault(at+".min_samples", fmt.Sprintf("is %d: give a positive number of values", r.MinSamples))
		}
	}
}
