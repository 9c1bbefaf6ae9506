package detectors

import (
	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// Fisher is Fisher's exact test of a column with two values, as 0/1 or yes/no. Its value is the sample odds ratio: the
// odds of the larger value against the smaller (of categories, the last against the first by name) in current over
// those in reference. When a count is 0, 1/2 is added to each, so that the ratio is finite.
//
// Range: above 0; 1 is no drift, above 1 the larger value became more frequent, below 1 less. Decide by the two-sided
// p-value, which is exact however few the rows: the probability, given the sums, of the tables that are no more
// probable than the one seen. A column of one value has value and p-value 1. Exchanging reference and current gives
// the reciprocal. Undefined as [ProportionZ] is.
//
// Source: Fisher, Statistical Methods for Research Workers, 5th ed. 1934; the 1/2: Haldane 1956, Anscombe 1956. Equal to
// scipy's fisher_exact where no count is 0.
type Fisher struct{}

// Name is "fisher".
func (Fisher) Name() string { return "fisher" }

// Score is the test from the counts of the bins of the two values.
func (f Fisher) Score(reference, current *profile.Feature) (Score, bool) {
	v, ok := profileTwoValues(reference, current)
	return f.over(v, ok), ok
}

// Exact is the same test from the values.
func (f Fisher) Exact(reference, current *Sample) (Score, bool) {
	v, ok := sampleTwoValues(reference, current)
	return f.over(v, ok), ok
}

func (Fisher) over(v twoValues, ok bool) Score {
	switch {
	case !ok:
		return Score{}
	case v.large == 0 && v.currentLarge == 0:
		return Score{Value: 1, Tail: certain}
	}
	more := 0.0
	if min(v.small, v.large, v.currentSmall, v.currentLarge) == 0 {
		more = 0.5
	}
	odds := (float64(v.large) + more) / (float64(v.small) + more)
	oddsCurrent := (float64(v.currentLarge) + more) / (float64(v.currentSmall) + more)
	return Score{
		Value: oddsCurrent / odds,
		Tail:  func() float64 { return pvalue.FisherExact(v.small, v.large, v.currentSmall, v.currentLarge) },
	}
}
