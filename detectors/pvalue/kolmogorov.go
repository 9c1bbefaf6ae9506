package pvalue

import "math"

// Kolmogorov is the probability that the two-sided Kolmogorov-Smirnov distance of n values to their own continuous
// distribution is at least d. n is a whole number; of no values it is 1. The relative error is below 1e-10 for n of at
// most 140 and below 5e-6 for more.
//
// In the tail it is twice the one-sided probability, since the two sides exclude each other or as good as. In the
// middle it is 1 minus Durbin's matrix for n of at most 140 and minus the expansion of Pelz and Good for more, but for
// the left end of middling n, where that is not yet good.
//
// Source: Marsaglia, Tsang and Wang, "Evaluating Kolmogorov's distribution", Journal of Statistical Software 8 (2003);
// Pelz and Good, "Approximating the lower tail-areas of the Kolmogorov-Smirnov one-sample statistic", JRSS B 38 (1976);
// where to use which: Simard and L'Ecuyer, "Computing the two-sided Kolmogorov-Smirnov distribution", Journal of
// Statistical Software 39 (2011).
func Kolmogorov(n, d float64) float64 {
	switch square := n * d * d; {
	case n < 1 || 2*n*d <= 1:
		return 1
	case d >= 1 || square >= 370: // less than 1e-320
		return 0
	case d >= 0.5 || square >= 4 || n > 140 && square >= 2.2:
		return min(1, 2*smirnov(n, d))
	case n > 400, n > 140 && n*d*math.Sqrt(d) > 1.4:
		return min(max(1-pelzGood(n, math.Sqrt(square)), 0), 1)
	}
	return min(max(1-durbin(int(n), d), 0), 1)
}

// durbin is the probability of a distance below d: n!/n^n times the middle of the n-th power of a matrix that has
// 1/(i-j+1)! in row i and column j of its lower part, with corrections in the first column and the last row. The
// middle row is multiplied through the n factors.
func durbin(n int, d float64) float64 {
	k := int(float64(n)*d) + 1
	h := float64(k) - float64(n)*d
	size := 2*k - 1
	inverse, powers := make([]float64, size+1), make([]float64, size+1) // 1/i! and h^i/i!
	inverse[0], powers[0] = 1, 1
	for i := 1; i <= size; i++ {
		inverse[i] = inverse[i-1] / float64(i)
		powers[i] = powers[i-1] * h / float64(i)
	}
	corner := math.Pow(max(2*h-1, 0), float64(size)) * inverse[size]
	row, next := make([]float64, size), make([]float64, size)
	row[k-1] = 1
	for step := range n {
		scale := float64(step+1) / float64(n)
		last := row[size-1]
		for j := range next {
			total := -last * powers[size-j]
			from := max(j-1, 0)
			for i, x := range row[from:min(size, from+20)] { // 1/20! is less than a rounding error
				total += x * inverse[from+i-j+1]
			}
			next[j] = scale * total
		}
		for i, x := range row {
			next[0] -= scale * x * powers[i+1]
		}
		next[0] += scale * last * corner
		row, next = next, row
	}
	return row[k-1]
}

// pelzGood is the probability of a distance below z/sqrt(n), to terms of n^-3/2.
func pelzGood(n, z float64) float64 {
	z2 := z * z
	z4, z6 := z2*z2, z2*z2*z2
	var k0, k1, k2, k3, even2, even3 float64
	for i := range 12 {
		odd := float64(2*i+1) / 2
		x := math.Pi * math.Pi * odd * odd
		e := 2 * math.Exp(-x/(2*z2)) // for odd and for -odd
		k0 += e
		k1 += e * (x - z2)
		k2 += e * (6*z6 + 2*z4 + (2*z4-5*z2)*x + (1-2*z2)*x*x)
		k3 += e * (x*x*x*(5-30*z2) + x*x*(212*z4-60*z2) + x*(135*z4-96*z6) - 30*z6 - 90*z4*z4)
		x = math.Pi * math.Pi * float64(i*i)
		e = 2 * math.Exp(-x/(2*z2))
		even2 += e * x
		even3 += e * (3*z2*x - x*x)
	}
	root := math.Sqrt(math.Pi / 2)
	k0 *= root / z
	k1 *= root / (6 * z4)
	k2 = root * (k2/(72*z6*z) - even2/(36*z2*z))
	k3 = root * (k3/(6480*z6*z4) + even3/(216*z6))
	s := math.Sqrt(n)
	return k0 + k1/s + k2/n + k3/(n*s)
}
