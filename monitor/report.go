package monitor

import (
	"tidemark/detectors"
	"tidemark/profile"
	"tidemark/windows"
)

// Report is all scores of one window of one monitor: a record on the reports topic.
type Report struct {
	Monitor  string `json:"monitor"`
	Endpoint string `json:"endpoint"`
	Variant  string `json:"variant"`
	Window   Window `json:"window"`
	Rows     int64  `json:"rows"`
	Baseline string `json:"baseline"`
	Layout   string `json:"layout"`
	// Reference is what the window was compared with; the layout is the baseline's in any case.
	Reference Reference       `json:"reference"`
	Drift     bool            `json:"drift"` // any score is over its threshold
	Features  []FeatureReport `json:"features"`
	// Insufficient says why nothing could be judged: "samples" (no score had enough), "layout" (some of the
	// rows were counted in another layout) or "reference" (the earlier window to compare with is not there).
	Insufficient string `json:"insufficient,omitempty"`
}

// Window is a window with its size in words.
type Window struct {
	windows.Window
	Size string `json:"size"`
}

// FeatureReport is one feature in a window.
type FeatureReport struct {
	Name     string           `json:"name"`
	Type     string           `json:"type"`
	Captured int64            `json:"captured"`
	Missing  int64            `json:"missing"`
	Invalid  int64            `json:"invalid"`
	Mean     *float64         `json:"mean,omitempty"`
	StdDev   *float64         `json:"stddev,omitempty"` // population
	Scores   map[string]Score `json:"scores"`
}

// Score is a statistic's score of a feature in a window.
type Score struct {
	Score     float64 `json:"score"`
	Threshold float64 `json:"threshold"`
	Drift     bool    `json:"drift"`
	// Insufficient: there were too few values for the rule; the score decides nothing.
	Insufficient bool `json:"insufficient,omitempty"`
}

// report scores the current profile of a window.
func (m *Monitor) report(endpoint, variant string, w windows.Window, reference compared, current *profile.Profile) Report {
	r := Report{
		Monitor: m.Name, Endpoint: endpoint, Variant: variant,
		Window: Window{w, windows.FormatDuration(w.Size())}, Rows: current.Rows,
		Baseline: m.Baseline.ID, Layout: current.Layout.ID(), Reference: reference.Reference,
		Features:     make([]FeatureReport, len(current.Features)),
		Insufficient: "samples",
	}
	for i := range current.Features {
		r.Features[i] = m.score(&reference.profile.Features[i], &current.Features[i])
		for _, score := range r.Features[i].Scores {
			r.Drift = r.Drift || score.Drift
			if !score.Insufficient {
				r.Insufficient = ""
			}
		}
	}
	if reference.missing {
		r.suspend("reference")
	}
	return r
}

// suspend takes back every verdict of the report.
func (r *Report) suspend(why string) {
	r.Insufficient, r.Drift = why, false
	for _, f := range r.Features {
		for method, score := range f.Scores {
			score.Drift, score.Insufficient = false, true
			f.Scores[method] = score
		}
	}
}

func (m *Monitor) score(reference, current *profile.Feature) FeatureReport {
	r := FeatureReport{
		Name: current.Layout.Name, Type: string(current.Layout.Kind),
		Captured: current.Captured, Missing: current.Missing, Invalid: current.Invalid,
		Scores: make(map[string]Score, len(m.rules)),
	}
	if mean, ok := current.Moments.Mean(); ok {
		r.Mean = &mean
	}
	if deviation, ok := current.Moments.StdDev(); ok {
		r.StdDev = &deviation
	}
	for _, rule := range m.rules {
		score, defined := rule.statistic.Score(reference, current)
		if !defined {
			continue
		}
		samples := rule.samples(current)
		if m.Reference.rolling() {
			samples = min(samples, rule.samples(reference))
		}
		insufficient := samples < rule.MinSamples
		r.Scores[rule.Method] = Score{
			Score: score.Value, Threshold: rule.Threshold,
			Drift: score.Value > rule.Threshold && !insufficient, Insufficient: insufficient,
		}
	}
	return r
}

// samples is the number of values that the rule judges a feature by.
func (r *rule) samples(f *profile.Feature) int64 {
	if r.kind == detectors.KindDrift {
		return f.Present()
	}
	return f.Captured
}
