package detectors

import (
	"testing"

	"tidemark/capture"
	"tidemark/profile"
)

// A part of a baseline, such as one hour of the day, may have few of a column's values. It is compared over the
// deciles of the column all the same: over single fine bins every value between the known ones would be drift.
func TestFewBinsOfAFineLayoutAreNoValues(t *testing.T) {
	fine := profile.Layout{Features: []profile.FeatureLayout{{Name: "x", Kind: capture.Numeric}}}
	for k := range profile.Quantiles + 1 {
		fine.Features[0].Edges = append(fine.Features[0].Edges, float64(k))
		fine.Features[0].Ranks = append(fine.Features[0].Ranks, k)
	}
	fill := func(bins ...int) *profile.Feature {
		f := &profile.New(&fine).Features[0]
		for _, bin := range bins {
			f.Bins[bin] += 100
			f.Captured += 100
		}
		return f
	}
	// Both are within the first decile, bins 1 to 24, and have no bin in common.
	score, ok := PSI{}.Score(fill(1, 3, 5, 7), fill(2, 4, 6, 8))
	if !ok || score.Value != 0 {
		t.Errorf("PSI %v, %v, want 0", score.Value, ok)
	}
}
