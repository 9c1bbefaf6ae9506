package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// Hellinger is the Hellinger distance: sqrt(sum over cells of (sqrt(r) - sqrt(c))^2 / 2), where r and c are the cell's
// shares of the present values in reference and current; the same as sqrt(1 - sum sqrt(r c)). The cells are those of
// [PSI].
//
// Range 0 to 1 (nothing in common); larger is more drift. Symmetric over the same cells. Undefined when either has no
// present values.
//
// Expected is sqrt((1/n + 1/m)/8) times the mean of a chi variable with B-1 degrees of freedom, for n and m rows and B
// cells that are not empty on both sides. The p-value is that of the squared distance over shares
// (count + 1/2)/(rows + B/2), divided by (1/n + 1/m)/8: chi-square with B-1 degrees of freedom.
//
// Source: Hellinger 1909; Bhattacharyya, "On a Measure of Divergence between Two Multinomial Populations", Sankhya 7
// (1946).
type Hellinger struct{}

// Name is "hellinger".
func (Hellinger) Name() string { return "hellinger" }

// Score is the distance over the baseline's cells.
func (h Hellinger) Score(reference, current *profile.Feature) (Score, bool) {
	return binned(reference, current, h.over, nil)
}

// Exact is the distance over the reference's deciles, or its categories.
func (h Hellinger) Exact(reference, current *Sample) (Score, bool) {
	return exact(reference, current, h.over)
}

func (Hellinger) over(c cells) Score {
	s := c.sizes()
	square := 0.0
	for i := range c.reference {
		square += hellingerTerm(share(c.reference[i], s.reference), share(c.current[i], s.current))
	}
	scale := s.noise / 8
	return Score{
		Value:    math.Sqrt(min(square, 1)),
		Expected: new(s.expectedRoot(scale)),
		Tail:     func() float64 { return pvalue.ChiSquare(c.smooth(s, hellingerTerm)/scale, s.freedom) },
	}
}

func hellingerTerm(r, q float64) float64 {
	d := math.Sqrt(r) - math.Sqrt(q)
	return d * d / 2
}
