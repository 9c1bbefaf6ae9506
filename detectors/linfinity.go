package detectors

import (
	"math"

	"tidemark/profile"
)

// LInfinity is the largest change of a category's share: the maximum of |p-q| over the categories of a categorical
// feature, the other ones as one, each new category by its name, and the new ones beyond the names kept as one.
//
// Range 0 to 1; larger is more drift. Symmetric in reference and current. Undefined for numeric features, whose
// figure of this kind is [KS], and when either has no present values.
//
// Source: the Chebyshev distance of two distributions, as in TensorFlow Data Validation's and SageMaker Model
// Monitor's categorical drift check (Breck et al., "Data Validation for Machine Learning", MLSys 2019).
type LInfinity struct{}

// Name is "l_infinity".
func (LInfinity) Name() string { return "l_infinity" }

// Score is the largest change of a share.
func (LInfinity) Score(reference, current *profile.Feature) (Score, bool) {
	nr, nc := reference.Present(), current.Present()
	if reference.Numeric() || nr <= 0 || nc <= 0 {
		return Score{}, false
	}
	score := 0.0
	change := func(r, c int64) { score = max(score, math.Abs(share(r, nr)-share(c, nc))) }
	for i := range reference.Bins {
		change(reference.Bins[i], current.Bins[i])
	}
	for name, n := range current.New {
		change(reference.New[name], n)
	}
	for name, n := range reference.New {
		change(n, current.New[name])
	}
	change(reference.NewOther, current.NewOther)
	return Score{Value: score}, true
}

// Exact is the largest change of a share, each category by its name.
func (LInfinity) Exact(reference, current *Sample) (Score, bool) {
	c, ok := sampleCells(reference, current)
	if !ok || reference.Numeric() {
		return Score{}, false
	}
	score := 0.0
	nr, nc := sum(c.reference), sum(c.current)
	for i := range c.reference {
		score = max(score, math.Abs(share(c.reference[i], nr)-share(c.current[i], nc)))
	}
	return Score{Value: score}, true
}
