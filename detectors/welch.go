package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// WelchT is Welch's t statistic of the means: (mean_cur - mean_ref) / sqrt(s_ref^2/n + s_cur^2/m) for n and m rows,
// where s^2 is the sum of squares about the mean divided by the rows less one. The means are subtracted as distances
// from a common centre, so that a large offset of all values costs no digits.
//
// Range all numbers; 0 is no drift, positive means that the values rose. It grows with the root of the number of rows.
// With reference and current exchanged it changes its sign. From profiles it is exact, but for rounding: it needs the
// moments only. Undefined for categorical features, with fewer than two values on either side, with infinite values,
// when both sides are constant, and when the moments are beyond the range of floats.
//
// Expected is 0. The p-value is two-sided, of Student's distribution with Welch and Satterthwaite's degrees of freedom.
//
// Source: Welch, "The generalization of 'Student's' problem when several different population variances are involved",
// Biometrika 34 (1947).
type WelchT struct{}

// Name is "welch_t".
func (WelchT) Name() string { return "welch_t" }

// Score is t by the moments.
func (w WelchT) Score(reference, current *profile.Feature) (Score, bool) {
	if !reference.Numeric() || !finiteValues(reference) || !finiteValues(current) {
		return Score{}, false
	}
	return w.over(profileMean(reference), profileMean(current))
}

// Exact is t by the values.
func (w WelchT) Exact(reference, current *Sample) (Score, bool) {
	if !reference.Numeric() || infinite(reference.Numbers)+infinite(current.Numbers) > 0 {
		return Score{}, false
	}
	if len(reference.Numbers) == 0 {
		return Score{}, false
	}
	centre := reference.Numbers[len(reference.Numbers)/2]
	return w.over(sampleMean(reference.Numbers, centre), sampleMean(current.Numbers, centre))
}

func (WelchT) over(reference, current mean) (Score, bool) {
	if reference.rows < 2 || current.rows < 2 {
		return Score{}, false
	}
	r, c := reference.variance/(reference.rows-1), current.variance/(current.rows-1) // of the means
	t := (current.offset - reference.offset) / math.Sqrt(r+c)
	// Shares, because the square of a small variance may be 0.
	r, c = r/(r+c), c/(r+c)
	df := 1 / (r*r/(reference.rows-1) + c*c/(current.rows-1))
	if !isFinite(t) || !isFinite(df) {
		return Score{}, false
	}
	return Score{Value: t, Expected: new(0.0), Tail: func() float64 { return pvalue.StudentTwoSided(t, df) }}, true
}

// mean is how far the mean of some rows is from a centre, and their population variance. Without rows it is not known.
type mean struct{ rows, offset, variance float64 }

// profileMean is the mean about the layout's centre.
func profileMean(f *profile.Feature) mean {
	m := &f.Moments
	deviation, ok := m.StdDev()
	switch rows := float64(m.Count); {
	case !ok:
		return mean{}
	case m.Min == m.Max:
		return mean{rows, m.Min - m.Center, 0}
	default:
		return mean{rows, m.Sum.Value() / rows, variance(deviation)}
	}
}

// sampleMean is the mean of sorted numbers.
func sampleMean(sorted []float64, centre float64) mean {
	if len(sorted) == 0 {
		return mean{}
	}
	rows := float64(len(sorted))
	if sorted[0] == sorted[len(sorted)-1] {
		return mean{rows, sorted[0] - centre, 0}
	}
	var distance profile.Sum
	for _, x := range sorted {
		distance.Add(x - centre)
	}
	offset := distance.Value() / rows
	about := profile.Moments{Center: centre + offset}
	for _, x := range sorted {
		about.Add(x)
	}
	deviation, ok := about.StdDev()
	if !ok {
		return mean{}
	}
	return mean{rows, offset, variance(deviation)}
}

// variance is that of a standard deviation, or 0 where it is so small that a float has not all its digits.
func variance(deviation float64) float64 {
	if deviation < 1e-145 {
		return 0
	}
	return deviation * deviation
}

// finiteValues says whether there are values and the moments are of all of them.
func finiteValues(f *profile.Feature) bool {
	return f.Moments.Count > 0 && f.Inf == 0 && f.Moments.Count == sum(f.Bins)
}
