package detectors

import "tidemark/profile"

// MissingShare is the rise of the share of missing values: max(0, m_cur - m_ref), where m is the rows without a
// value over the rows captured with the column's side.
//
// Range 0 to 1; larger is worse; fewer missing values than in the reference score 0. Undefined when reference or
// current captured no rows.
//
// Source: the completeness check of data quality monitors (Schelter et al., "Automating Large-Scale Data Quality
// Verification", VLDB 2018), relative to the reference.
type MissingShare struct{}

// Name is "missing_share".
func (MissingShare) Name() string { return "missing_share" }

// Score is the rise of the missing share.
func (MissingShare) Score(reference, current *profile.Feature) (Score, bool) {
	return rise(reference.Missing, reference.Captured, current.Missing, current.Captured)
}

// Exact is the same figure: profiles count missing values exactly.
func (MissingShare) Exact(reference, current *Sample) (Score, bool) {
	return rise(reference.Missing, reference.Captured, current.Missing, current.Captured)
}
