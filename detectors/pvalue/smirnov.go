package pvalue

import "math"

// smirnov is the probability that the one-sided Kolmogorov-Smirnov distance of n values to their own continuous
// distribution is at least d, 0 < d < 1:
//
//	sum over j from 0 to n(1-d) of d/(d+j/n) C(n,j) (d+j/n)^j (1-d-j/n)^(n-j)
//
// All terms are positive, so it has its digits in the far tail too. For large n the terms are the values of a smooth
// function of j/n that is flat at both ends; then every so-manieth of them is enough (the trapezoidal rule).
//
// Source: Smirnov 1944; Birnbaum and Tingey, "One-sided confidence contours for probability distribution functions",
// Annals of Mathematical Statistics 22 (1951).
func smirnov(n, d float64) float64 {
	const direct, nodes = 400, 160
	total := 0.0
	if n <= direct {
		for j := 0.0; j <= n*(1-d); j++ {
			total += smirnovTerm(n, d, j)
		}
		return total
	}
	stride := n * (1 - d) / nodes
	for k := 1.0; k < nodes; k++ {
		total += smirnovTerm(n, d, k*stride)
	}
	return total * stride
}

// smirnovTerm is d/(d+x) times the binomial probability of j in n for the share d+x, where x = j/n. The probability is
// exp(-n KL(x, d+x)) with what Stirling's formula leaves, as in Loader, "Fast and accurate computation of binomial
// probabilities" (2000), so that large logarithms do not cancel.
func smirnovTerm(n, d, j float64) float64 {
	above, rest := d+j/n, n-j
	below := 1 - above
	if j == 0 {
		return math.Exp(n * math.Log1p(-d))
	}
	if below <= 0 {
		return 0
	}
	exponent := -j*math.Log1p(-d/above) - rest*math.Log1p(d/below) + stirlingError(n) - stirlingError(j) - stirlingError(rest)
	return d / above * math.Exp(exponent) * math.Sqrt(n/(2*math.Pi*j*rest))
}
