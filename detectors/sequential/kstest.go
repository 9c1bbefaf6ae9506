package sequential

// ksExceeds is the exact probability that the two-sample Kolmogorov-Smirnov distance of two samples of n values each,
// of one continuous distribution, is h/n or more:
//
//	2 (C(2n, n-h) - C(2n, n-2h) + C(2n, n-3h) - ...) / C(2n, n)
//
// For h from 0 to n; 1 when h is 0. Right to 1e-9 for n up to 10,000.
//
// Source: Gnedenko and Korolyuk 1951; Hodges, "The Significance Probability of the Smirnov Two-Sample Test", Arkiv foer
// Matematik 3 (1958).
func ksExceeds(n, h int) float64 {
	if h == 0 {
		return 1
	}
	sum, sign, term := 0.0, 1.0, 1.0
	for at := 0; at+h <= n && term > 0; at += h { // term is C(2n, n-at) / C(2n, n)
		for j := at; j < at+h; j++ {
			term *= float64(n-j) / float64(n+j+1)
		}
		sum += float64(sign * term)
		sign = -sign
	}
	return min(2*sum, 1)
}

// ksSteps is n times the Kolmogorov-Smirnov distance of two sorted samples of n values each: the largest difference of
// the numbers of values that are x or less, over all x.
func ksSteps(a, b []float64) int {
	steps := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		x := min(a[i], b[j])
		for i < len(a) && a[i] == x {
			i++
		}
		for j < len(b) && b[j] == x {
			j++
		}
		steps = max(steps, i-j, j-i)
	}
	return steps
}
