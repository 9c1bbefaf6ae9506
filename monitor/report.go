package monitor

import (
	"iter"

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
	Reference Reference        `json:"reference"`
	Drift     bool             `json:"drift"` // any score is over its threshold
	Features  []FeatureReport  `json:"features"`
	Scores    map[string]Score `json:"scores,omitempty"` // of the columns as a whole
	// Violations are those of the monitor's constraints, as in SageMaker Model Monitor's constraint_violations.json.
	Violations []Violation `json:"violations,omitempty"`
	// Insufficient says why nothing could be judged: "samples" (no score had enough), "layout" (some of the
	// rows were counted in another layout) or "reference" (the earlier window to compare with is not there).
	Insufficient string `json:"insufficient,omitempty"`
	// Unseen is how many rows, so far, came for panes that the bets of the alarm budget had taken already, and Warnings says
	// why the budget's promise does not hold.
	Unseen   int64    `json:"unseen,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
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
	Budget   *BudgetReport    `json:"budget,omitempty"` // what the bets of the alarm budget said at the window's end
	// Sequential is what the sequential detectors took, up to the watermark.
	Sequential map[string]SequenceReport `json:"sequential,omitempty"`
}

// Score is a statistic's score of a feature in a window.
type Score struct {
	Score float64 `json:"score"`
	// Expected is the mean of Score for so many values when nothing changed, and PValue, of a rule with alpha, the probability
	// of a score at least this large then. They are left out when they are not known.
	Expected *float64 `json:"expected,omitempty"`
	PValue   *float64 `json:"p_value,omitempty"`
	// Threshold is what the score, less what is expected, has to be above. With Alpha it is the least effect that
	// matters, and Corrected, the p-value corrected for the number of features, has to be at most Alpha.
	Threshold float64  `json:"threshold"`
	Alpha     float64  `json:"alpha,omitempty"`
	Corrected *float64 `json:"p_corrected,omitempty"`
	Drift     bool     `json:"drift"`
	// Insufficient: there were too few values for the rule, or no p-value for its alpha; the score decides nothing.
	Insufficient bool `json:"insufficient,omitempty"`
	// ReportedOnly: no rule is on the score, the drift policy is the alarm budget.
	ReportedOnly bool `json:"reported_only,omitempty"`
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
	}
	m.judge(r.Features)
	r.Scores = m.columnScores(current)
	for scores := range r.all() {
		for _, score := range scores {
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
	for scores := range r.all() {
		for method, score := range scores {
			score.Drift, score.Insufficient = false, true
			scores[method] = score
		}
	}
}

// all yields the scores of each feature and those of the columns as a whole.
func (r *Report) all() iter.Seq[map[string]Score] {
	return func(yield func(map[string]Score) bool) {
		for _, f := range r.Features {
			if !yield(f.Scores) {
				return
			}
		}
		yield(r.Scores)
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
		scored := rule.scoreOf(score, min(rule.samples(reference), rule.samples(current)))
		scored.ReportedOnly = rule.shown
		r.Scores[rule.Method] = scored
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
