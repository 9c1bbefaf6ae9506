package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// JensenShannon is the Jensen-Shannon distance: the square root of half the relative entropies, in bits, of reference
// and current to the mean of both: sqrt(sum over cells of (r log2(r/a) + c log2(c/a))/2), where r and c are the cell's
// shares of the present values in reference and current and a = (r+c)/2. An empty cell adds nothing on its side. The
// cells are those of [PSI].
//
// Range 0 to 1 (nothing in common); larger is more drift. Symmetric over the same cells. Undefined when either has no
// present values.
//
// Expected is sqrt((1/n + 1/m)/(8 ln 2)) times the mean of a chi variable with B-1 degrees of freedom, for n and m rows
// and B cells that are not empty on both sides. The p-value is that of the squared distance over
// shares (count + 1/2)/(rows + B/2), divided by (1/n + 1/m)/(8 ln 2): chi-square with B-1 degrees of freedom.
//
// Source: Lin, "Divergence Measures Based on the Shannon Entropy", IEEE Transactions on Information Theory 37 (1991);
// the root is a metric by Endres and Schindelin 2003. Other tools use natural logarithms (0.8326 times as much), or
// do not take the root.
type JensenShannon struct{}

// Name is "jensen_shannon".
func (JensenShannon) Name() string { return "jensen_shannon" }

// Score is the distance over the baseline's cells.
func (j JensenShannon) Score(reference, current *profile.Feature) (Score, bool) {
	return binned(reference, current, j.over, nil)
}

// Exact is the distance over the reference's deciles, or its categories.
func (j JensenShannon) Exact(reference, current *Sample) (Score, bool) {
	return exact(reference, current, j.over)
}

func (JensenShannon) over(c cells) Score {
	s := c.sizes()
	divergence := 0.0
	for i := range c.reference {
		divergence += jensenShannonTerm(share(c.reference[i], s.reference), share(c.current[i], s.current))
	}
	scale := s.noise / (8 * math.Ln2)
	return Score{
		Value:    math.Sqrt(min(divergence, 1)),
		Expected: new(s.expectedRoot(scale)),
		Tail:     func() float64 { return pvalue.ChiSquare(c.smooth(s, jensenShannonTerm)/scale, s.freedom) },
	}
}

// jensenShannonTerm is (r log2(r/a) + q log2(q/a))/2, as a function of how far the shares are apart in their sum: so it
// is never below 0, and loses no digits where they are close.
func jensenShannonTerm(r, q float64) float64 {
	if r == 0 || q == 0 {
		return (r + q) / 2
	}
	d := (q - r) / (q + r)
	return (r + q) / 4 * (math.Log1p(-d*d) + 2*d*math.Atanh(d)) / math.Ln2
}
