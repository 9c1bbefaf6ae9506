package detectors

import (
	"sort"

	"tidemark/profile"
)

// NegativeShare is the share of present numbers below 0 where the reference has none: the sign error, or the -1 and
// -999 that stand for "unknown". Where the reference has negative values, they are as good as others: the score is 0.
//
// Range 0 to 1; larger is worse. Undefined for categorical features and when either has no present values.
//
// Source: the is_non_negative constraint of SageMaker Model Monitor and Deequ (Schelter et al., "Automating
// Large-Scale Data Quality Verification", VLDB 2018).
type NegativeShare struct{}

// Name is "negative_share".
func (NegativeShare) Name() string { return "negative_share" }

// Score is the share of negative values; profiles count them.
func (NegativeShare) Score(reference, current *profile.Feature) (Score, bool) {
	if !reference.Numeric() {
		return Score{}, false
	}
	return negative(reference.Negative, reference.Present(), current.Negative, current.Present())
}

// Exact is the same figure.
func (NegativeShare) Exact(reference, current *Sample) (Score, bool) {
	if !reference.Numeric() {
		return Score{}, false
	}
	below := func(s *Sample) int64 { return int64(sort.SearchFloat64s(s.Numbers, 0)) }
	return negative(below(reference), reference.Present(), below(current), current.Present())
}

func negative(n, total, currentN, currentTotal int64) (Score, bool) {
	if n > 0 && currentTotal > 0 {
		return Score{}, true
	}
	return rise(n, total, currentN, currentTotal)
}
