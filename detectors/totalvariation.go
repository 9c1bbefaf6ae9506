package detectors

import (
	"math"

	"tidemark/profile"
)

// TotalVariation is half the sum over cells of |r-c|, where r and c are the cell's shares of the present values in
// reference and current: the share of rows that would have to move to another cell for the two to be equal. The cells
// are those of [PSI].
//
// Range 0 to 1 (nothing in common); larger is more drift. Symmetric over the same cells. Undefined when either has no
// present values.
//
// Expected is sqrt((1/n + 1/m)/(2 pi)) times the sum over cells of sqrt(p(1-p)), for n and m rows and p the cell's share
// of all of them. There is no p-value; [ChiSquare] has the one for the same cells.
//
// Source: the total variation distance of two distributions (Levin and Peres, Markov Chains and Mixing Times, 2017,
// section 4.1); Expected is the mean of |r-c| when each is normal.
type TotalVariation struct{}

// Name is "total_variation".
func (TotalVariation) Name() string { return "total_variation" }

// Score is the distance over the baseline's cells.
func (v TotalVariation) Score(reference, current *profile.Feature) (Score, bool) {
	return binned(reference, current, v.over, nil)
}

// Exact is the distance over the reference's deciles, or its categories.
func (v TotalVariation) Exact(reference, current *Sample) (Score, bool) {
	return exact(reference, current, v.over)
}

func (TotalVariation) over(c cells) Score {
	s := c.sizes()
	value, deviations := 0.0, 0.0
	for i := range c.reference {
		value += math.Abs(share(c.reference[i], s.reference)-share(c.current[i], s.current)) / 2
		p := share(c.reference[i]+c.current[i], s.reference+s.current)
		deviations += math.Sqrt(p * (1 - p))
	}
	return Score{Value: min(value, 1), Expected: new(min(1, math.Sqrt(s.noise/(2*math.Pi))*deviations))}
}
