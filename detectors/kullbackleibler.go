package detectors

import (
	"math"

	"tidemark/detectors/pvalue"
	"tidemark/profile"
)

// KullbackLeibler is the relative entropy of the reference to the current: the sum over cells of r ln(r/c), where r and
// c are the cell's shares of the present values in reference and current, each raised to at least 0.0001 (and not
// scaled down again), and ln is the natural logarithm, so it is in nats. The cells are those of [PSI].
//
// Range 0 to about 9.2, and below 0 by no more than 0.0001 a cell, where the floor was needed; larger is more drift.
// Not symmetric: values that the reference has and the current has not count most. Undefined when either has no
// present values.
//
// Expected is (B-1)(1/n + 1/m)/2 for n and m rows and B cells that are not empty on both sides. The p-value is that of
// twice the divergence over shares (count + 1/2)/(rows + B/2), divided by 1/n + 1/m: chi-square with B-1 degrees of
// freedom.
//
// Source: Kullback and Leibler, "On Information and Sufficiency", Annals of Mathematical Statistics 22 (1951).
type KullbackLeibler struct{}

// Name is "kullback_leibler".
func (KullbackLeibler) Name() string { return "kullback_leibler" }

// Score is the divergence over the baseline's cells.
func (k KullbackLeibler) Score(reference, current *profile.Feature) (Score, bool) {
	return binned(reference, current, k.over, k.least)
}

// Exact is the divergence over the reference's deciles, or its categories.
func (k KullbackLeibler) Exact(reference, current *Sample) (Score, bool) {
	return exact(reference, current, k.over)
}

func (KullbackLeibler) over(c cells) Score {
	s := c.sizes()
	value := 0.0
	for i := range c.reference {
		r, q := c.floored(s, i)
		value += kullbackLeiblerTerm(r, q)
	}
	return Score{Value: value, Expected: new(s.freedom * s.noise / 2), Tail: func() float64 {
		return pvalue.ChiSquare(2*c.smooth(s, kullbackLeiblerTerm)/s.noise, s.freedom)
	}}
}

func kullbackLeiblerTerm(r, q float64) float64 { return r * math.Log(r/q) }

// least is the least that the divergence can be by name, by the log sum inequality: r ln(r/q) at the largest q that
// the joined categories' floors may add up to, and at the r, among those that they may, where it is least.
func (KullbackLeibler) least(c cells) float64 {
	s := c.sizes()
	total := 0.0
	for i := range c.reference {
		r, q, slack := c.bounds(s, i)
		q += slack
		r = min(max(r, q/math.E), r+slack)
		total += r * math.Log(r/q)
	}
	return total
}
