package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// GTest is the likelihood ratio test of homogeneity: twice the sum of observed ln(observed/expected) over the table
// whose rows are reference and current and whose columns are the cells of [PSI], where expected is the row's sum times
// the column's over the total. Empty cells add nothing. There is no correction for two cells.
//
// Range 0 to 1.39 times the number of rows; larger is more drift, and more rows make it larger for the same drift:
// decide by the p-value, chi-square with one degree of freedom less than cells that are not empty on both sides. With
// one cell the value is 0 and the p-value 1. Symmetric over the same cells. Undefined when either has no present values.
//
// Expected is B-1 for B cells that are not empty on both sides.
//
// Source: Wilks 1938; Sokal and Rohlf, Biometry, 1981. Equal to scipy's chi2_contingency with lambda_="log-likelihood"
// and without correction.
type GTest struct{}

// Name is "g_test".
func (GTest) Name() string { return "g_test" }

// Score is the test over the baseline's cells.
func (g GTest) Score(reference, current *profile.Feature) (Score, bool) {
	return binned(reference, current, g.over, nil)
}

// Exact is the test over the reference's deciles, or its categories.
func (g GTest) Exact(reference, current *Sample) (Score, bool) {
	return exact(reference, current, g.over)
}

func (GTest) over(c cells) Score {
	s := c.sizes()
	value := 0.0
	for i := range c.reference {
		r, q := share(c.reference[i], s.reference), share(c.current[i], s.current)
		all := share(c.reference[i]+c.current[i], s.reference+s.current)
		value += 2 * (float64(s.reference)*logTerm(r, all) + float64(s.current)*logTerm(q, all))
	}
	value = max(0, value)
	return Score{Value: value, Expected: new(s.freedom), PValue: new(pvalue.ChiSquare(value, s.freedom))}
}

// logTerm is x ln(x/m) - x + m: what x adds to a divergence from m, never below 0.
func logTerm(x, m float64) float64 {
	if x == 0 {
		return m
	}
	return max(0, x*math.Log(x/m)-x+m)
}
