package detectors

import (
	"maps"
	"math"
	"slices"
	"sort"

	"tidemark/profile"
)

// deciles is the number of cells that a numeric column is compared over.
const deciles = 10

// byValue says whether a numeric feature is compared by its fine bins instead of deciles: when the reference fills
// at most ten of them, they are the values of a column such as 0/1, which deciles would lump together. A column of more
// values than that has more edges, also when the reference is a part of the baseline that has only a few of them.
func byValue(reference *profile.Feature) bool {
	if len(reference.Layout.Edges) > 3*deciles {
		return false
	}
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

// pool sums the fine bins of both between cuts.
func pool(reference, current []int64, cuts []int) (r, c []int64) {
	n := len(cuts) + 1
	counts := make([]int64, 2*n)
	r, c = counts[:n:n], counts[n:]
	from := 0
	for i := range n {
		to := len(reference)
		if i < len(cuts) {
			to = cuts[i]
		}
		for bin := from; bin < to; bin++ {
			r[i] += reference[bin]
			c[i] += current[bin]
		}
		from = to
	}
	return r, c
}

// cells are the counts of reference and current over the same cells. They add up to the present values.
type cells struct {
	reference, current []int64
	joined             []joined // the cells that may hold several categories
}

// joined is a cell that holds the rows of several categories, which are cells of their own in samples.
type joined struct {
	cell       int
	categories int64 // at most
}

// profileCells are the cells that two profiles are compared over: of a numeric feature its ten decile cells, under-
// and overflow joined to the outer ones, or by value its fine bins; of a categorical feature its categories, the
// other ones, and all new ones together. They are undefined when reference or current have no present values.
func profileCells(reference, current *profile.Feature) (cells, bool) {
	if reference.Present() <= 0 || current.Present() <= 0 {
		return cells{}, false
	}
	r, c := featureCells(reference, current)
	compared := cells{reference: r, current: c}
	if !reference.Numeric() {
		compared.joined = joinedCells(reference, current, r, c)
	}
	return compared, true
}

// decileCells are the cells of a numeric feature, never by value.
func decileCells(reference, current *profile.Feature) cells {
	r, c := pool(reference.Bins, current.Bins, reference.Layout.Cells(deciles))
	return cells{reference: r, current: c}
}

// joinedCells says which of the last two cells of a categorical feature, the other and the new categories, may hold
// several.
func joinedCells(reference, current *profile.Feature, r, c []int64) []joined {
	var found []joined
	other := len(r) - 2
	categories := r[other] + c[other] // no more than there are rows
	if !reference.Layout.Open {
		categories = min(categories, int64(len(reference.Layout.Rare)))
	}
	if categories > 1 {
		found = append(found, joined{other, categories})
	}
	categories = reference.NewOther + current.NewOther + int64(len(reference.New))
	for name := range current.New {
		if _, both := reference.New[name]; !both {
			categories++
		}
	}
	if categories > 1 {
		found = append(found, joined{other + 1, categories})
	}
	return found
}

// featureCells are the counts of profileCells, also without present values.
func featureCells(reference, current *profile.Feature) (r, c []int64) {
	if reference.Numeric() {
		return pool(reference.Bins, current.Bins, cuts(reference))
	}
	return append(slices.Clone(reference.Bins), reference.NewRows()), append(slices.Clone(current.Bins), current.NewRows())
}

// sampleCells are the cells that two samples are compared over: the reference's deciles, equal ones merged, where a
// value that is equal to a decile is above it; or every category by name, sorted.
func sampleCells(reference, current *Sample) (cells, bool) {
	if reference.Present() <= 0 || current.Present() <= 0 {
		return cells{}, false
	}
	if reference.Numeric() {
		edges := decileEdges(reference.Numbers)
		return cells{reference: countBetween(reference.Numbers, edges), current: countBetween(current.Numbers, edges)}, true
	}
	names := slices.Collect(maps.Keys(reference.Categories))
	for name := range current.Categories {
		if reference.Categories[name] == 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	c := cells{reference: make([]int64, len(names)), current: make([]int64, len(names))}
	for i, name := range names {
		c.reference[i], c.current[i] = reference.Categories[name], current.Categories[name]
	}
	return c, true
}

// decileEdges returns the different deciles of sorted numbers: values at the places (n-1)k/10, counted from 0, by linear
// interpolation (definition 7 of Hyndman and Fan 1996). Infinite values are left out. They are rounded as in
// numpy.quantile(x, numpy.linspace(0, 1, 11)), so that counts are the same to the row: where a place is a whole number
// its value may be a rounding error below the decile, and count below it.
func decileEdges(sorted []float64) []float64 {
	first := sort.Search(len(sorted), func(i int) bool { return sorted[i] >= -math.MaxFloat64 })
	last := sort.Search(len(sorted), func(i int) bool { return sorted[i] > math.MaxFloat64 })
	finite := sorted[first:last]
	if len(finite) == 0 {
		return nil
	}
	var edges []float64
	for k := 1; k < deciles; k++ {
		place := float64(len(finite)-1) * float64(float64(k)*0.1)
		i := int(place)
		edges = append(edges, between(finite[i], finite[min(i+1, len(finite)-1)], place-float64(i)))
	}
	return slices.Compact(edges)
}

// between is the value at t of the way from a to b. The conversions forbid fused multiply-add, so that it is the same
// on all machines.
func between(a, b, t float64) float64 {
	var x float64
	switch d := b - a; {
	case math.IsInf(d, 0):
		x = float64(a*(1-t)) + float64(b*t)
	case t < 0.5:
		x = a + float64(d*t)
	default:
		x = b - float64(d*(1-t))
	}
	return min(max(x, a), b)
}

// countBetween counts sorted numbers below the first edge, from each edge on to the next, and from the last on.
func countBetween(sorted, edges []float64) []int64 {
	counts := make([]int64, 0, len(edges)+1)
	from := 0
	for _, edge := range edges {
		to := from + sort.SearchFloat64s(sorted[from:], edge)
		counts = append(counts, int64(to-from))
		from = to
	}
	return append(counts, int64(len(sorted)-from))
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

// rise is by how much the share of n in total is above the reference's, and undefined when one of them is of nothing.
func rise(n, total, currentN, currentTotal int64) (Score, bool) {
	if total <= 0 || currentTotal <= 0 {
		return Score{}, false
	}
	return Score{Value: max(0, share(currentN, currentTotal)-share(n, total))}, true
}
