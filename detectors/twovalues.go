package detectors

import (
	"math"
	"slices"
	"sort"

	"tidemark/profile"
)

// twoValues are the counts of a column that has at most two different values, reference and current together, as 0/1
// or yes/no: of the smaller value and of the larger (of categories, in the order of their names). With one value all
// are counted as smaller.
type twoValues struct{ small, large, currentSmall, currentLarge int64 }

// profileTwoValues are the counts from profiles, when each value can be told from others: numbers in bins of one
// value, categories with a bin or a name of their own.
func profileTwoValues(reference, current *profile.Feature) (twoValues, bool) {
	if reference.Present() <= 0 || current.Present() <= 0 {
		return twoValues{}, false
	}
	var all []counted
	layout := reference.Layout
	for i := range reference.Bins {
		if reference.Bins[i] == 0 && current.Bins[i] == 0 {
			continue
		}
		bin := counted{reference: reference.Bins[i], current: current.Bins[i]}
		switch {
		case reference.Numeric():
			if i == 0 || i == len(layout.Edges) || layout.Edges[i] != math.Nextafter(layout.Edges[i-1], math.Inf(1)) {
				return twoValues{}, false
			}
		case i < len(layout.Categories):
			bin.name = layout.Categories[i]
		case len(layout.Rare) == 1 && !layout.Open:
			bin.name = layout.Rare[0]
		default:
			return twoValues{}, false
		}
		all = append(all, bin)
	}
	if reference.NewOther > 0 || current.NewOther > 0 || len(reference.New) > 2 || len(current.New) > 2 {
		return twoValues{}, false
	}
	for name, n := range reference.New {
		all = append(all, counted{name, n, current.New[name]})
	}
	for name, n := range current.New {
		if _, both := reference.New[name]; !both {
			all = append(all, counted{name, 0, n})
		}
	}
	if !reference.Numeric() {
		slices.SortFunc(all, byName)
	}
	return two(all)
}

// sampleTwoValues are the counts from samples.
func sampleTwoValues(reference, current *Sample) (twoValues, bool) {
	if reference.Present() <= 0 || current.Present() <= 0 {
		return twoValues{}, false
	}
	if !reference.Numeric() {
		c, _ := sampleCells(reference, current)
		var all []counted
		for i := range c.reference {
			if c.reference[i] > 0 || c.current[i] > 0 {
				all = append(all, counted{reference: c.reference[i], current: c.current[i]})
			}
		}
		return two(all)
	}
	r, c := reference.Numbers, current.Numbers
	small, large := min(r[0], c[0]), max(r[len(r)-1], c[len(c)-1])
	i, ok := smaller(r, small, large)
	j, okCurrent := smaller(c, small, large)
	return twoValues{i, int64(len(r)) - i, j, int64(len(c)) - j}, ok && okCurrent
}

// smaller is how many of the sorted numbers are small, if the rest is large.
func smaller(sorted []float64, small, large float64) (int64, bool) {
	n := sort.Search(len(sorted), func(i int) bool { return sorted[i] > small })
	return int64(n), n == len(sorted) || sorted[n] == large
}

// counted are the rows of a value.
type counted struct {
	name               string
	reference, current int64
}

func byName(a, b counted) int {
	switch {
	case a.name < b.name:
		return -1
	case a.name > b.name:
		return 1
	}
	return 0
}

// two are the counts of the values in their order, if there are not more than two.
func two(all []counted) (twoValues, bool) {
	switch len(all) {
	case 1:
		return twoValues{small: all[0].reference, currentSmall: all[0].current}, true
	case 2:
		return twoValues{all[0].reference, all[1].reference, all[0].current, all[1].current}, true
	}
	return twoValues{}, false
}
