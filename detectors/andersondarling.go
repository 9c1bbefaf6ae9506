package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// AndersonDarling is the standardised two-sample Anderson-Darling statistic (A - 1)/sigma, where A is nm/N times the
// mean over all N = n+m values of (F_ref - F_cur)^2 / (H (1-H)), H being the distribution function of all of them:
// like [CramerVonMises], with more weight on the tails. sigma is the standard deviation of A without drift. Ties are
// counted by mid-ranks. Infinite values count as what they are.
//
// From profiles the values in a bin are taken to lie evenly spread, in step with each other. The bounds are those of
// every order of them, ties included; there is no upper one when a single bin of several values holds everything.
//
// Range about -1.3 (nothing differs) up; it grows with the number of rows. Symmetric in reference and current.
// Undefined for categorical features, when either has no present values, for fewer than four together, and when all
// values are equal.
//
// Expected is 0. The p-value is interpolated in a table, so it is 0.25 for 0.25 and more, and 0.001 for 0.001 and less.
//
// Source: Scholz and Stephens, "K-sample Anderson-Darling tests", JASA 82 (1987), formulas 7 and 4; as scipy's
// anderson_ksamp with mid-ranks.
type AndersonDarling struct{}

// Name is "anderson_darling".
func (AndersonDarling) Name() string { return "anderson_darling" }

// Score is the statistic with values evenly spread over their bins.
func (a AndersonDarling) Score(reference, current *profile.Feature) (Score, bool) {
	s, ok := binSteps(reference, current)
	if !ok {
		return Score{}, false
	}
	return a.over(s)
}

// Exact is the statistic over all values.
func (a AndersonDarling) Exact(reference, current *Sample) (Score, bool) {
	s, ok := sampleSteps(reference, current)
	if !ok {
		return Score{}, false
	}
	return a.over(s)
}

func (AndersonDarling) over(s steps) (Score, bool) {
	rows := float64(s.reference + s.current)
	if rows < 4 {
		return Score{}, false
	}
	smaller := float64(min(s.reference, s.current)) / rows
	var value, lower, upper float64
	open := false
	for step, p := range s.paths {
		if !s.spread(step) {
			if p.dh == 1 {
				return Score{}, false
			}
			mean, h := p.a+(p.p-p.q)/2, p.h+p.dh/2
			figure := p.dh * mean * mean / (h*(1-h) - p.dh/4)
			value += figure
			lower += figure
			upper += figure
			continue
		}
		open = true
		least, most := p.weighted(smaller)
		lower += least
		upper += most
		value += min(max(p.weightedSlope(), least), most)
	}
	scale := (rows - 1) / rows * rows * float64(s.reference) / rows * float64(s.current) / rows
	sigma := andersonDeviation(float64(s.reference), float64(s.current))
	standard := func(sum float64) float64 { return (scale*sum - 1) / sigma }
	result := Score{Value: standard(value), Expected: new(0.0)}
	result.bracket(standard(lower), standard(upper), open)
	result.Tail = func() float64 { return pvalue.AndersonDarling(result.Value) }
	return result, isFinite(result.Value)
}

// weightedSlope is the integral of D^2/(H(1-H)) dH when the rows come evenly mixed.
func (p path) weightedSlope() float64 {
	total := 0.0
	for _, node := range gauss {
		d, h := p.a+node.at*(p.p-p.q), p.h+node.at*p.dh
		total += node.weight * d * d / (h * (1 - h))
	}
	return total * p.dh
}

// weighted are the least and the most that the sum over values of dH D^2/W may be over all orders and ties of the
// step's rows, where W = H(1-H) - dH/4 at the middle of a value's own rise. Smaller is the share of the smaller sample.
//
// W = (3x + y - (x+y)^2)/4 for a rise of H from x to y. It is concave, so least at a corner of the triangle of all
// rises within the step, and at most H(1-H). From the first step on D = 0, D is at most the larger of p and q and at
// most H over smaller, and W is at least y(1-y)/4; the last step mirrors it.
func (p path) weighted(smaller float64) (least, most float64) {
	x, y := p.h, p.h+p.dh
	largest := max(x*(1-x), y*(1-y))
	if x < 0.5 && y > 0.5 {
		largest = 0.25
	}
	step := max(p.p, p.q)
	low, high := p.bounds()
	least = max(0, low-p.dh*step*step/12) / largest
	switch rest := 1 - y; {
	case x == 0 && rest < p.dh*1e-9:
		return least, math.Inf(1)
	case x == 0:
		most = 4 * step * p.dh / (smaller * rest)
	case rest < p.dh*1e-9:
		most = 4 * step * p.dh / (smaller * x)
	default:
		most = high / min(x*(1-x), y*rest, (3*x+y-(x+y)*(x+y))/4)
	}
	return least, most
}

// andersonDeviation is the standard deviation of A for samples of n and m values.
func andersonDeviation(n, m float64) float64 {
	rows := n + m
	harmonic, squares := harmonics(rows - 1)
	inverse := 1/n + 1/m
	h, g := harmonic, squares-2*harmonic/rows // g is the double sum of Scholz and Stephens in closed form
	a := 4*g - 6 + (10-6*g)*inverse
	b := 4*(2*g-4) + 16*h + (2*g-14*h-4)*inverse - 8*h + 4*g - 6
	c := 4*(6*h+2*g-2) + 2*(4*h-4*g+6) + (2*h-6)*inverse + 4*h
	d := 4*(2*h+6) - 8*h
	return math.Sqrt((a + (b+(c+d/rows)/rows)/rows) / ((1 - 1/rows) * (1 - 2/rows) * (1 - 3/rows)))
}

// harmonics are the sums of 1/k and of 1/k^2 for k from 1 to n: for large n by the formula of Euler and Maclaurin.
func harmonics(n float64) (first, second float64) {
	const eulerGamma = 0.57721566490153286060651209008240243
	if n > 30 {
		y := 1 / (n * n)
		first = math.Log(n) + eulerGamma + 1/(2*n) - y*(1./12-y*(1./120-y/252))
		second = math.Pi*math.Pi/6 - 1/n + y/2 - y/n*(1./6-y*(1./30-y/42))
		return first, second
	}
	for k := 1.0; k <= n; k++ {
		first += 1 / k
		second += 1 / (k * k)
	}
	return first, second
}
