package diff

import (
	"math"
	"slices"
	"sort"

	"tidemark/detectors"
	"tidemark/profile"
)

// steps is a cumulative distribution that is known at the edges of bins: below[i] values are less than edges[i].
type steps struct {
	edges []float64
	below []int64
	total int64
}

func stepsOf(f *profile.Feature) steps {
	s := steps{edges: f.Layout.Edges}
	for _, n := range f.Bins {
		s.total += n
		s.below = append(s.below, s.total)
	}
	s.below = s.below[:len(s.edges)]
	return s
}

// share brackets the share of the values that are less than x. The two ends are equal at an edge.
func (s steps) share(x float64) (low, high float64) {
	i := sort.SearchFloat64s(s.edges, x) // the first edge that is not below x
	above := s.total
	if i < len(s.edges) {
		above = s.below[i]
	}
	under := int64(0)
	switch {
	case i < len(s.edges) && s.edges[i] == x:
		under = above
	case i > 0:
		under = s.below[i-1]
	}
	return float64(under) / float64(s.total), float64(above) / float64(s.total)
}

// ksBracket bounds the Kolmogorov-Smirnov distance of two features with different edges. At each edge of either side
// the cumulative shares are known at least up to the mass of a bin: the largest difference that is certain there is the
// lower bound. Between two such edges neither share leaves the range that its ends span: the largest difference that
// this allows is the upper bound. With 240 quantile bins on both sides they are about 1/120 apart.
func ksBracket(reference, current *profile.Feature) Score {
	r, c := stepsOf(reference), stepsOf(current)
	edges := slices.Concat(r.edges, c.edges)
	slices.Sort(edges)
	edges = slices.Compact(edges)
	lower, upper := 0.0, 0.0
	rBefore, cBefore := 0.0, 0.0 // low ends at the edge before
	for _, edge := range edges {
		rLow, rHigh := r.share(edge)
		cLow, cHigh := c.share(edge)
		lower = max(lower, rLow-cHigh, cLow-rHigh)
		upper = max(upper, rHigh-cBefore, cHigh-rBefore)
		rBefore, cBefore = rLow, cLow
	}
	upper = max(upper, 1-rBefore, 1-cBefore)
	return Score{Lower: &lower, Upper: &upper}
}

// psiBracket bounds the PSI over the reference's cells, as [detectors.PSI] defines it. The share of the current values in
// a cell is between what its edges leave at least and at most; the cell's term is convex in it and 0 where it equals
// the reference's share. The terms are bounded one by one, so the bracket may be wider than need be.
func psiBracket(reference, current *profile.Feature) Score {
	const floor = 1e-4 // as in detectors.PSI
	r, c := stepsOf(reference), stepsOf(current)
	lower, upper := 0.0, 0.0
	add := func(p, least, most float64) {
		p, least, most = max(p, floor), max(least, floor), max(most, floor)
		term := func(q float64) float64 { return (q - p) * math.Log(q/p) }
		upper += max(term(least), term(most))
		if p < least || p > most {
			lower += min(term(least), term(most))
		}
	}
	pBefore, lowBefore, highBefore := 0.0, 0.0, 0.0
	for _, cut := range detectors.Cuts(reference) {
		edge := r.edges[cut-1]
		p, _ := r.share(edge)
		low, high := c.share(edge)
		add(p-pBefore, max(0, low-highBefore), high-lowBefore)
		pBefore, lowBefore, highBefore = p, low, high
	}
	add(1-pBefore, 1-highBefore, 1-lowBefore)
	return Score{Lower: &lower, Upper: &upper}
}
