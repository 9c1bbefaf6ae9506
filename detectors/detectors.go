package detectors

import "tidemark/profile"

// Statistic measures how far the current values of a feature are from the reference's.
type Statistic interface {
	// Name is the word for the statistic in configurations, reports and metrics.
	Name() string
	// Score compares two profiles of one layout. It is undefined (false) for features of a kind the statistic is not
	// for, and when reference or current have no values to compare.
	Score(reference, current *profile.Feature) (score Score, defined bool)
	// Exact compares the values themselves. It is undefined as for Score.
	Exact(reference, current *Sample) (score Score, defined bool)
}

// Score is what a statistic says of a feature. No figure is ever NaN or infinite; what does not apply is nil.
type Score struct {
	// Value is the statistic.
	Value float64
	// Lower and Upper bracket what Exact would give for the values that were counted in the bins. They are nil when
	// Value is exact, and one of them is nil when there is no bound on that side.
	Lower, Upper *float64
	// Expected is the mean of Value for samples of these sizes when nothing changed.
	Expected *float64
	// Tail is the probability of a Value at least this large when nothing changed, where it is known.
	Tail func() float64
}

// PValue is the probability of a Value at least this large when nothing changed, or nil when it is not known. It may take
// much longer to find than all the rest: whoever decides without it should not ask.
func (s Score) PValue() *float64 {
	if s.Tail == nil {
		return nil
	}
	return new(s.Tail())
}

func certain() float64 { return 1 }

// The kinds of alert that statistics give rise to.
const (
	KindDrift   = "drift"
	KindQuality = "quality"
)

// The statistics by the kind of alert they give rise to.
var (
	Drift = []string{
		"psi", "ks", "jensen_shannon", "wasserstein", "wasserstein_normalized", "hellinger", "total_variation",
		"l_infinity", "kullback_leibler", "cramer_von_mises", "anderson_darling", "mann_whitney", "welch_t", "energy",
		"chi_square", "g_test", "proportion_z", "fisher",
	}
	Quality = []string{"missing_share", "new_categories", "type_share", "out_of_range", "negative_share", "cardinality"}
)

// New returns the statistic of that name, or nil.
func New(name string) Statistic {
	switch name {
	case "psi":
		return PSI{}
	case "ks":
		return KS{}
	case "jensen_shannon":
		return JensenShannon{}
	case "wasserstein":
		return Wasserstein{}
	case "wasserstein_normalized":
		return WassersteinNormalized{}
	case "hellinger":
		return Hellinger{}
	case "total_variation":
		return TotalVariation{}
	case "l_infinity":
		return LInfinity{}
	case "kullback_leibler":
		return KullbackLeibler{}
	case "cramer_von_mises":
		return CramerVonMises{}
	case "anderson_darling":
		return AndersonDarling{}
	case "mann_whitney":
		return MannWhitney{}
	case "welch_t":
		return WelchT{}
	case "energy":
		return Energy{}
	case "chi_square":
		return ChiSquare{}
	case "g_test":
		return GTest{}
	case "proportion_z":
		return ProportionZ{}
	case "fisher":
		return Fisher{}
	case "missing_share":
		return MissingShare{}
	case "new_categories":
		return NewCategories{}
	case "type_share":
		return TypeShare{}
	case "out_of_range":
		return OutOfRange{}
	case "negative_share":
		return NegativeShare{}
	case "cardinality":
		return Cardinality{}
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
