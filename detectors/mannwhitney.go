package detectors

import (
	"math"

	"tidemark/profile"
)

// MannWhitney is the U statistic of the reference: the number of pairs of a reference and a current value of which the
// reference's is the larger, equal ones counted half. Infinite values count as what they are.
//
// From profiles the values in a bin are taken to be equal; if they are not, each of its pairs may be wrong by a half:
// these are the bounds.
//
// Range 0 (all current values are larger) to nm for n and m rows, nm/2 being no drift: it grows with the number of
// rows, and U/nm is the probability of superiority. With reference and current exchanged it is nm - U. Undefined for
// categorical features and when either has no present values.
//
// Expected is nm/2. The p-value is two-sided: U is about normal, with its variance corrected for ties and its distance
// to nm/2 less by a half for continuity.
//
// Source: Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the other",
// Annals of Mathematical Statistics 18 (1947); ties: Lehmann, Nonparametrics, 1975, chapter 1.
type MannWhitney struct{}

// Name is "mann_whitney".
func (MannWhitney) Name() string { return "mann_whitney" }

// Score is U with equal values within bins.
func (w MannWhitney) Score(reference, current *profile.Feature) (Score, bool) {
	s, ok := binSteps(reference, current)
	if !ok {
		return Score{}, false
	}
	return w.over(s), true
}

// Exact is U over all values.
func (w MannWhitney) Exact(reference, current *Sample) (Score, bool) {
	s, ok := sampleSteps(reference, current)
	if !ok {
		return Score{}, false
	}
	return w.over(s), true
}

func (MannWhitney) over(s steps) Score {
	var u, slack, ties, below float64
	for step := range s.all {
		r, c := float64(step.reference), float64(step.current)
		u += r * (below + c/2)
		if s.spread(step) {
			slack += r * c / 2
		}
		below += c
		ties += (r + c) * (r + c - 1) * (r + c + 1)
	}
	n, m := float64(s.reference), float64(s.current)
	mean, rows := n*m/2, n+m
	result := Score{Value: u, Expected: new(mean), Tail: certain}
	result.bracket(max(0, u-slack), min(u+slack, n*m), slack > 0)
	// The variance is nm/12 (N+1) times spare, which is 0 when all values are equal and else at least 3/(N+1).
	if spare := 1 - ties/((rows-1)*rows*(rows+1)); spare*(rows+1) > 1 {
		z := max(0, math.Abs(u-mean)-0.5) / math.Sqrt(n*m/12*(rows+1)*spare)
		result.Tail = func() float64 { return math.Erfc(z / math.Sqrt2) }
	}
	return result
}
