package detectors

import (
	"math"

	"tidemark/profile"
)

// KS is the Kolmogorov-Smirnov distance of a numeric feature: the largest |F_ref(x) - F_cur(x)| over the fine edges
// x, where F is the share of present values below x. Taken over fixed edges it is at most the distance over all
// values, and less by no more than the share of one fine bin (1/240 of a continuous baseline).
//
// Range 0 to 1; larger is more drift. Symmetric in reference and current. Undefined for categorical features and
// when either has no present values.
//
// Source: Kolmogorov 1933, Smirnov 1939; Massey, "The Kolmogorov-Smirnov Test for Goodness of Fit", JASA 46 (1951).
type KS struct{}

// Name is "ks".
func (KS) Name() string { return "ks" }

// Score is the distance over the fine edges.
func (KS) Score(reference, current *profile.Feature) (Score, bool) {
	nr, nc := reference.Present(), current.Present()
	if !reference.Numeric() || nr <= 0 || nc <= 0 {
		return Score{}, false
	}
	var below, belowCurrent int64
	score := 0.0
	for i := range reference.Bins {
		below += reference.Bins[i]
		belowCurrent += current.Bins[i]
		score = max(score, math.Abs(share(below, nr)-share(belowCurrent, nc)))
	}
	return Score{Value: score}, true
}

// Exact is the distance over all values.
func (KS) Exact(reference, current *Sample) (Score, bool) {
	nr, nc := reference.Present(), current.Present()
	if !reference.Numeric() || nr <= 0 || nc <= 0 {
		return Score{}, false
	}
	r, c := reference.Numbers, current.Numbers
	i, j := 0, 0
	score := 0.0
	for i < len(r) && j < len(c) {
		x := min(r[i], c[j])
		for i < len(r) && r[i] == x {
			i++
		}
		for j < len(c) && c[j] == x {
			j++
		}
		score = max(score, math.Abs(share(int64(i), nr)-share(int64(j), nc)))
	}
	return Score{Value: score}, true
}
