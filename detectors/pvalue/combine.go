package pvalue

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// The combinations give one p-value for the hypothesis that all of several independent tests' hypotheses hold. Of no
// tests it is 1.

// CombineFisher weighs one small p-value much: -2 sum ln p is chi-square with 2n degrees of freedom (Fisher 1932).
func CombineFisher(p []float64) float64 {
	total := 0.0
	for _, v := range p {
		total -= 2 * math.Log(v)
	}
	if math.IsInf(total, 1) {
		return 0
	}
	return ChiSquare(total, 2*float64(len(p)))
}

// CombinePearson weighs one large p-value much: -2 sum ln(1-p) is chi-square, and small when p-values are (Pearson 1933).
func CombinePearson(p []float64) float64 {
	total := 0.0
	for _, v := range p {
		total -= 2 * math.Log1p(-v)
	}
	switch {
	case len(p) == 0 || math.IsInf(total, 1):
		return 1
	case total <= 0:
		return 0
	}
	return mathext.GammaIncReg(float64(len(p)), total/2)
}

// CombineStouffer weighs all alike: the sum of the normal scores over sqrt(n) is standard normal (Stouffer 1949). When
// one p-value is 0 and another 1 they say opposite things for certain, and the combination is 1: nothing is rejected.
func CombineStouffer(p []float64) float64 {
	if len(p) == 0 {
		return 1
	}
	total := 0.0
	zero := false
	for _, v := range p {
		switch {
		case v >= 1:
			return 1
		case v <= 0:
			zero = true
		default:
			total -= mathext.NormalQuantile(v)
		}
	}
	if zero {
		return 0
	}
	return Normal(total / math.Sqrt(float64(len(p))))
}

// CombineTippett looks at the smallest p-value only (Tippett 1931).
func CombineTippett(p []float64) float64 {
	if len(p) == 0 {
		return 1
	}
	least := 1.0
	for _, v := range p {
		least = min(least, v)
	}
	return anyOf(least, len(p))
}
