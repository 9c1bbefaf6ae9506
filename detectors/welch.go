package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// WelchT is Welch's t statistic of the means: (mean_cur - mean_ref) / sqrt(s_ref^2/n + s_cur^2/m) for n and m rows,
// where s^2 is the sum of squares about the mean divided by the rows less one.
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
	return w.over(sampleMean(reference.Numbers), sampleMean(current.Numbers))
}

func (WelchT) over(reference, current mean) (Score, bool) {
	if reference.rows < 2 || current.rows < 2 {
		return Score{}, false
	}
	r, c := reference.variance/(reference.rows-1), current.variance/(current.rows-1) // of the means
	t := (current.value - reference.value) / math.Sqrt(r+c)
	// Shares, because the square of a small variance may be 0.
	r, c = r/(r+c), c/(r+c)
	df := 1 / (r*r/(reference.rows-1) + c*c/(current.rows-1))
	if !isFinite(t) || !isFinite(df) {
		return Score{}, false
	}
	return Score{Value: t, Expected: new(0.0), PValue: new(pvalue.StudentTwoSided(t, df))}, true
}

// mean is the mean of some rows and their population variance.
type mean struct{ rows, value, variance float64 }

func profileMean(f *profile.Feature) mean {
	value, ok := f.Moments.Mean()
	deviation, known := f.Moments.StdDev()
	switch {
	case !ok || !known:
		return mean{}
	case f.Moments.Min == f.Moments.Max:
		return mean{float64(f.Moments.Count), f.Moments.Min, 0}
	}
	return mean{float64(f.Moments.Count), value, deviation * deviation}
}

// sampleMean is that of sorted numbers.
func sampleMean(sorted []float64) mean {
	if len(sorted) == 0 {
		return mean{}
	}
	rows := float64(len(sorted))
	if sorted[0] == sorted[len(sorted)-1] {
		return mean{rows, sorted[0], 0}
	}
	m := profile.Moments{Center: sorted[len(sorted)/2]}
	for _, x := range sorted {
		m.Add(x)
	}
	value, ok := m.Mean()
	if !ok {
		return mean{}
	}
	m = profile.Moments{Center: value}
	for _, x := range sorted {
		m.Add(x)
	}
	deviation, ok := m.StdDev()
	if !ok {
		return mean{}
	}
	return mean{rows, value, deviation * deviation}
}

// finiteValues says whether there are values and the moments are of all of them.
func finiteValues(f *profile.Feature) bool {
	return f.Moments.Count > 0 && f.Inf == 0 && f.Moments.Count == sum(f.Bins)
}
