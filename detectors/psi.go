package detectors

import (
	"math"

	"tidemark/profile"
)

// psiFloor is the least share that a cell counts with, so that an empty cell has a finite logarithm.
const psiFloor = 1e-4

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
// Source: Siddiqi, Credit Risk Scorecards, Wiley 2006; it is Jeffreys' divergence (Kullback and Leibler 1951)
// of the binned shares. Figures of other tools differ with their bins and floors.
type PSI struct{}

// Name is "psi".
func (PSI) Name() string { return "psi" }

// Score is the index over the baseline's cells.
func (p PSI) Score(reference, current *profile.Feature) (Score, bool) {
	c, ok := profileCells(reference, current)
	return p.over(c), ok
}

// Exact is the index over the reference's deciles, or its categories.
func (p PSI) Exact(reference, current *Sample) (Score, bool) {
	c, ok := sampleCells(reference, current)
	return p.over(c), ok
}

func (PSI) over(c cells) Score {
	score := 0.0
	nr, nc := sum(c.reference), sum(c.current)
	for i := range c.reference {
		r, c := max(share(c.reference[i], nr), psiFloor), max(share(c.current[i], nc), psiFloor)
		score += (c - r) * math.Log(c/r)
	}
	return Score{Value: score}
}
