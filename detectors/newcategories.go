package detectors

import "tidemark/profile"

// NewCategories is the share of present values whose category the baseline never saw. The reference is taken to
// have none, whatever it holds.
//
// Range 0 to 1; larger is worse. Undefined for numeric features and when current has no present values.
//
// Source: the domain check of schema validation (Breck et al., "Data Validation for Machine Learning", MLSys 2019).
type NewCategories struct{}

// Name is "new_categories".
func (NewCategories) Name() string { return "new_categories" }

// Score is the share of values of new categories.
func (NewCategories) Score(_, current *profile.Feature) (Score, bool) {
	if current.Numeric() || current.Present() <= 0 {
		return Score{}, false
	}
	return Score{Value: share(current.NewRows(), current.Present())}, true
}

// Exact is the share of values that the reference does not have. Profiles of a baseline with too many categories to
// know them all give a smaller one.
func (NewCategories) Exact(reference, current *Sample) (Score, bool) {
	if current.Numeric() || current.Present() <= 0 {
		return Score{}, false
	}
	var unseen int64
	for name, n := range current.Categories {
		if reference.Categories[name] == 0 {
			unseen += n
		}
	}
	return Score{Value: share(unseen, current.Present())}, true
}
