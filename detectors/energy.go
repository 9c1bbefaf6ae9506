package detectors

import (
	"iter"
	"math"

	"tidemark/profile"
)

// Energy is the energy distance of a numeric feature: sqrt(2 times the integral of (F_ref(x) - F_cur(x))^2 over x),
// the root of 2 E|X-Y| - E|X-X'| - E|Y-Y'| for values X, X' of the reference and Y, Y' of the current side.
//
// From profiles F_ref - F_cur is taken to be its mean in each fine bin, which follows as for [Wasserstein]. By the
// inequality of Cauchy and Schwarz that is a lower bound, but for the tolerance of the bins' sums. The upper bound
// takes F_ref - F_cur to be at its ends in each bin, where its integral leaves a choice.
//
// Range 0 up, in the root of the unit of the feature; larger is more drift. Symmetric in reference and current.
// Undefined for categorical features, when either has no present values or infinite ones, and beyond the range of
// floats.
//
// Expected is the mean of the root of a gamma variable that has the mean and the variance that the integral has
// without drift, which follow from the reference's F.
//
// Source: Székely and Rizzo, "Energy statistics: A class of statistics based on distances", Journal of Statistical
// Planning and Inference 143 (2013); the gamma variable: Box, "Some theorems on quadratic forms applied in the study
// of analysis of variance problems", Annals of Mathematical Statistics 25 (1954).
type Energy struct{}

// Name is "energy".
func (Energy) Name() string { return "energy" }

// Score is the distance by the sums of the bins.
func (e Energy) Score(reference, current *profile.Feature) (Score, bool) {
	gaps, ok := binGaps(reference, current)
	if !ok {
		return Score{}, false
	}
	return e.over(gaps, binCurve(reference), float64(reference.Moments.Count), float64(current.Moments.Count), true)
}

// Exact is the distance of all values.
func (e Energy) Exact(reference, current *Sample) (Score, bool) {
	gaps, ok := sampleGaps(reference, current)
	if !ok {
		return Score{}, false
	}
	return e.over(gaps, sampleCurve(reference), float64(len(reference.Numbers)), float64(len(current.Numbers)), false)
}

func (Energy) over(gaps iter.Seq[gap], curves iter.Seq[curve], n, m float64, binned bool) (Score, bool) {
	var value, lower, upper profile.Sum
	for g := range gaps {
		if g.width <= 0 {
			continue
		}
		least := g.integral / g.width * g.integral
		value.Add(least)
		if !binned {
			continue
		}
		sure := max(0, math.Abs(g.integral)-g.tolerance)
		lower.Add(sure / g.width * sure)
		// D^2 is below its chord from low to high.
		upper.Add(max(least, (g.low+g.high)*g.integral-g.low*g.high*g.width) + (math.Abs(g.low)+math.Abs(g.high))*g.tolerance)
	}
	result := Score{Value: math.Sqrt(2 * value.Value())}
	if !isFinite(result.Value) {
		return Score{}, false
	}
	result.bracket(math.Sqrt(2*lower.Value()), math.Sqrt(2*upper.Value()), binned)
	if expected := expectedEnergy(curves, 1/n+1/m); isFinite(expected) {
		result.Expected = new(expected)
	}
	return result, true
}

// expectedEnergy is the mean of the distance without drift. The integral of (F_ref - F_cur)^2 is then noise times a sum
// of squares of normal variables, whose mean is the integral of F(1-F) and whose variance is twice the integral of
// F(x)^2 (1-F(y))^2 over all x < y, twice.
func expectedEnergy(curves iter.Seq[curve], noise float64) float64 {
	var mean, squares, below float64 // below is the integral of F^2 so far
	for c := range curves {
		area, square := c.moments()
		mean += c.width * (area - square)
		rest := 1 - 2*area + square // the mean of (1-F)^2
		squares += 2 * rest * c.width * (below + c.width*square/2)
		below += c.width * square
	}
	if mean <= 0 || squares <= 0 {
		return 0
	}
	shape := mean / (2 * squares) * mean
	above, _ := math.Lgamma(shape + 0.5)
	under, _ := math.Lgamma(shape)
	return math.Sqrt(2*noise*mean/shape) * math.Exp(above-under)
}

// moments are the means of F and of F^2 over a stretch, in a tail as for [curve.deviation].
func (c curve) moments() (mean, square float64) {
	if height, mean, ok := c.tail(); ok {
		square := height * height * mean / (2*height - mean)
		if c.left == 0 {
			return mean, square
		}
		return 1 - mean, 1 - 2*mean + square
	}
	return (c.left + c.right) / 2, (c.left*c.left + c.left*c.right + c.right*c.right) / 3
}
