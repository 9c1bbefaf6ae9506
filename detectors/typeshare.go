package detectors

import "tidemark/profile"

// TypeShare is the rise of the share of values of the wrong type: max(0, t_cur - t_ref), where t is the invalid
// values over the values that were not missing.
//
// Range 0 to 1; larger is worse; fewer invalid values than in the reference score 0. Undefined when reference or
// current has no values, valid or not.
//
// Source: the data type check of SageMaker Model Monitor, relative to the reference.
type TypeShare struct{}

// Name is "type_share".
func (TypeShare) Name() string { return "type_share" }

// Score is the rise of the invalid share.
func (TypeShare) Score(reference, current *profile.Feature) (Score, bool) {
	return rise(reference.Invalid, reference.Captured-reference.Missing, current.Invalid, current.Captured-current.Missing)
}

// Exact is the same figure: profiles count invalid values exactly.
func (TypeShare) Exact(reference, current *Sample) (Score, bool) {
	return rise(reference.Invalid, reference.Captured-reference.Missing, current.Invalid, current.Captured-current.Missing)
}
