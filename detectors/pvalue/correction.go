package pvalue

import (
	"math"
	"slices"
)

// The corrections take the p-values of several tests and return adjusted ones in the same order: rejecting what is
// adjusted to at most alpha keeps the error below alpha. Bonferroni to Hommel keep the probability of any false
// rejection, BenjaminiHochberg and BenjaminiYekutieli the expected share of false ones among the rejections. An
// adjusted value is never below the one given nor above 1.

// Bonferroni multiplies by the number of tests. It holds whatever the dependence of the tests.
func Bonferroni(p []float64) []float64 {
	return stepwise(p, alone, func(v float64, _, n int) float64 { return v * float64(n) })
}

// Sidak is exact for independent tests: 1 - (1-p)^n (Šidák 1967).
func Sidak(p []float64) []float64 {
	return stepwise(p, alone, func(v float64, _, n int) float64 { return anyOf(v, n) })
}

// Holm rejects all that [Bonferroni] does and more, under the same conditions (Holm 1979).
func Holm(p []float64) []float64 {
	return stepwise(p, down, func(v float64, rank, n int) float64 { return v * float64(n-rank) })
}

// HolmSidak is [Holm] with Šidák's factors, for independent tests.
func HolmSidak(p []float64) []float64 {
	return stepwise(p, down, func(v float64, rank, n int) float64 { return anyOf(v, n-rank) })
}

// Hochberg is Holm's from the largest p-value down, for independent or positively dependent tests (Hochberg 1988).
func Hochberg(p []float64) []float64 {
	return stepwise(p, up, func(v float64, rank, n int) float64 { return v * float64(n-rank) })
}

// BenjaminiHochberg controls the false discovery rate of independent or positively dependent tests (Benjamini and
// Hochberg 1995).
func BenjaminiHochberg(p []float64) []float64 {
	return stepwise(p, up, func(v float64, rank, n int) float64 { return v * float64(n) / float64(rank+1) })
}

// BenjaminiYekutieli controls the false discovery rate whatever the dependence (Benjamini and Yekutieli 2001).
func BenjaminiYekutieli(p []float64) []float64 {
	harmonic := 0.0
	for k := range p {
		harmonic += 1 / float64(k+1)
	}
	return stepwise(p, up, func(v float64, rank, n int) float64 { return v * float64(n) * harmonic / float64(rank+1) })
}

// Hommel is the closed test over Simes' test: it rejects all that [Hochberg] does and more, under the same conditions.
// It takes the square of the number of tests in steps.
//
// Source: Hommel 1988, by the algorithm of Wright, "Adjusted P-Values for Simultaneous Inference", Biometrics 48 (1992).
func Hommel(p []float64) []float64 {
	order := ranks(p)
	n := len(p)
	adjusted := slices.Clone(p)
	for m := n; m > 1; m-- { // Simes' test of the m largest
		simes := math.Inf(1)
		for k, i := range order[n-m:] {
			simes = min(simes, float64(m)*p[i]/float64(k+1))
		}
		for rank, i := range order {
			bound := simes
			if rank < n-m {
				bound = min(simes, float64(m)*p[i])
			}
			adjusted[i] = min(1, max(adjusted[i], bound))
		}
	}
	return adjusted
}

// The ways in which an adjusted value depends on those of other tests.
const (
	alone = iota
	down  // at least those of smaller p-values
	up    // at most those of larger p-values
)

// stepwise adjusts each value, given its rank among n from 0 on, in one of the ways.
func stepwise(p []float64, way int, adjust func(v float64, rank, n int) float64) []float64 {
	order := ranks(p)
	adjusted := make([]float64, len(p))
	for rank, i := range order {
		adjusted[i] = min(1, adjust(p[i], rank, len(p)))
	}
	switch way {
	case down:
		for k := 1; k < len(order); k++ {
			adjusted[order[k]] = max(adjusted[order[k]], adjusted[order[k-1]])
		}
	case up:
		for k := len(order) - 2; k >= 0; k-- {
			adjusted[order[k]] = min(adjusted[order[k]], adjusted[order[k+1]])
		}
	}
	return adjusted
}

// ranks are the places of p by rising value.
func ranks(p []float64) []int {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case p[i] < p[j]:
			return -1
		case p[i] > p[j]:
			return 1
		}
		return 0
	})
	return order
}

// anyOf is the probability that one of n independent events of probability p happens.
func anyOf(p float64, n int) float64 { return -math.Expm1(float64(n) * math.Log1p(-p)) }
