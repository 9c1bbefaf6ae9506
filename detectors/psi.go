package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// shareFloor is the least share that a cell counts with in PSI and KullbackLeibler, so that an empty cell has a finite
// logarithm.
const shareFloor = 1e-4

// PSI is the population stability index: the sum over cells of (c-r) ln(c/r), where r and c are the cell's shares
// of the present values in reference and current, each raised to at least 0.0001, and ln is the natural logarithm.
//
// A numeric feature's cells are the ten decile cells of the reference, values beyond its range joined to the outer
// ones. From profiles, when the reference fills at most ten fine bins, as a 0/1 column does, each fine bin is a cell,
// so that values between the known ones are seen. A categorical feature's cells are its categories, the other ones,
// and all new ones together; from values, each category. Missing and invalid values and NaN have scores of their own
// ([MissingShare], [TypeShare]).
//
// Range 0 to about 18.4 (two disjoint cells); larger is more drift. Customary limits are 0.1 and 0.25.
// Symmetric in reference and current over the same cells. Undefined when either has no present values.
//
// Expected is (B-1)(1/n + 1/m) for n and m rows and B cells that are not empty on both sides. The p-value is that of
// the index over shares (count + 1/2)/(rows + B/2), divided by 1/n + 1/m: chi-square with B-1 degrees of freedom.
//
// Source: Siddiqi, Credit Risk Scorecards, Wiley 2006; it is Jeffreys' divergence (Kullback and Leibler 1951)
// of the binned shares. Its distribution: Yurdakul, "Statistical Properties of Population Stability Index", 2018.
// Figures of other tools differ with their bins and floors.
type PSI struct{}

// Name is "psi".
func (PSI) Name() string { return "psi" }

// Score is the index over the baseline's cells.
func (p PSI) Score(reference, current *profile.Feature) (Score, bool) {
	return binned(reference, current, p.over, p.least)
}

// Exact is the index over the reference's deciles, or its categories.
func (p PSI) Exact(reference, current *Sample) (Score, bool) {
	return exact(reference, current, p.over)
}

func (PSI) over(c cells) Score {
	s := c.sizes()
	value := 0.0
	for i := range c.reference {
		value += psiTerm(c.floored(s, i))
	}
	return Score{Value: value, Expected: new(s.freedom * s.noise), Tail: func() float64 {
		return pvalue.ChiSquare(c.smooth(s, psiTerm)/s.noise, s.freedom)
	}}
}

func psiTerm(r, q float64) float64 { return (q - r) * math.Log(q/r) }

// least is the least that the index can be by name. The floor raises the joined shares by an unknown amount, up to
// its own for each category; by convexity nothing else lowers the index.
func (PSI) least(c cells) float64 {
	s := c.sizes()
	total := 0.0
	for i := range c.reference {
		r, q, slack := c.bounds(s, i)
		switch {
		case r > q+slack:
			total += psiTerm(r, q+slack)
		case q > r+slack:
			total += psiTerm(r+slack, q)
		}
	}
	return total
}

// bounds are shares of a cell, to which up to slack is added when each of its categories has at least shareFloor.
func (c cells) bounds(s sizes, i int) (r, q, slack float64) {
	for _, j := range c.joined {
		if j.cell == i {
			return share(c.reference[i], s.reference), share(c.current[i], s.current), float64(j.categories) * shareFloor
		}
	}
	r, q = c.floored(s, i)
	return r, q, 0
}
