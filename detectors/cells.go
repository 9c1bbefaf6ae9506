package detectors

import (
	"slices"

	"tidemark/profile"
)

// deciles is the number of cells that a numeric column is compared over.
const deciles = 10

// byValue says whether a numeric feature is compared by its fine bins instead of deciles: when the reference fills
// at most ten of them, they are the values of a column such as 0/1, which deciles would lump together.
func byValue(reference *profile.Feature) bool {
	filled := 0
	for _, n := range reference.Bins {
		if n > 0 {
			filled++
		}
	}
	return filled <= deciles
}

// cuts returns the first fine bin of each cell of a numeric feature but the first.
func cuts(reference *profile.Feature) []int {
	if !byValue(reference) {
		return reference.Layout.Cells(deciles)
	}
	all := make([]int, len(reference.Bins)-1)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// pool sums the fine bins between cuts.
func pool(bins []int64, cuts []int) []int64 {
	counts := make([]int64, 0, len(cuts)+1)
	from := 0
	for _, to := range cuts {
		counts = append(counts, sum(bins[from:to]))
		from = to
	}
	return append(counts, sum(bins[from:]))
}

// cells returns the counts of reference and current over the cells of [PSI], which add up to the present values.
func cells(reference, current *profile.Feature) (r, c []int64) {
	if reference.Numeric() {
		cuts := cuts(reference)
		return pool(reference.Bins, cuts), pool(current.Bins, cuts)
	}
	r = append(slices.Clone(reference.Bins), reference.NewRows())
	c = append(slices.Clone(current.Bins), current.NewRows())
	return r, c
}

func sum(counts []int64) int64 {
	var n int64
	for _, count := range counts {
		n += count
	}
	return n
}

// share is n of total, or 0 of nothing.
func share(n, total int64) float64 {
	if total <= 0 {
		return 0
	}
	return float64(n) / float64(total)
}
