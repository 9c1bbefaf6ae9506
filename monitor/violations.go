package monitor

import (
	"fmt"
	"slices"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/detectors"
	"tidemark/profile"
)

const extraCheck = "extra_column_check"

// constrained is what came of one check of the constraints on a window.
type constrained struct {
	feature, check string
	breach
}

// constrain evaluates the monitor's constraints on a window as [CheckConstraints] does on data, with what counts tell:
//
//   - columns of which no side was captured are not checked;
//   - a column without any value is incomplete, as a key that is absent is a missing value;
//   - keys that no column is called are one violation together, of no feature;
//   - distributions are compared from DefaultMinSamples rows on.
//
// It returns every check that was made, in the order of the constraints.
func (m *Monitor) constrain(reference *compared, current *profile.Profile) []constrained {
	if m.constraints == nil || !m.constraints.Settings.Evaluate || current.Rows == 0 {
		return nil
	}
	other := reference.profile
	if reference.missing || current.Rows < DefaultMinSamples {
		other = nil
	}
	extra := constrained{check: extraCheck}
	if current.Extra > 0 {
		extra.breach = breach{fmt.Sprintf("There are extra columns in current dataset. Number of values in them: %d, in %d rows", current.Extra, current.Rows),
			float64(current.Extra) / float64(current.Rows), 0}
	}
	made := []constrained{extra}
	columns := columnsOf(baseline.StatisticsOf(current))
	for i := range m.constraints.Features {
		f := &m.constraints.Features[i]
		column := columns[f.Name]
		if column == nil || !f.Settings.Evaluate {
			continue
		}
		for _, check := range constraintChecks {
			if check.name != driftCheck || other != nil {
				made = append(made, constrained{f.Name, check.name, check.breached(f, column, other, current)})
			}
		}
	}
	return made
}

// constrained takes in what came of the constraints.
func (r *Report) constrained(made []constrained) {
	if len(made) > 0 && r.Insufficient == "samples" {
		r.Insufficient = ""
	}
	for _, c := range made {
		if c.description != "" {
			r.Violations = append(r.Violations, Violation{c.feature, c.check, c.description})
		}
	}
}

// constraintAlerts step the checks that were made and return the transitions.
func (m *Monitor) constraintAlerts(r *Report, made []constrained, reference, current *profile.Profile, ranges []Range, states map[alertKey]*alertState) (alerts []Alert) {
	for _, c := range made {
		key := alertKey{m.Name, r.Variant, r.Window.Size, c.feature, c.check}
		alerts = append(alerts, raise(states, key, c.description != "", For{1, 1}, r.Window.Start, func(transition string) Alert {
			a := m.traffic(r, c.check, ranges, transition)
			a.ID = alertID(r, c.feature, c.check, transition)
			a.Feature, a.Score, a.Threshold, a.Evidence.Violation = c.feature, c.observed, c.limit, c.description
			if c.check == driftCheck {
				a.Kind = detectors.KindDrift
			}
			if c.feature != "" {
				before, now := reference.Feature(c.feature), current.Feature(c.feature)
				a.Samples, a.Histogram = Samples{before.Captured, now.Captured}, detectors.Compare(before, now)
			}
			return a
		})...)
	}
	return alerts
}

// Constrain lets the monitor evaluate constraints on its windows. Those on labels and other columns that the baseline has
// and does not watch are passed over; one on a column that it does not have is an error.
func (m *Monitor) Constrain(c *baseline.Constraints) error {
	for _, f := range c.Features {
		if !slices.ContainsFunc(m.Baseline.Schema.Columns, func(column capture.Column) bool { return column.Name == f.Name }) {
			return fmt.Errorf("monitor %q: constraints are on %q, a column that the baseline does not have: build it from the data that the constraints are of, or leave the feature out of %s", m.Name, f.Name, m.Constraints)
		}
	}
	m.constraints = c
	return nil
}
