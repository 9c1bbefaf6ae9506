package budget

import "math"

// Kind is what a bet says has happened.
type Kind uint8

// The kinds.
const (
	Higher   Kind = iota // the numbers
	Lower                // the numbers
	Wider                // the numbers' spread
	Narrower             // the numbers' spread
	Evener               // rare categories have more of the records, frequent ones fewer
	Steeper              // the reverse
	Share                // one range or category has more, or fewer, of the records
	Special              // more or fewer records are missing, invalid or new
	Shape                // what the bets that learn found
	kinds
)

// The weights of the classes of bets. Those that a feature has no bet of are left out, and the others share theirs.
const (
	weightShift    = 0.45
	weightSpread   = 0.18
	weightMix      = 0.36
	weightShare    = 0.18
	weightSpecial  = 0.09
	weightAdaptive = 0.10
)

func (k Kind) weight() float64 {
	switch k {
	case Higher, Lower:
		return weightShift
	case Wider, Narrower:
		return weightSpread
	case Evener, Steeper:
		return weightMix
	case Share:
		return weightShare
	case Special:
		return weightSpecial
	}
	return weightAdaptive
}

// The sizes of the alternatives: how much of what is left beyond the tolerance has moved.
var (
	shiftSizes   = []float64{0.05, 0.12, 0.25, 0.5}
	spreadSizes  = []float64{0.08, 0.2, 0.4}
	mixSizes     = []float64{0.07, 0.2}
	groupSizes   = []float64{0.06, 0.25}
	shareSizes   = []float64{0.04, 0.15, 0.4} // of a category, or a special cell
	fallingSizes = []float64{0.3, 0.7}        // of its share, that a category or special cell loses
)

// specialPart of the least effect is the tolerance for special cells: a record that goes missing is worse than one that moves.
const specialPart = 4

// bet is an alternative as it is meant, whatever the reference.
type bet struct {
	kind  Kind
	size  float64
	group int  // of kinds Share and Special
	down  bool // the group's share falls
}

// alternatives lists the bets that a feature could have, in order.
func (c *Cells) alternatives() []bet {
	var all []bet
	if c.Ordered {
		for _, g := range shiftSizes {
			all = append(all, bet{kind: Higher, size: g}, bet{kind: Lower, size: g})
		}
		for _, g := range spreadSizes {
			all = append(all, bet{kind: Wider, size: g}, bet{kind: Narrower, size: g})
		}
	}
	if !c.Ordered {
		for _, g := range mixSizes {
			all = append(all, bet{kind: Evener, size: g}, bet{kind: Steeper, size: g})
		}
	}
	for group := range c.count {
		kind, up, down := Share, shareSizes, fallingSizes
		switch {
		case group >= c.count-c.Special:
			kind = Special
		case c.Ordered:
			up, down = groupSizes, nil
		}
		for _, g := range up {
			all = append(all, bet{kind, g, group, false})
		}
		for _, g := range down {
			all = append(all, bet{kind, g, group, true})
		}
	}
	return all
}

// normal is the standard normal distribution function, quantile its inverse.
func normal(x float64) float64   { return math.Erfc(-x/math.Sqrt2) / 2 }
func quantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }

// places are where a standard normal distribution has the reference's shares of the numbers: the upper ends of the cells
// but the last one.
func (c *Cells) places(p []float64) []float64 {
	total := 0.0
	for _, x := range p[:c.Values] {
		total += x
	}
	places, below := make([]float64, max(c.Values-1, 0)), 0.0
	for k := range places {
		below += p[k]
		places[k] = quantile(below / total)
	}
	return places
}

// mix returns the shares of the cells when the categories' shares have been raised to a power, which makes them more even
// below 1 and less above, so that they have moved by the total variation t, or as far as they can. Special cells keep
// their shares.
func (c *Cells) mix(kind Kind, p []float64, t float64) []float64 {
	total := 0.0
	for _, x := range p[:c.Values] {
		total += x
	}
	h := append([]float64(nil), p...)
	near, far := 1.0, 0.0
	if kind == Steeper {
		far = mostPower
	}
	for range 40 {
		power, sum := (near+far)/2, 0.0
		for k, x := range p[:c.Values] {
			h[k] = math.Pow(x/total, power)
			sum += h[k]
		}
		distance := 0.0
		for k, x := range p[:c.Values] {
			h[k] *= total / sum
			distance += math.Abs(h[k]-x) / 2
		}
		if distance < t*total {
			near = power
		} else {
			far = power
		}
	}
	return h
}

// mostPower leaves, of any shares, nearly all to the most frequent category.
const mostPower = 32

// tilt returns the shares of the cells when the numbers, taken for normally distributed at the places that the reference
// gives them, have moved or spread by the total variation t. Special cells keep their shares.
func (c *Cells) tilt(kind Kind, p, places []float64, t float64) []float64 {
	shift, scale := 0.0, 1.0
	switch kind {
	case Higher:
		shift = 2 * quantile((1+t)/2)
	case Lower:
		shift = -2 * quantile((1+t)/2)
	case Wider:
		scale = scaleFor(t)
	case Narrower:
		scale = 1 / scaleFor(t)
	}
	total := 0.0
	for _, x := range p[:c.Values] {
		total += x
	}
	h := append([]float64(nil), p...)
	before := 0.0
	for k := range c.Values {
		upTo := 1.0
		if k < len(places) {
			upTo = normal((places[k] - shift) / scale)
		}
		h[k], before = (upTo-before)*total, upTo
	}
	return h
}

// scaleFor is the standard deviation above 1 at which a normal distribution is the total variation t from the standard one;
// its inverse is the one below 1. The distance is concave in it, so that Newton's steps come from below.
func scaleFor(t float64) float64 {
	s := 1 + 2*t
	for range 100 {
		x := math.Sqrt(2 * math.Log(s) / (1 - 1/(s*s))) // where the two densities cross
		density := math.Exp(-x*x/(2*s*s)) / math.Sqrt(2*math.Pi)
		step := (t - 2*(normal(x)-normal(x/s))) * s * s / (2 * density * x)
		s += step
		if step <= 1e-15*s {
			break
		}
	}
	return s
}
