package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/detectors/sequential"
	"tidemark/profile"
)

// Sequence is a sequential detector over a figure of features, which takes one value for each pane. It compares the
// traffic with its own past, not with the baseline.
type Sequence struct {
	Detector   string            `yaml:"detector"`
	Feature    string            `yaml:"feature"` // "*" by default: every feature that has the figure
	Value      string            `yaml:"value"`   // mean by default
	Params     map[string]string `yaml:"params"`  // of the detector; what is left out has its default
	MinSamples int64             `yaml:"min_samples"`
	For        For               `yaml:"for"`
}

// The figures of a feature in a pane.
const (
	ValueMean         = "mean"          // of the finite numbers: of a column of 0 and 1, such as errors, their share
	ValueMissingShare = "missing_share" // missing values over captured ones
	ValueNewShare     = "new_share"     // values of categories that the baseline never saw over present ones
)

var sequenceValues = []string{ValueMean, ValueMissingShare, ValueNewShare}

// DefaultQuiet is for how many panes without a detection an alert of a sequential detector stays.
const DefaultQuiet = 10

func (q *Sequence) complete() {
	if q.Feature == "" {
		q.Feature = "*"
	}
	if q.Value == "" {
		q.Value = ValueMean
	}
	if q.MinSamples == 0 {
		q.MinSamples = 1
	}
	if q.For == (For{}) {
		q.For = For{1, DefaultQuiet}
	}
}

// rule is the word for the sequence in alerts and reports: the detector, and the figure if it is not the mean.
func (q *Sequence) rule() string {
	if q.Value == ValueMean {
		return q.Detector
	}
	return q.Detector + "_" + q.Value
}

// onErrors says whether the detector takes single errors, which the figures of panes are not.
func onErrors(detector string) bool { return detector == "ddm" || detector == "eddm" }

// onShares says whether the detector takes values from 0 to 1.
func onShares(detector string) bool { return detector == "hddm_a" || detector == "hddm_w" }

// parameters reads the parameters.
func (q *Sequence) parameters() (map[string]float64, error) {
	known, err := sequential.Parameters(q.Detector, nil)
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for _, name := range slices.Sorted(maps.Keys(q.Params)) {
		values[name] = 0 // an unknown one is refused by its name
		if i := slices.IndexFunc(known, func(p sequential.Parameter) bool { return p.Name == name }); i >= 0 {
			if values[name], err = known[i].Parse(q.Params[name]); err != nil {
				return nil, err
			}
		}
	}
	if n := values["window_size"]; n > maxWindow {
		return nil, fmt.Errorf("%s: window_size is %v: it must be at most %d here, since the values in the window are saved with each pane", q.Detector, n, maxWindow)
	}
	return values, nil
}

// maxWindow bounds the values that a detector keeps, and so the record that its state is saved in.
const maxWindow = 10_000

// detector returns a new detector.
func (q *Sequence) detector() (sequential.Sequential, error) {
	values, err := q.parameters()
	if err != nil {
		return nil, err
	}
	return sequential.New(q.Detector, values)
}

func checkSequences(sequences []Sequence, fault func(path, message string)) {
	var usable []string
	for _, name := range sequential.Names {
		if !onErrors(name) {
			usable = append(usable, name)
		}
	}
	for i := range sequences {
		q := &sequences[i]
		at := fmt.Sprintf("sequential[%d]", i)
		if !slices.Contains(usable, q.Detector) {
			message := fmt.Sprintf("%q is not known here: use one of %v", q.Detector, usable)
			if onErrors(q.Detector) {
				message = fmt.Sprintf("%s takes single errors, and a pane has a share of them: use hddm_a or hddm_w, or `tidemark detect %[1]s`", q.Detector)
			}
			fault(at+".detector", message)
		} else if _, err := q.detector(); err != nil {
			fault(at+".params", err.Error())
		}
		if !slices.Contains(sequenceValues, q.Value) {
			fault(at+".value", fmt.Sprintf("is %q: use one of %s", q.Value, strings.Join(sequenceValues, ", ")))
		}
		if q.MinSamples < 0 {
			fault(at+".min_samples", fmt.Sprintf("is %d: give the least number of values that a pane must have", q.MinSamples))
		}
		for _, other := range sequences[:i] {
			if other.rule() == q.rule() && (other.Feature == q.Feature || other.Feature == "*" || q.Feature == "*") {
				fault(at+".detector", fmt.Sprintf("%q watches the %s of %q already: give each detector and value of a feature once", q.Detector, q.Value, other.Feature))
				break
			}
		}
	}
}

// CheckBaseline says which of the settings a baseline does not fit.
func (c *Config) CheckBaseline(b *baseline.Baseline) error {
	for i := range c.Sequential {
		q := &c.Sequential[i]
		if q.Feature == "*" {
			continue
		}
		f := b.Profile.Feature(q.Feature)
		if f == nil {
			return fmt.Errorf("monitor %q: sequential[%d].feature is %q, which the baseline does not have: name one of its features or predictions, or * for all", c.Name, i, q.Feature)
		}
		if !q.fits(f) {
			return fmt.Errorf("monitor %q: sequential[%d]: %s cannot watch the %s of %q: it is %s", c.Name, i, q.Detector, q.Value, q.Feature, unfit(f))
		}
	}
	return nil
}

// fits says whether the baseline's feature has the figure, and as the detector takes it.
func (q *Sequence) fits(f *profile.Feature) bool {
	switch q.Value {
	case ValueMean:
		m := &f.Moments
		return f.Layout.Kind == capture.Numeric && (!onShares(q.Detector) || m.Count > 0 && m.Min >= 0 && m.Max <= 1)
	case ValueNewShare:
		return f.Layout.Kind == capture.Categorical
	}
	return true
}

func unfit(f *profile.Feature) string {
	if m := &f.Moments; f.Numeric() && m.Count > 0 {
		return fmt.Sprintf("numeric, from %g to %g in the baseline", m.Min, m.Max)
	}
	return string(f.Layout.Kind)
}

// watches says whether the sequence is over the baseline's feature.
func (q *Sequence) watches(f *profile.Feature) bool {
	return (q.Feature == "*" || q.Feature == f.Layout.Name) && q.fits(f)
}

// valueOf is the figure of a feature in a pane, or false when it has too few values for it.
func (q *Sequence) valueOf(f *profile.Feature) (float64, bool) {
	n, total := f.Missing, f.Captured
	switch q.Value {
	case ValueMean:
		mean, ok := f.Moments.Mean()
		return mean, ok && f.Moments.Count >= q.MinSamples
	case ValueNewShare:
		n, total = f.NewRows(), f.Present()
	}
	if total < max(1, q.MinSamples) {
		return 0, false
	}
	return float64(n) / float64(total), true
}
