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
func (KS) Score(reference, current *profile.Feature) (Score, bool) {
	n, m := sum(reference.Bins), sum(current.Bins)
	if !reference.Numeric() || n <= 0 || m <= 0 {
		return Score{}, false
	}
	// The functions are taken nm times, so that no bin divides anything; that is exact while nm is less than 2^53.
	var rows, rowsCurrent int64
	var before, beforeCurrent, apart, upper float64 // there is no upper bound while it is 0: between two rises it is more
	bins := current.Bins[:len(reference.Bins)]
	for bin, r := range reference.Bins {
		c := bins[bin]
		rows, rowsCurrent = rows+r, rowsCurrent+c
		up, upCurrent := float64(rows)*float64(m), float64(rowsCurrent)*float64(n)
		if d := math.Abs(up - upCurrent); d > apart {
			apart = d
		}
		// Whether both rise, and whether all values in a bin are one, takes longer to say than all the rest, so that only the bins
		// that matter are asked.
		above, below := up-beforeCurrent, upCurrent-before
		if (above > upper || below > upper) && r > 0 && c > 0 && !oneValue(reference, current, bin) {
			upper = max(above, below)
		}
		before, beforeCurrent = up, upCurrent
	}
	return distance(n, m, apart, upper), true
}

// Exact is the distance over all values.
func (KS) Exact(reference, current *Sample) (Score, bool) {
	s, ok := sampleSteps(reference, current)
	if !ok {
		return Score{}, false
	}
	var rows, rowsCurrent int64
	apart := 0.0
	for step := range s.all {
		rows, rowsCurrent = rows+step.reference, rowsCurrent+step.current
		apart = max(apart, math.Abs(float64(rows)*float64(s.current)-float64(rowsCurrent)*float64(s.reference)))
	}
	return distance(s.reference, s.current, apart, 0), true
}

// distance is the score of two distribution functions, of n and m rows, that are apart by so much, and by upper at most, both
// times nm.
func distance(n, m int64, apart, upper float64) Score {
	x, y := float64(n), float64(m)
	all := x * y
	score := Score{Value: apart / all, Expected: new(min(1, math.Sqrt(math.Pi/2)*math.Ln2*math.Sqrt(1/x+1/y)))}
	score.bracket(score.Value, max(score.Value, upper/all), upper > 0)
	if rows := math.RoundToEven(all / (x + y)); rows >= 1 {
		score.Tail = func() float64 { return pvalue.Kolmogorov(rows, score.Value) }
	}
	return score
}
