package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// CramerVonMises is the two-sample Cramér-von Mises statistic T: nm/N^2 times the sum over all N = n+m values of
// (F_ref - F_cur)^2. Ties are counted by mid-ranks, as in U/(nmN) - (4nm-1)/(6N), where U is n times the sum over the
// reference's values of (rank among all - rank in the reference)^2, and likewise with m for the current ones; so a
// column of few values has a larger T. Infinite values count as what they are.
//
// From profiles the values in a bin are taken to lie evenly spread, in step with each other. The bounds are those of
// every order of them, ties included; they are wide where F_ref - F_cur is not much more than the share of a bin.
//
// Range 0 to about nm/(3N): it grows with the number of rows. Symmetric in reference and current. Undefined for
// categorical features and when either has fewer than two present values.
//
// Expected is (1 + 1/N)/6, of a column without ties. The p-value is that of the limit for large samples, for T with
// its mean and variance adjusted to theirs, as scipy's asymptotic one.
//
// Source: Anderson, "On the distribution of the two-sample Cramér-von Mises criterion", Annals of Mathematical
// Statistics 33 (1962); Conover, Practical Nonparametric Statistics, 1999.
type CramerVonMises struct{}

// Name is "cramer_von_mises".
func (CramerVonMises) Name() string { return "cramer_von_mises" }

// Score is T with values evenly spread over their bins.
func (v CramerVonMises) Score(reference, current *profile.Feature) (Score, bool) {
	s, ok := binSteps(reference, current)
	if !ok || s.reference < 2 || s.current < 2 {
		return Score{}, false
	}
	return v.over(s), true
}

// Exact is T over all values.
func (v CramerVonMises) Exact(reference, current *Sample) (Score, bool) {
	s, ok := sampleSteps(reference, current)
	if !ok || s.reference < 2 || s.current < 2 {
		return Score{}, false
	}
	return v.over(s), true
}

// over uses that T = nm/N times the integral of (F_ref - F_cur)^2 dH along the staircase of the two distribution
// functions, H being that of all values, + 1/(6N) and corrections for ties; so it does not cancel for many rows.
func (CramerVonMises) over(s steps) Score {
	n, m := float64(s.reference), float64(s.current)
	rows := n + m
	value, lower, upper, open := 1/(6*rows), 1/(6*rows), 1/(6*rows), false
	for step, p := range s.paths {
		tie := p.p * p.q * (p.p + p.q) / 12 // by how much less values that are equal have than a slope
		r, c := float64(step.reference), float64(step.current)
		ties := (r*(r-1)*(r+1)/m + c*(c-1)*(c+1)/n) / (12 * rows)
		if !s.spread(step) {
			figure := n*m/rows*(p.slope()-tie) + ties
			value += figure
			lower += figure
			upper += figure
			continue
		}
		open = true
		least, most := p.bounds()
		value += n * m / rows * p.slope()
		lower += n * m / rows * (least - tie)
		upper += n*m/rows*most + ties
	}
	value = max(value, 0)
	result := Score{Value: value, Expected: new((1 + 1/rows) / 6)}
	result.bracket(max(lower, 0), upper, open)
	variance := (rows + 1) / (rows * rows) * (4*n*m*rows - 3*(n*n+m*m) - 2*n*m) / (4 * n * m) // 45 times that of T
	result.Tail = func() float64 {
		return pvalue.CramerVonMises(1./6 + (value-(1+1/rows)/6)/math.Sqrt(variance))
	}
	return result
}
