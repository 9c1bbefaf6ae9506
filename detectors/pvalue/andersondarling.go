package pvalue

import "math"

// AndersonDarling is the probability that the standardised Anderson-Darling statistic of two samples is at least x,
// between 0.001 and 0.25: the logarithms of the tabled probabilities, as a quadratic function of their points. Beyond
// the table it is the probability at the table's end.
//
// Source: Scholz and Stephens, "K-sample Anderson-Darling tests", JASA 82 (1987), table 2 and section 5.
func AndersonDarling(x float64) float64 {
	first, last := 0, len(andersonPoints)-1
	switch {
	case x < andersonPoints[first]:
		return andersonLevels[first]
	case x > andersonPoints[last]:
		return andersonLevels[last]
	}
	// Least squares, by the three polynomials that are orthogonal on the points.
	count, mean, logs := float64(len(andersonPoints)), 0.0, 0.0
	for i, p := range andersonPoints {
		mean += p / count
		logs += math.Log(andersonLevels[i]) / count
	}
	var square, cube, slope float64
	for i, p := range andersonPoints {
		u := p - mean
		square += u * u
		cube += u * u * u
		slope += u * math.Log(andersonLevels[i])
	}
	quadratic := func(u float64) float64 { return u*u - cube/square*u - square/count }
	var norm, bend float64
	for i, p := range andersonPoints {
		q := quadratic(p - mean)
		norm += q * q
		bend += q * math.Log(andersonLevels[i])
	}
	return math.Exp(logs + slope/square*(x-mean) + bend/norm*quadratic(x-mean))
}

// The table for two samples: the upper points at the levels, b0 + b1 + b2 of Scholz and Stephens.
var (
	andersonLevels = [...]float64{0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001}
	andersonPoints = [...]float64{
		0.675 - 0.245 - 0.105, 1.281 + 0.250 - 0.305, 1.645 + 0.678 - 0.362, 1.960 + 1.149 - 0.391,
		2.326 + 1.822 - 0.396, 2.573 + 2.364 - 0.345, 3.085 + 3.615 - 0.154,
	}
)
