package detectors

import (
	"math"
	"sort"

	"tidemark/profile"
)

// OutOfRange is the rise of the share of numbers outside the baseline's range: max(0, o_cur - o_ref), where o is the
// present values below the baseline's smallest finite value or above its largest, over all present values. Infinite
// values are outside. Profiles count them exactly, in the first and the last bin.
//
// Range 0 to 1; larger is worse. Of a baseline itself o is 0 but for its infinite values; of another reference it is
// the share that was outside then. Undefined for categorical features and when either has no present values. A value
// drawn like m baseline rows is outside with probability 2/(m+1) when nothing changed.
//
// Source: the range check of data quality monitors (Schelter et al., "Automating Large-Scale Data Quality
// Verification", VLDB 2018), relative to the reference.
type OutOfRange struct{}

// Name is "out_of_range".
func (OutOfRange) Name() string { return "out_of_range" }

// Score is the rise of the share in the first and last bin. A column without edges has no range to leave.
func (OutOfRange) Score(reference, current *profile.Feature) (Score, bool) {
	if !reference.Numeric() || len(reference.Layout.Edges) == 0 {
		return Score{}, false
	}
	last := len(reference.Bins) - 1
	return rise(reference.Bins[0]+reference.Bins[last], reference.Present(), current.Bins[0]+current.Bins[last], current.Present())
}

// Exact is the rise of the share outside the finite values of the reference.
func (OutOfRange) Exact(reference, current *Sample) (Score, bool) {
	finite := finiteOf(reference.Numbers)
	if !reference.Numeric() || len(finite) == 0 {
		return Score{}, false
	}
	smallest, largest := finite[0], finite[len(finite)-1]
	outside := func(sorted []float64) int64 {
		below := sort.SearchFloat64s(sorted, smallest)
		above := len(sorted) - sort.Search(len(sorted), func(i int) bool { return sorted[i] > largest })
		return int64(below + above)
	}
	return rise(outside(reference.Numbers), reference.Present(), outside(current.Numbers), current.Present())
}

// finiteOf cuts the infinite values off sorted numbers.
func finiteOf(sorted []float64) []float64 {
	first := sort.Search(len(sorted), func(i int) bool { return sorted[i] >= -math.MaxFloat64 })
	last := sort.Search(len(sorted), func(i int) bool { return sorted[i] > math.MaxFloat64 })
	return sorted[first:last]
}
