package pvalue

import "gonum.org/v1/gonum/mathext"

// ChiSquare is the probability that a chi-square variable with df degrees of freedom is at least x: the regularised
// upper incomplete gamma function Q(df/2, x/2). With no degrees of freedom the variable is 0.
//
// Source: Pearson, "On the criterion that a given system of deviations ...", Philosophical Magazine 50 (1900).
func ChiSquare(x, df float64) float64 {
	switch {
	case x <= 0:
		return 1
	case df <= 0:
		return 0
	}
	return mathext.GammaIncRegComp(df/2, x/2)
}
