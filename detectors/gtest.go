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
	rows, rowsCurrent := float64(s.reference), float64(s.current)
	all := rows + rowsCurrent
	value := 0.0
	for i := range c.reference {
		r, q := float64(c.reference[i]), float64(c.current[i])
		if r+q == 0 {
			continue
		}
		d := (r*rowsCurrent - q*rows) / all // observed less expected
		value += 2 * (deviance(r, (r+q)/all*rows, d) + deviance(q, (r+q)/all*rowsCurrent, -d))
	}
	return Score{Value: value, Expected: new(s.freedom), Tail: func() float64 { return pvalue.ChiSquare(value, s.freedom) }}
}

// deviance is x ln(x/m) - d, where d is x-m: what an observed x adds to the distance from an expected m, never below 0.
// Where d is small it is the series of the logarithm, as the difference would have no digits.
func deviance(x, m, d float64) float64 {
	if x == 0 {
		return m
	}
	v := d / (x + m)
	if math.Abs(v) >= 0.1 {
		return x*math.Log(x/m) - d
	}
	total, power := d*v, 2*x*v
	for k := 3.0; ; k += 2 {
		power *= v * v
		next := total + power/k
		if next == total {
			return total
		}
		total = next
	}
}
