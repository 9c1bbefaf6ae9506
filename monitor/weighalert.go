package monitor

import (
	"fmt"
	"slices"
	"time"

	"tidemark/detectors"
	"tidemark/detectors/budget"
	"tidemark/profile"
	"tidemark/windows"
)

func (m *Monitor) budgetAlertKey(variant string, f int, pane time.Duration) alertKey {
	return alertKey{m.Name, variant, windows.FormatDuration(pane), m.Layout().Features[f].Name, budgetRule}
}

// budgetAlert begins or ends the alert of a feature.
func (e *endpoint) budgetAlert(i int, variant string, start windows.Time, b *bets, against *tables, current *profile.Profile, f int, found budget.Finding, fired bool, out *Output) error {
	m := e.monitors[i]
	pane := windows.Window{Start: start, End: start.Add(e.pane)}
	since := start.Add(-time.Duration(max(found.Panes, 1)-1) * e.pane)
	r := Report{Monitor: m.Name, Endpoint: e.name, Variant: variant, Window: Window{pane, windows.FormatDuration(e.pane)}, Rows: current.Rows, Baseline: m.Baseline.ID}
	// The records since the drift began, as far as they are still here.
	moved := profile.New(m.Layout())
	from := start
	if fired {
		from = since
	}
	ranges, err := e.series[seriesKey{variant, m.Layout().ID()}].merge(windows.Window{Start: from, End: pane.End}, moved)
	if err != nil {
		return fmt.Errorf("endpoint %q, variant %q, pane %v: %w", e.name, variant, start, err)
	}
	standings := b.past[len(b.past)-1].features
	alerts := raise(e.alerts, m.budgetAlertKey(variant, f, e.pane), fired, For{1, 1}, since, func(transition string) Alert {
		a := m.traffic(&r, budgetRule, ranges, transition)
		name := m.Layout().Features[f].Name
		a.ID, a.Kind, a.Feature = alertID(&r, name, budgetRule, transition), detectors.KindDrift, name
		a.Reference = against.other
		a.Score, a.Threshold = standings[f].score, standings[f].limit
		a.Samples = Samples{against.reference.Features[f].Captured, current.Features[f].Captured}
		if fired {
			a.Samples.Current = int64(found.Records)
		}
		a.Histogram = detectors.Compare(&against.reference.Features[f], &moved.Features[f])
		a.Evidence.Budget = m.evidence(f, found, &standings[f], since)
		for g := range standings {
			a.Top = append(a.Top, TopFeature{m.Layout().Features[g].Name, budgetRule, standings[g].score})
		}
		slices.SortStableFunc(a.Top, byScore)
		a.Top = a.Top[:min(len(a.Top), topFeatures)]
		return a
	})
	e.dirty = e.dirty || len(alerts) > 0
	out.Alerts = append(out.Alerts, alerts...)
	return nil
}

// BudgetEvidence is why an alert of the budget began, beside its score, which is the logarithm of how seldom, in panes, traffic like the
// reference would look like this; the threshold is that of the budget.
type BudgetEvidence struct {
	Recurrence  float64      `json:"recurrence_seconds"` // at most once in so long
	FalseAlarms Rate         `json:"false_alarms"`
	MinEffect   float64      `json:"min_effect"`
	Effect      float64      `json:"effect_at_least"` // share of the records since then that have moved
	Since       windows.Time `json:"since"`
	Change      string       `json:"change"`
	Panes       int          `json:"panes"`   // since then
	Records     int64        `json:"records"` // since then
	Kappa       float64      `json:"kappa"`   // records that are worth one independent one
	Unsteady    bool         `json:"unsteady,omitempty"`
	Confidence  float64      `json:"z"`                // standard errors of the reference that are allowed for
	Uncertainty float64      `json:"reference_effect"` // the reference's own error, as a share of records
}

func (m *Monitor) evidence(f int, found budget.Finding, s *featureStanding, since windows.Time) *BudgetEvidence {
	settings, uncertainty := m.weighed[f].table.Settings()
	return &BudgetEvidence{
		Recurrence: s.Recurrence, FalseAlarms: m.Budget.FalseAlarms, MinEffect: m.Budget.MinEffect, Effect: found.Effect, Since: since,
		Change: m.change(f, found), Panes: found.Panes, Records: int64(found.Records), Kappa: s.kappa, Unsteady: s.Unsteady,
		Confidence: settings.Z, Uncertainty: uncertainty,
	}
}

// budgetReport adds to a window's report what the bets said at its end.
func (e *endpoint) budgetReport(m *Monitor, r *Report) {
	b := e.bets[budgetKey{m.Name, r.Variant}]
	if b == nil || len(b.past) == 0 {
		return
	}
	at := b.past[0]
	for _, s := range b.past {
		if s.end > r.Window.End {
			break
		}
		at = s
	}
	if at.end > r.Window.End {
		return // the window had ended when the bets began
	}
	r.Unseen = b.unseen
	for f := range r.Features {
		s := at.features[f]
		r.Features[f].Budget = &s.BudgetReport
		r.Features[f].Scores[budgetRule] = Score{Score: s.score, Threshold: s.limit, Drift: s.Firing}
		r.Drift = r.Drift || s.Firing
	}
	if r.Insufficient == "samples" {
		r.Insufficient = ""
	}
	r.Warnings = m.promise(at.features)
}
