package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// ChiSquare is Pearson's test of homogeneity: the sum of (observed - expected)^2/expected over the table whose rows are
// reference and current and whose columns are the cells of [PSI], where expected is the row's sum times the column's
// over the total. Cells that are empty on both sides are left out. With two cells each difference is first made
// smaller by 1/2, or to 0 (Yates' correction).
//
// Range 0 to the number of rows; larger is more drift, and more rows make it larger for the same drift: decide by the
// p-value, chi-square with one degree of freedom less than cells. It is close when expected counts are 5 or more. With
// one cell the value is 0 and the p-value 1. Symmetric over the same cells. Undefined when either has no present
// values.
//
// Expected is (B-1) N/(N-1) for N rows and B cells, and nil with Yates' correction.
//
// Source: Pearson, Philosophical Magazine 50 (1900); Yates, Supplement to the Journal of the Royal Statistical Society
// 1 (1934). Equal to scipy's chi2_contingency.
type ChiSquare struct{}

// Name is "chi_square".
func (ChiSquare) Name() string { return "chi_square" }

// Score is the test over the baseline's cells.
func (x ChiSquare) Score(reference, current *profile.Feature) (Score, bool) {
	return binned(reference, current, x.over, nil)
}

// Exact is the test over the reference's deciles, or its categories.
func (x ChiSquare) Exact(reference, current *Sample) (Score, bool) {
	return exact(reference, current, x.over)
}

func (ChiSquare) over(c cells) Score {
	s := c.sizes()
	rows, rowsCurrent := float64(s.reference), float64(s.current)
	correction := 0.0
	if s.freedom == 1 {
		correction = 0.5
	}
	value := 0.0
	for i := range c.reference {
		r, q := float64(c.reference[i]), float64(c.current[i])
		if r+q == 0 {
			continue
		}
		all := rows + rowsCurrent
		expected, expectedCurrent := (r+q)/all*rows, (r+q)/all*rowsCurrent
		d := math.Abs(r*rowsCurrent-q*rows) / all // observed less expected, on either side
		d = max(0, d-correction)
		value += d * d * (1/expected + 1/expectedCurrent)
	}
	score := Score{Value: value, Tail: func() float64 { return pvalue.ChiSquare(value, s.freedom) }}
	if s.freedom != 1 {
		score.Expected = new(s.freedom * (rows + rowsCurrent) / (rows + rowsCurrent - 1))
	}
	return score
}
