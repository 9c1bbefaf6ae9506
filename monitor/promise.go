package monitor

import (
	"fmt"
	"math"
	"strings"

	"tidemark/baseline"
	"tidemark/detectors/budget"
	"tidemark/profile"
)

// promise says in words for which features the budget's promise does not hold: their traffic varies the more, the longer one looks.
func (m *Monitor) promise(features []featureStanding) []string {
	var unsteady []string
	for f := range features {
		if features[f].Unsteady {
			unsteady = append(unsteady, m.Layout().Features[f].Name)
		}
	}
	if len(unsteady) == 0 {
		return nil
	}
	return []string{unsteadyWords(unsteady, "traffic or the baseline")}
}

func unsteadyWords(names []string, where string) string {
	return fmt.Sprintf("the promise of the alarm budget does not hold for %s: in the %s it varies the more, the longer one looks, as with the hour of the day; "+
		"build the baseline with --seasonal, or take a larger min_effect", enumerate(names), where)
}

// BaselineWarnings says in words where a budget cannot keep its promise with a baseline, or not tell changes that matter from the
// baseline's own error.
func BaselineWarnings(b *baseline.Baseline, minEffect float64) []string {
	var warnings, growing, dependent []string
	ordered, blind := false, ""
	for f := range b.Profile.Features {
		c, feature := b.Calibration(f), &b.Profile.Features[f]
		ordered = ordered || c.Kappa != nil
		if c.Growing() {
			growing = append(growing, feature.Layout.Name)
		} else if c.Dependence() > 1 {
			dependent = append(dependent, fmt.Sprintf("%s %.3g", feature.Layout.Name, c.Dependence()))
		}
		_, uncertainty := newWeighed(feature, c, minEffect).table.Settings()
		if uncertainty > minEffect && blind == "" {
			blind = fmt.Sprintf("changes of %s by less than %.2g of the records cannot be told from the error of the baseline, whose %d rows are worth %.0f independent ones: build it from more",
				feature.Layout.Name, minEffect+uncertainty, b.Profile.Rows, float64(b.Profile.Rows)/c.Dependence())
		}
	}
	if !ordered {
		warnings = append(warnings, "it is not known whether rows that follow each other are alike (kappa), which the alarm budget's promise depends on: build the baseline from at "+
			"least 600 rows in the order of time, and name their time with --time; until then it is measured on the traffic")
	}
	if len(growing) > 0 {
		warnings = append(warnings, unsteadyWords(growing, "baseline"))
	}
	if len(dependent) > 0 {
		warnings = append(warnings, fmt.Sprintf("rows that follow each other are alike: so many are worth one independent row (kappa), and drift takes as much longer to find: %s", enumerate(dependent)))
	}
	if blind != "" {
		warnings = append(warnings, blind)
	}
	return warnings
}

func enumerate(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// change says what a finding is in a few words, such as "higher", "more missing values", "fewer values from 3 to 4".
func (m *Monitor) change(f int, found budget.Finding) string {
	w, feature := m.weighed[f], &m.Baseline.Profile.Features[f]
	more := "more"
	if found.Down {
		more = "fewer"
	}
	switch found.Kind {
	case budget.Higher:
		return "higher"
	case budget.Lower:
		return "lower"
	case budget.Wider:
		return "wider"
	case budget.Narrower:
		return "narrower"
	case budget.Evener:
		return "more evenly distributed"
	case budget.Steeper:
		return "less evenly distributed"
	case budget.Special:
		return more + [...]string{" missing", " invalid", " new"}[w.table.Special(found.Group)] + " values"
	case budget.Share:
		return more + " " + w.words(feature, found.Group)
	}
	return "another shape"
}

// words names a group of a feature's values.
func (w *weighed) words(f *profile.Feature, group int) string {
	from, to := w.table.Group(group)
	bins := w.bins[from]
	first, last := bins[0], w.bins[to-1][len(w.bins[to-1])-1]
	if !f.Numeric() {
		if first >= len(f.Layout.Categories) || len(bins) > 1 {
			return "other values"
		}
		return fmt.Sprintf("%q", f.Layout.Categories[first])
	}
	edges := f.Layout.Edges
	switch {
	case len(edges) == 0:
		return "values"
	case first == 0 && last > 0 && last < len(edges) && edges[last] == math.Nextafter(edges[last-1], math.Inf(1)):
		return fmt.Sprintf("values up to %.4g", edges[last-1])
	case first == 0:
		return fmt.Sprintf("values below %.4g", edges[min(last, len(edges)-1)])
	case last >= len(edges):
		return fmt.Sprintf("values from %.4g on", edges[first-1])
	case edges[last] == math.Nextafter(edges[first-1], math.Inf(1)):
		return fmt.Sprintf("values of %.4g", edges[first-1])
	}
	return fmt.Sprintf("values from %.4g to %.4g", edges[first-1], edges[last])
}
