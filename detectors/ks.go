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
	d := distance{n: float64(n), m: float64(m)}
	other := current.Bins[:len(reference.Bins)]
	for bin, r := range reference.Bins {
		// Whether all values in a bin are one takes longer to say than all the rest, so that only the bins that matter are asked.
		c := other[bin]
		if most, both := d.rise(r, c); both && (!d.open || most > d.upper) && !oneValue(reference, current, bin) {
			d.upper, d.open = max(d.upper, most), true
		}
	}
	return d.result(), true
}

// Exact is the distance over all values.
func (KS) Exact(reference, current *Sample) (Score, bool) {
	s, ok := sampleSteps(reference, current)
	if !ok {
		return Score{}, false
	}
	d := distance{n: float64(s.reference), m: float64(s.current)}
	for step := range s.all {
		d.rise(step.reference, step.current)
	}
	return d.result(), true
}

// distance is how far two distribution functions of n and m rows are apart at most, up to where both have risen. They are times
// nm here, so that a rise divides nothing, and is exact while nm is less than 2^53.
type distance struct {
	n, m         float64
	r, c         int64   // rows so far
	up, other    float64 // the functions
	score, upper float64
	open         bool // there is an upper bound
}

// rise takes in the next rows of both, and says, when both have some, how far apart their functions may be between them.
func (d *distance) rise(r, c int64) (most float64, both bool) {
	before, beforeOther := d.up, d.other
	d.r += r
	d.c += c
	d.up, d.other = float64(d.r)*d.m, float64(d.c)*d.n
	if apart := math.Abs(d.up - d.other); apart > d.score {
		d.score = apart
	}
	if r <= 0 || c <= 0 {
		return 0, false
	}
	return max(d.up-beforeOther, d.other-before), true
}

func (d *distance) result() Score {
	all := d.n * d.m
	score := Score{Value: d.score / all, Expected: new(min(1, math.Sqrt(math.Pi/2)*math.Ln2*math.Sqrt(1/d.n+1/d.m)))}
	score.bracket(score.Value, max(score.Value, d.upper/all), d.open)
	if rows := math.RoundToEven(all / (d.n + d.m)); rows >= 1 {
		score.Tail = func() float64 { return pvalue.Kolmogorov(rows, score.Value) }
	}
	return score
}
