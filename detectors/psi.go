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
// A numeric feature's cells are the ten decile cells of the baseline, under- and overflow joined to the outer ones;
// when the reference fills at most ten fine bins, as a 0/1 column does, each fine bin is a cell. A categorical
// feature's cells are its categories, the other ones, and all new ones together. Missing and invalid values and
// NaN have scores of their own ([MissingShare], [TypeShare]).
//
// Range 0 to about 18.4 (two disjoint cells); larger is more drift. Customary limits are 0.1 and 0.25.
// Symmetric in reference and current over the same cells. Undefined when either has no present values.
//
// Source: Siddiqi, Credit Risk Scorecards, Wiley 2006; it is Jeffreys' divergence (Kullback and Leibler 1951)
// of the binned shares. Figures of other tools differ with their bins and floors.
type PSI struct{}

// Name is "psi".
func (PSI) Name() string { return "psi" }

// Score is the index over the cells.
func (PSI) Score(reference, current *profile.Feature) (float64, bool) {
	nr, nc := reference.Present(), current.Present()
	if nr <= 0 || nc <= 0 {
		return 0, false
	}
	rs, cs := cells(reference, current)
	score := 0.0
	for i := range rs {
		r, c := max(share(rs[i], nr), psiFloor), max(share(cs[i], nc), psiFloor)
		score += (c - r) * math.Log(c/r)
	}
	return score, true
}
