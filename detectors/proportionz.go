package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// ProportionZ is the two-proportion z test of a column with two values, as 0/1 or yes/no: the larger value's share (of
// categories, the last one's by name) in current less that in reference, over its standard error when both are one
// sample: z = (c-r)/sqrt(p(1-p)(1/n + 1/m)), with r of n rows, c of m and p of all.
//
// Range: any finite number; far from 0 is more drift, above 0 when the larger value became more frequent, and more rows
// put it farther for the same drift: decide by the two-sided p-value, the standard normal's. It is 0, with p-value 1,
// for a column of one value. Exchanging reference and current changes the sign. Undefined when there are more than two
// values, reference and current together, or, from profiles, values that cannot be told from others; and when either has
// no present values.
//
// Source: Fleiss, Statistical Methods for Rates and Proportions, 1981, section 2.2. Its square is [ChiSquare] without
// Yates' correction.
type ProportionZ struct{}

// Name is "proportion_z".
func (ProportionZ) Name() string { return "proportion_z" }

// Score is the test from the counts of the bins of the two values.
func (z ProportionZ) Score(reference, current *profile.Feature) (Score, bool) {
	v, ok := profileTwoValues(reference, current)
	return z.over(v, ok), ok
}

// Exact is the same test from the values.
func (z ProportionZ) Exact(reference, current *Sample) (Score, bool) {
	v, ok := sampleTwoValues(reference, current)
	return z.over(v, ok), ok
}

func (ProportionZ) over(v twoValues, ok bool) Score {
	if !ok {
		return Score{}
	}
	n, m := v.small+v.large, v.currentSmall+v.currentLarge
	p, q := share(v.large+v.currentLarge, n+m), share(v.small+v.currentSmall, n+m)
	if p == 0 || q == 0 {
		return Score{Tail: certain}
	}
	z := (share(v.currentLarge, m) - share(v.large, n)) / math.Sqrt(p*q*(1/float64(n)+1/float64(m)))
	return Score{Value: z, Tail: func() float64 { return pvalue.NormalTwoSided(z) }}
}
