package monitor

import (
	"tidemark/profile"
)

// Columns are the quality rules on the columns of a window as a whole.
//
// missing_columns is the number of columns that the baseline has values of and that no row of the window has one of,
// among those captured in at least min_samples rows.
//
// extra_columns is the number of JSON keys for which the baseline has no column, over the rows of the window: 1 when
// every row has one such key. Rows of CSV have none; one with another number of cells is a dead letter.
var Columns = []string{missingColumns, extraColumns}

const (
	missingColumns = "missing_columns"
	extraColumns   = "extra_columns"
)

// columnScores are the scores of the rules on all columns together, or nil without such rules.
func (m *Monitor) columnScores(current *profile.Profile) map[string]Score {
	var scores map[string]Score
	for i := range m.columns {
		rule := &m.columns[i]
		score := Score{Threshold: rule.Threshold, Insufficient: current.Rows < rule.MinSamples}
		if rule.Method == missingColumns {
			score.Score = float64(len(m.missing(rule, current)))
		} else if current.Rows > 0 {
			score.Score = float64(current.Extra) / float64(current.Rows)
		}
		score.Drift = score.Score > score.Threshold && !score.Insufficient
		if scores == nil {
			scores = map[string]Score{}
		}
		scores[rule.Method] = score
	}
	return scores
}

// missing returns the names of the missing columns.
func (m *Monitor) missing(rule *rule, current *profile.Profile) []string {
	var names []string
	for i := range current.Features {
		reference, f := &m.Baseline.Profile.Features[i], &current.Features[i]
		if reference.Captured > reference.Missing && f.Captured >= max(1, rule.MinSamples) && f.Captured == f.Missing {
			names = append(names, f.Layout.Name)
		}
	}
	return names
}

// columnAlert is the alert of a rule on all columns. Missing ones are its features.
func (m *Monitor) columnAlert(r *Report, rule *rule, current *profile.Profile, ranges []Range, transition string) Alert {
	a := m.traffic(r, rule.Method, ranges, transition)
	a.Score, a.Threshold = r.Scores[rule.Method].Score, rule.Threshold
	if rule.Method == missingColumns {
		for _, name := range m.missing(rule, current) {
			a.Top = append(a.Top, TopFeature{name, rule.Method, 1})
		}
		a.Top = a.Top[:min(len(a.Top), topFeatures)]
	}
	return a
}
