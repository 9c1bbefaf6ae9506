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
	n, m := float64(s.reference), float64(s.current)
	apart := func(r, c int64) float64 { return float64(r)*m - float64(c)*n }
	var r, c int64
	score, upper, open := 0.0, 0.0, false
	for step := range s.all {
		if s.spread(step) && step.reference > 0 && step.current > 0 {
			open = true
			upper = max(upper, apart(r+step.reference, c), -apart(r, c+step.current))
		}
		r += step.reference
		c += step.current
		score = max(score, math.Abs(apart(r, c)))
	}
	result := Score{Value: score / (n * m)}
	result.bracket(result.Value, max(result.Value, upper/(n*m)), open)
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
