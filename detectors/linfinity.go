package detectors

import (
	"math"

	"tidemark/profile"
)

// LInfinity is the largest change of a category's share: the maximum of |p-q| over the categories of a categorical
// feature, the other ones as one, each new category by its name, and the new ones beyond the names kept as one.
//
// Range 0 to 1; larger is more drift. Symmetric in reference and current. There is neither an expected figure nor a
// p-value: the distribution of a maximum has no short form. Undefined for numeric features, whose
// figure of this kind is [KS], and when either has no present values.
//
// Source: the Chebyshev distance of two distributions, as in TensorFlow Data Validation's and SageMaker Model
// Monitor's categorical drift check (Breck et al., "Data Validation for Machine Learning", MLSys 2019).
type LInfinity struct{}

// Name is "l_infinity".
func (LInfinity) Name() string { return "l_infinity" }

// Score is the largest change of a share. When rows of several categories are counted together it may be above what
// [LInfinity.Exact] gives, or below, and has bounds.
func (LInfinity) Score(reference, current *profile.Feature) (Score, bool) {
	if reference.Numeric() {
		return Score{}, false
	}
	c, ok := profileCells(reference, current)
	if !ok {
		return Score{}, false
	}
	s := c.sizes()
	score, lower, upper := 0.0, 0.0, 0.0
	single := func(r, q int64) {
		d := math.Abs(share(r, s.reference) - share(q, s.current))
		score, lower, upper = max(score, d), max(lower, d), max(upper, d)
	}
	// No category of several changed more than all of them have rows, and one at least as much as the mean.
	several := func(r, q, categories int64) {
		d := math.Abs(share(r, s.reference) - share(q, s.current))
		score, lower = max(score, d), max(lower, d/float64(categories))
		upper = max(upper, share(r, s.reference), share(q, s.current))
	}
	other := len(reference.Bins) - 1
	for i := range other {
		single(reference.Bins[i], current.Bins[i])
	}
	if len(c.joined) > 0 && c.joined[0].cell == other {
		several(reference.Bins[other], current.Bins[other], c.joined[0].categories)
	} else {
		single(reference.Bins[other], current.Bins[other])
	}
	// Beyond the names kept there may be more rows of the new ones by name.
	unnamed, unnamedCurrent := reference.NewOther, current.NewOther
	named := func(r, q int64) {
		if unnamed == 0 && unnamedCurrent == 0 {
			single(r, q)
			return
		}
		low, high := share(r, s.reference)-share(q+unnamedCurrent, s.current), share(r+unnamed, s.reference)-share(q, s.current)
		score = max(score, math.Abs(share(r, s.reference)-share(q, s.current)))
		lower, upper = max(lower, low, -high), max(upper, high, -low)
	}
	for name, q := range current.New {
		named(reference.New[name], q)
	}
	for name, r := range reference.New {
		named(r, current.New[name])
	}
	score = max(score, math.Abs(share(unnamed, s.reference)-share(unnamedCurrent, s.current)))
	upper = max(upper, share(unnamed, s.reference), share(unnamedCurrent, s.current))
	if lower == upper {
		return Score{Value: score}, true
	}
	return Score{Value: score, Lower: &lower, Upper: &upper}, true
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
