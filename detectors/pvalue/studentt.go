package pvalue

import "math"

// StudentTwoSided is the probability that a variable of Student's t distribution with df > 0 degrees of freedom is at
// least as far from 0 as t: the regularised incomplete beta function I(x; df/2, 1/2) at x = df/(df + t^2).
//
// Source: Student, "The probable error of a mean", Biometrika 6 (1908).
func StudentTwoSided(t, df float64) float64 {
	if t == 0 {
		return 1
	}
	a, x, y := df/2, 1/(1+t/df*t), 1/(1+df/t/t) // x + y = 1
	// x^a y^(1/2) / B(a, 1/2); the logarithm of x is taken from the smaller of the two.
	log := math.Log(x)
	if y < 0.5 {
		log = math.Log1p(-y)
	}
	front := math.Exp(a*log) * math.Sqrt(y/math.Pi) * gammaRatio(a)
	if y > 1.5/(a+2.5) {
		return min(1, front/a*betaFraction(a, 0.5, x))
	}
	return max(0, 1-2*front*betaFraction(0.5, a, y))
}

// gammaRatio is G(a+1/2)/G(a), G being the gamma function.
func gammaRatio(a float64) float64 {
	if a < 50 {
		above, _ := math.Lgamma(a + 0.5)
		below, _ := math.Lgamma(a)
		return math.Exp(above - below)
	}
	// The series in 1/a (Tricomi and Erdélyi 1951).
	y := 1 / a
	return math.Sqrt(a) * (1 - y*(1./8-y*(1./128+y*(5./1024-y*(21./32768+y*(399./262144))))))
}

// betaFraction is the continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22).
func betaFraction(a, b, x float64) float64 {
	const tiny = 1e-300
	nonzero := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/nonzero(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m < 10_000; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/nonzero(1+even*d), nonzero(1+even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/nonzero(1+odd*d), nonzero(1+odd/c)
		step := d * c
		f *= step
		if math.Abs(step-1) < 1e-15 {
			break
		}
	}
	return f
}
