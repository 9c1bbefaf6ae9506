package detectors

import (
	"slices"
	"testing"
)

// What WithPValue says is what the statistics do, from profiles and from samples.
func TestWithPValue(t *testing.T) {
	for _, name := range all {
		given := 0
		s := New(name)
		for _, scored := range []func() (Score, bool){
			func() (Score, bool) { return s.Score(feature(flag(), 0, 50, 0, 50), feature(flag(), 0, 40, 0, 60)) },
			func() (Score, bool) { return s.Score(feature(colours(), 50, 50), feature(colours(), 40, 60)) },
			func() (Score, bool) { return s.Exact(sampled(0, 0, 1, 1), sampled(0, 0, 0, 1)) },
			func() (Score, bool) {
				return s.Exact(named(map[string]int64{"a": 5, "b": 5}), named(map[string]int64{"a": 3, "b": 7}))
			},
		} {
			score, defined := scored()
			if defined && (score.PValue() != nil) != slices.Contains(WithPValue, name) {
				t.Errorf("%s gives %+v: it is wrongly listed, or wrongly not listed, in WithPValue", name, score)
			}
			if defined {
				given++
			}
		}
		if given == 0 {
			t.Errorf("%s is never defined", name)
		}
	}
}
