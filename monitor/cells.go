package monitor

import (
	"cmp"
	"slices"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/detectors/budget"
	"tidemark/profile"
)

const (
	// valueRanges is how many ranges of about equal share in the baseline the bets of a number are on.
	valueRanges = 30
	// Categories have a cell of their own from so many rows on, or so small a share, as long as there are not too many.
	leastCategoryRows  = 20
	leastCategoryShare = 0.001
	mostCategories     = 62
)

// The cells behind those of a feature's values.
const (
	cellMissing = iota
	cellInvalid
	cellNew // of categories
)

// weighed is how a feature's records are cut for the bets of the alarm budget, and the bets against the whole baseline.
type weighed struct {
	cells []int // by bin
	bins  [][]int
	table *budget.Table
	rare  float64 // categories that the baseline has seen once: what unseen ones are estimated from
}

// newWeighed cuts a feature of the baseline.
func newWeighed(f *profile.Feature, c baseline.Calibration, minEffect float64) *weighed {
	w := &weighed{rare: float64(c.Singles)}
	counts, special := f.Bins, 2
	if f.Numeric() {
		w.cutNumbers(f)
	} else {
		special = 3
		// Categories that were chosen for being frequent in the rows that count them are overestimated, and the rest is
		// underestimated, so the choice is made on every other row, and the others are counted.
		if c.Odd != nil && len(f.Bins) > 1 {
			w.cutCategories(c.Odd)
			if w.cut(f) {
				counts = make([]int64, len(f.Bins))
				for i, n := range f.Bins {
					counts[i] = n - c.Odd[i]
				}
			} else {
				w.cutCategories(f.Bins)
			}
		} else {
			w.cutCategories(f.Bins)
		}
	}
	total, taken := int64(0), int64(0)
	for i, n := range f.Bins {
		total, taken = total+n, taken+counts[i]
	}
	part := 1.0
	if total > 0 {
		part = float64(taken) / float64(total)
	}
	values := make([]float64, len(w.bins)+special)
	w.countReference(f, counts, part, values)
	w.table = budget.NewTable(budget.NewCells(f.Numeric(), special, values), values, settingsOf(values, minEffect, c.Dependence()))
	return w
}

func settingsOf(counts []float64, minEffect, dependence float64) budget.Settings {
	rows := 0.0
	for _, n := range counts {
		rows += n
	}
	return budget.Settings{MinEffect: minEffect, Z: budget.Confidence(rows, dependence), Dependence: dependence}
}

// cutNumbers joins fine bins to ranges of about equal share. A bin with the share of a whole range, such as a frequent value, is a
// range of its own.
func (w *weighed) cutNumbers(f *profile.Feature) {
	total := int64(0)
	for _, n := range f.Bins {
		total += n
	}
	below, inside, last, lone := int64(0), int64(0), -1, false
	for bin, n := range f.Bins {
		place := -1
		if n > 0 {
			place = int(valueRanges * (2*below + n) / (2*total + 1))
		}
		below += n
		own := n*valueRanges >= total
		if w.bins == nil || n > 0 && inside > 0 && (place != last || own || lone) { // an empty bin goes to the range before it
			w.bins, inside = append(w.bins, nil), 0
		}
		if n > 0 {
			inside, last, lone = inside+n, place, own
		}
		w.add(bin)
	}
}

// cutCategories gives the frequent categories cells of their own, the most frequent first; the last cell is for all others.
func (w *weighed) cutCategories(counts []int64) {
	w.bins, w.cells = nil, make([]int, len(counts))
	total := int64(0)
	order := make([]int, len(counts)-1) // the last bin is that of other categories
	for i := range order {
		order[i] = i
		total += counts[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(counts[b], counts[a]) })
	var rest []int
	for i, bin := range order {
		if i < mostCategories && float64(counts[bin]) >= max(leastCategoryRows, leastCategoryShare*float64(total)) {
			w.bins = append(w.bins, []int{bin})
		} else {
			rest = append(rest, bin)
		}
	}
	w.bins = append(w.bins, append(rest, len(counts)-1))
	for cell, bins := range w.bins {
		for _, bin := range bins {
			w.cells[bin] = cell
		}
	}
}

// cut says whether some categories have no cell of their own.
func (w *weighed) cut(f *profile.Feature) bool {
	rest := w.bins[len(w.bins)-1]
	return len(rest) > 1 || f.Bins[rest[0]] > 0
}

func (w *weighed) add(bin int) {
	cell := len(w.bins) - 1
	w.bins[cell] = append(w.bins[cell], bin)
	w.cells = append(w.cells, cell)
}

// count sets the records of a feature by cell.
func (w *weighed) count(f *profile.Feature, into []float64) {
	clear(into)
	for bin, n := range f.Bins {
		if n > 0 {
			into[w.cells[bin]] += float64(n)
		}
	}
	special := into[len(w.bins):]
	special[cellMissing], special[cellInvalid] = float64(f.Missing), float64(f.Invalid+f.NaN)
	if f.Layout.Kind == capture.Categorical {
		special[cellNew] = float64(f.NewRows())
	}
}

// countReference sets the records of a reference by cell. The share of categories that it never saw is estimated by that of those
// which it saw once (Good 1953), which are taken from the others.
func (w *weighed) countReference(f *profile.Feature, counts []int64, part float64, into []float64) {
	counted := *f
	counted.Bins = counts
	w.count(&counted, into)
	special := into[len(w.bins):]
	for i := range special {
		special[i] *= part
	}
	if f.Layout.Kind == capture.Categorical && !f.Layout.Open {
		other := &into[len(w.bins)-1]
		once := min(w.rare*part, *other)
		*other -= once
		special[cellNew] += once
	}
}

// against makes the bets against another reference than the whole baseline.
func (w *weighed) against(f *profile.Feature, whole *profile.Feature, minEffect, dependence float64) *budget.Table {
	counts := make([]float64, len(w.bins)+2)
	if f.Layout.Kind == capture.Categorical {
		counts = append(counts, 0)
	}
	part := 0.0
	if whole.Captured > 0 {
		part = min(float64(f.Captured)/float64(whole.Captured), 1)
	}
	own := *w
	own.rare *= part
	own.countReference(f, f.Bins, 1, counts)
	return w.table.Against(counts, settingsOf(counts, minEffect, dependence))
}
