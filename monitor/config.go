package monitor

import (
	"fmt"
	"slices"
	"time"

	"tidemark/detectors"
	"tidemark/windows"
)

// Config is one monitor as its user writes it.
type Config struct {
	Name            string          `yaml:"name"`
	Baseline        string          `yaml:"baseline"`
	Constraints     string          `yaml:"constraints"` // a constraints.json, which is what quality is judged by
	Match           Match           `yaml:"match"`
	Windows         []windows.Spec  `yaml:"windows"`
	AllowedLateness time.Duration   `yaml:"allowed_lateness"`
	Reference       ReferenceConfig `yaml:"reference"`
	Budget          Budget          `yaml:"drift,or"` // the drift policy, unless a list of rules is given
	Drift           []Rule          `yaml:"drift"`
	Quality         []Rule          `yaml:"quality"`
	Sequential      []Sequence      `yaml:"sequential"`
	Volume          Volume          `yaml:"volume"`
	Freshness       time.Duration   `yaml:"freshness"` // how long an endpoint may go without a record; 0 is for ever
}

// Match chooses the traffic that a monitor watches. Each variant is watched apart from the others.
type Match struct {
	Endpoint string `yaml:"endpoint"` // the monitor's name by default
	Variant  string `yaml:"variant"`  // "*" by default: every variant
}

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
		c.Budget.complete()
	}
	if c.Quality == nil && c.Constraints == "" {
		c.Quality = []Rule{{Method: "missing_share", Threshold: 0.1}, {Method: "new_categories", Threshold: 0.02}, {Method: "type_share", Threshold: 0.01}, {Method: "negative_share", Threshold: 0.01}}
	}
	c.Reference.complete()
	for _, rules := range [][]Rule{c.Drift, c.Quality} {
		for i := range rules {
			rules[i].complete()
		}
	}
	for i := range c.Sequential {
		c.Sequential[i].complete()
	}
	c.Volume.For.complete()
}

// Rules writes the conditions of a completed configuration as a user reads them, or "none".
func (c *Config) Rules() []string {
	var all []string
	if c.Budget.on() {
		all = append(all, c.Budget.String())
	}
	for _, r := range slices.Concat(c.Drift, c.Quality) {
		all = append(all, r.String())
	}
	if c.Constraints != "" {
		all = append(all, "constraints of "+c.Constraints)
	}
	for _, q := range c.Sequential {
		all = append(all, fmt.Sprintf("%s of the %s of %s", q.Detector, q.Value, q.Feature))
	}
	if c.Volume.Min > 0 {
		all = append(all, fmt.Sprintf("rows < %d", c.Volume.Min))
	}
	if c.Volume.Max > 0 {
		all = append(all, fmt.Sprintf("rows > %d", c.Volume.Max))
	}
	if c.Freshness > 0 {
		all = append(all, "no record for "+windows.FormatDuration(c.Freshness))
	}
	if len(all) == 0 {
		all = []string{"none"}
	}
	return all
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
	c.Budget.check(fault)
	checkRules("drift", c.Drift, detectors.Drift, fault)
	checkRules("quality", c.Quality, slices.Concat(detectors.Quality, Columns), fault)
	checkSequences(c.Sequential, fault)
	c.Volume.check(fault)
	if c.Freshness < 0 {
		fault("freshness", fmt.Sprintf("is %s: give how long an endpoint may go without a record, such as 10m, or 0 for ever", windows.FormatDuration(c.Freshness)))
	}
}
