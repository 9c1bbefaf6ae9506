package detectors

import (
	"iter"
	"math"
	"sort"

	"tidemark/profile"
)

// steps are the distribution functions of reference and current, as one statistic of ranks after the other walks up
// them: the rows of each side, and by how many of them the two rise from the smallest values to the largest.
type steps struct {
	reference, current int64
	all                iter.Seq[step]
	one                func(bin int) bool // all values in a bin are known to be the same; nil when steps are of values
}

// step is a rise by the rows of one value, or of the values in one bin.
type step struct {
	reference, current int64
	bin                int
}

// spread says whether several values may be among those of a step: their order is not known.
func (s *steps) spread(step step) bool {
	return s.one != nil && step.reference+step.current > 1 && !s.one(step.bin)
}

// sampleSteps are those of every value. They are undefined for categories and when either has no values.
func sampleSteps(reference, current *Sample) (steps, bool) {
	r, c := reference.Numbers, current.Numbers
	if !reference.Numeric() || len(r) == 0 || len(c) == 0 {
		return steps{}, false
	}
	return steps{reference: int64(len(r)), current: int64(len(c)), all: func(yield func(step) bool) {
		i, j := 0, 0
		for i < len(r) || j < len(c) {
			x := math.Inf(1)
			if i < len(r) {
				x = r[i]
			}
			if j < len(c) {
				x = min(x, c[j])
			}
			var s step
			for ; i < len(r) && r[i] == x; i++ {
				s.reference++
			}
			for ; j < len(c) && c[j] == x; j++ {
				s.current++
			}
			if !yield(s) {
				return
			}
		}
	}}, true
}

// binSteps are those of every bin that is not empty. They are undefined for categories and when either has no values.
func binSteps(reference, current *profile.Feature) (steps, bool) {
	s := steps{
		reference: sum(reference.Bins), current: sum(current.Bins),
		one: func(bin int) bool { return oneValue(reference, current, bin) },
	}
	if !reference.Numeric() || s.reference <= 0 || s.current <= 0 {
		return steps{}, false
	}
	s.all = func(yield func(step) bool) {
		for bin, r := range reference.Bins {
			c := current.Bins[bin]
			if r+c == 0 {
				continue
			}
			if !yield(step{r, c, bin}) {
				return
			}
		}
	}
	return s, true
}

// oneValue says whether all values in a bin are known to be the same.
func oneValue(reference, current *profile.Feature, bin int) bool {
	low, high := math.Inf(1), math.Inf(-1)
	for _, f := range [...]*profile.Feature{reference, current} {
		if f.Bins[bin] > 0 {
			l, h := span(f, bin)
			low, high = min(low, l), max(high, h)
		}
	}
	return low == high
}

// span is where the values in a bin are at least and at most: its edges, or the feature's range if that is narrower.
// Infinite values are in the outer bins.
func span(f *profile.Feature, bin int) (low, high float64) {
	edges := f.Layout.Edges
	first, last := bin == 0, bin == len(edges)
	low, high = math.Inf(-1), math.Inf(1)
	if !first {
		low = edges[bin-1]
	}
	if !last {
		high = math.Nextafter(edges[bin], math.Inf(-1))
	}
	switch m := &f.Moments; {
	case m.Count == 0 && f.Inf == 0: // The range is not known.
	case f.Inf == 0:
		low, high = max(low, m.Min), min(high, m.Max)
	case first && !last && (m.Count == 0 || m.Min > high):
		high = low // nothing but -Inf
	case last && !first && (m.Count == 0 || m.Max < low):
		low = high
	default:
		if !first {
			low = max(low, m.Min)
		}
		if !last {
			high = min(high, m.Max)
		}
	}
	return low, high
}

// bracket sets the bounds, each a little further out than their rounding errors, if there was anything that the order
// within bins leaves open.
func (s *Score) bracket(lower, upper float64, open bool) {
	if !open {
		return
	}
	slack := 1e-12 * max(math.Abs(lower), math.Abs(upper))
	if !isFinite(slack) {
		slack = 1e-12 * math.Abs(lower)
	}
	if isFinite(lower) {
		s.Lower = new(min(lower-slack, s.Value))
	}
	if isFinite(upper) {
		s.Upper = new(max(upper+slack, s.Value))
	}
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// infinite is the number of infinite values of sorted numbers.
func infinite(sorted []float64) int {
	first := sort.Search(len(sorted), func(i int) bool { return sorted[i] >= -math.MaxFloat64 })
	last := sort.Search(len(sorted), func(i int) bool { return sorted[i] > math.MaxFloat64 })
	return first + len(sorted) - last
}
