package detectors

import (
	"math"

	"tidemark/profile"
)

// WassersteinNormalized is the [Wasserstein] distance over the reference's population standard deviation, so that one
// threshold suits features of any unit.
//
// Range 0 up; larger is more drift. Undefined where the distance is, and when the reference is constant or its standard
// deviation is beyond the range of floats.
//
// Source: as for the distance; Evidently's figure is the same as long as the standard deviation is at least 0.001.
type WassersteinNormalized struct{}

// Name is "wasserstein_normalized".
func (WassersteinNormalized) Name() string { return "wasserstein_normalized" }

// Score is the normalised distance by the sums of the bins.
func (WassersteinNormalized) Score(reference, current *profile.Feature) (Score, bool) {
	score, ok := Wasserstein{}.Score(reference, current)
	if !ok {
		return Score{}, false
	}
	return score.over(math.Sqrt(profileMean(reference).variance))
}

// Exact is the normalised distance of all values.
func (WassersteinNormalized) Exact(reference, current *Sample) (Score, bool) {
	score, ok := Wasserstein{}.Exact(reference, current)
	if !ok {
		return Score{}, false
	}
	return score.over(math.Sqrt(sampleMean(reference.Numbers, reference.Numbers[len(reference.Numbers)/2]).variance))
}

// over divides all figures by a unit. It is undefined when that is 0 or a result is not finite.
func (s Score) over(unit float64) (Score, bool) {
	s.Value /= unit
	if unit <= 0 || !isFinite(s.Value) {
		return Score{}, false
	}
	for _, figure := range []**float64{&s.Lower, &s.Upper, &s.Expected} {
		if *figure == nil {
			continue
		}
		scaled := **figure / unit
		*figure = nil
		if isFinite(scaled) {
			*figure = &scaled
		}
	}
	return s, true
}
