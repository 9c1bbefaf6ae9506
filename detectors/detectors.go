package detectors

import "tidemark/profile"

// Statistic measures how far the current values of a feature are from the reference's.
type Statistic interface {
	// Name is the word for the statistic in configurations, reports and metrics.
	Name() string
	// Score is the distance, larger for more drift. It is undefined (false) for features of a kind the statistic
	// is not for, and when reference or current have no values to compare.
	Score(reference, current *profile.Feature) (score float64, defined bool)
}

// The kinds of alert that statistics give rise to.
const (
	KindDrift   = "drift"
	KindQuality = "quality"
)

// The statistics by the kind of alert they give rise to.
var (
	Drift   = []string{"psi", "ks", "l_infinity"}
	Quality = []string{"missing_share", "new_categories", "type_share"}
)

// New returns the statistic of that name, or nil.
func New(name string) Statistic {
	switch name {
	case "psi":
		return PSI{}
	case "ks":
		return KS{}
	case "l_infinity":
		return LInfinity{}
	case "missing_share":
		return MissingShare{}
	case "new_categories":
		return NewCategories{}
	case "type_share":
		return TypeShare{}
	}
	return nil
}

// KindOf is "drift", "quality" or, for an unknown name, "".
func KindOf(name string) string {
	for _, n := range Drift {
		if n == name {
			return KindDrift
		}
	}
	for _, n := range Quality {
		if n == name {
			return KindQuality
		}
	}
	return ""
}
