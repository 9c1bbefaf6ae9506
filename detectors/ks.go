package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// KS is the Kolmogorov-Smirnov distance of a numeric feature: the largest |F_ref(x) - F_cur(x)|, where F is the share
// of present values up to x. Infinite values count as what they are, smaller or larger than all others.
//
// From profiles it is taken at the edges of the fine bins, and so at most the distance over all values. Within a bin
// that has p of the reference's rows and q of the current's, the difference F_ref - F_cur starts from D and is between
// D-q and D+p: these are the bounds. They are apart by no more than the share of one bin, about 1/240 without ties;
// a bin of one value leaves nothing open.
//
// Range 0 to 1; larger is more drift. Symmetric in reference and current. Undefined for categorical features and
// when either has no present values.
//
// Expected is sqrt(pi/2) ln 2 sqrt(1/n + 1/m), .8687 times the root, for n and m rows; with ties it is less. The
// p-value is that of the distance of nm/(n+m) values, rounded, to their own distribution, as scipy's asymptotic one;
// there is none for one row each.
//
// Source: Kolmogorov 1933, Smirnov 1939; Massey, "The Kolmogorov-Smirnov Test for Goodness of Fit", JASA 46 (1951).
type KS struct{}

// Name is "ks".
func (KS) Name() string { return "ks" }

// Score is the distance over the fine edges.
func (k KS) Score(reference, current *profile.Feature) (Score, bool) {
	s, ok := binSteps(reference, current)
	if !ok {
		return Score{}, false
	}
	return k.over(s), true
}

// Exact is the distance over all values.
func (k KS) Exact(reference, current *Sample) (Score, bool) {
	s, ok := sampleSteps(reference, current)
	if !ok {
		return Score{}, false
	}
	return k.over(s), true
}

func (KS) over(s steps) Score {
	n, m := float64(s.reference), float64(s.current)
	var r, c int64
	score, upper, open := 0.0, 0.0, false
	before, beforeCurrent := 0.0, 0.0
	for step := range s.all {
		r += step.reference
		c += step.current
		up, upCurrent := float64(r)/n, float64(c)/m
		score = max(score, math.Abs(up-upCurrent))
		if step.reference > 0 && step.current > 0 {
			// Whether a bin is spread takes longer to say than all the rest, so that only those are asked that matter.
			if most := max(up-beforeCurrent, upCurrent-before); (!open || most > upper) && s.spread(step) {
				upper, open = max(upper, most), true
			}
		}
		before, beforeCurrent = up, upCurrent
	}
	result := Score{Value: score, Expected: new(min(1, math.Sqrt(math.Pi/2)*math.Ln2*math.Sqrt(1/n+1/m)))}
	result.bracket(score, max(score, upper), open)
	if rows := math.RoundToEven(n * m / (n + m)); rows >= 1 {
		result.Tail = func() float64 { return pvalue.Kolmogorov(rows, score) }
	}
	return result
}
