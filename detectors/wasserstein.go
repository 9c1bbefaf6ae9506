package detectors

import (
	"iter"
	"math"

	"tidemark/profile"
)

// Wasserstein is the Wasserstein-1 or earth mover's distance of a numeric feature: the integral of |F_ref(x) -
// F_cur(x)| over x, how far a row has to be moved on average to make reference and current equal.
//
// From profiles it is the sum over the fine bins of |integral of F_ref - F_cur over the bin|, which follows from the
// counts and from how far the bin's values are from its edge, all added up. That is the distance itself unless F_ref -
// F_cur changes its sign within a bin, and then it is a lower bound, but for the tolerance of those sums. The upper
// bound takes F_ref - F_cur to be at its ends in each bin, where its integral leaves a choice.
//
// Range 0 up, in the unit of the feature; larger is more drift. Symmetric in reference and current. Undefined for
// categorical features, when either has no present values or infinite ones, and beyond the range of floats.
//
// Expected is sqrt(2/pi) sqrt(1/n + 1/m) times the integral of sqrt(F (1-F)), F being the reference's.
//
// Source: Vallender, "Calculation of the Wasserstein distance between probability distributions on the line", Theory
// of Probability and its Applications 18 (1974); its mean without drift: del Barrio, Giné and Matrán, "Central limit
// theorems for the Wasserstein distance", Annals of Probability 27 (1999).
type Wasserstein struct{}

// Name is "wasserstein".
func (Wasserstein) Name() string { return "wasserstein" }

// Score is the distance by the sums of the bins.
func (w Wasserstein) Score(reference, current *profile.Feature) (Score, bool) {
	gaps, ok := binGaps(reference, current)
	if !ok {
		return Score{}, false
	}
	return w.over(gaps, binCurve(reference), float64(reference.Moments.Count), float64(current.Moments.Count), true)
}

// Exact is the distance of all values.
func (w Wasserstein) Exact(reference, current *Sample) (Score, bool) {
	gaps, ok := sampleGaps(reference, current)
	if !ok {
		return Score{}, false
	}
	return w.over(gaps, sampleCurve(reference), float64(len(reference.Numbers)), float64(len(current.Numbers)), false)
}

func (Wasserstein) over(gaps iter.Seq[gap], curves iter.Seq[curve], n, m float64, binned bool) (Score, bool) {
	var value, lower, upper, deviation profile.Sum
	for g := range gaps {
		least := math.Abs(g.integral)
		value.Add(least)
		if !binned {
			continue
		}
		most := least
		if g.low < 0 && g.high > 0 {
			// |D| is below its chord from low to high.
			most = max(least, ((g.high+g.low)*g.integral-2*g.low*g.high*g.width)/(g.high-g.low))
		}
		lower.Add(max(0, least-g.tolerance))
		upper.Add(most + g.tolerance)
	}
	for c := range curves {
		deviation.Add(c.width * c.deviation())
	}
	result := Score{Value: value.Value()}
	if !isFinite(result.Value) {
		return Score{}, false
	}
	result.bracket(lower.Value(), upper.Value(), binned)
	if expected := math.Sqrt(2/math.Pi*(1/n+1/m)) * deviation.Value(); isFinite(expected) {
		result.Expected = new(expected)
	}
	return result, true
}

// deviation is the mean of sqrt(F(1-F)) over a stretch. In a tail F is taken to be a power of the distance with the
// mean that it has there, so that a few values far out do not count as a broad tail.
func (c curve) deviation() float64 {
	root := func(f float64) float64 { return math.Sqrt(max(0, f*(1-f))) }
	if height, mean, ok := c.tail(); ok {
		return 2 * math.Sqrt(height) * mean / (height + mean)
	}
	switch {
	case c.left == c.right:
		return root(c.left)
	case c.left == 0 && c.right == 1:
		return math.Pi / 8
	}
	return (root(c.left) + 4*root((c.left+c.right)/2) + root(c.right)) / 6
}
