package detectors

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"tidemark/profile"
)

// plainKS is [KS] as its documentation has it: every bin is asked whether its values are one.
func plainKS(reference, current *profile.Feature) Score {
	s, _ := binSteps(reference, current)
	var r, c int64
	score, upper, open := 0.0, 0.0, false
	for step := range s.all {
		if s.spread(step) && step.reference > 0 && step.current > 0 {
			open = true
			upper = max(upper, share(r+step.reference, s.reference)-share(c, s.current), share(c+step.current, s.current)-share(r, s.reference))
		}
		r += step.reference
		c += step.current
		score = max(score, math.Abs(share(r, s.reference)-share(c, s.current)))
	}
	result := Score{Value: score}
	result.bracket(score, max(score, upper), open)
	return result
}

// KS asks few bins, and gives the same bits.
func TestKSIsPlainKS(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layout := rapid.SampledFrom(layouts).Draw(t, "layout")
		x, y := drawFeature(t, layout), drawFeature(t, layout)
		got, defined := KS{}.Score(x, y)
		if !defined {
			return
		}
		want := plainKS(x, y)
		if got.Value != want.Value || (got.Upper == nil) != (want.Upper == nil) || got.Upper != nil && (*got.Upper != *want.Upper || *got.Lower != *want.Lower) {
			t.Fatalf("%s, not %s", describe(got), describe(want))
		}
	})
}
