package budget

import (
	"math"
	"slices"
)

// clipper is the memory that clip works in.
type clipper struct {
	order [MaxCells]int
	ratio [MaxCells]float64 // h/p, then clipped
}

// clip returns the likelihood ratio of h against p, clipped to [a, b] so that its mean under every distribution within
// the total variation d of p is at most its mean under p plus d (b - a): Huber's least favourable pair. It is false when
// h itself lies within d of p. The ratios are in c; p is above 0 everywhere.
func (c *clipper) clip(p, h []float64, d float64) ([]float64, bool) {
	order, ratio := c.order[:len(p)], c.ratio[:len(p)]
	for k := range p { // insertion: most alternatives come nearly in order, up or down
		ratio[k] = h[k] / p[k]
		i := k
		for ; i > 0 && ratio[order[i-1]] < ratio[k]; i-- {
			order[i] = order[i-1]
		}
		order[i] = k
	}
	var a, b, ps, hs float64
	for _, k := range order {
		ps, hs = ps+p[k], hs+h[k]
		b = max(b, hs/(ps+d))
	}
	a, ps, hs = math.Inf(1), 0, 0
	for _, k := range slices.Backward(order) {
		ps, hs = ps+p[k], hs+h[k]
		if ps > d {
			a = min(a, hs/(ps-d))
		}
	}
	if b <= 1 || a >= 1 {
		return nil, false
	}
	for k, r := range ratio {
		ratio[k] = min(max(r, a), b)
	}
	return ratio, true
}

// spread is the mean, the standard deviation and the range of L under p.
func spread(p, l []float64) (mean, deviation, width float64) {
	var square float64
	low, high := math.Inf(1), math.Inf(-1)
	for k, x := range l {
		mean += p[k] * x
		square += p[k] * x * x
		low, high = min(low, x), max(high, x)
	}
	return mean, math.Sqrt(max(square-mean*mean, 0)), high - low
}
