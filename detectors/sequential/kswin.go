package sequential

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"
)

// KSWIN compares the distribution of the newest values with that of the older ones by the Kolmogorov-Smirnov test, so
// it sees changes of shape and scale too.
//
// Of a window of the newest window_size values it draws stat_size of the older ones at random, without replacement and
// not among the newest stat_size, and tests them against those. Drift is when the exact p-value is at most alpha and
// the distance over 0.1. It takes any number up to 1e100 in size and never warns. It tests at every value, so it raises
// many false alarms: about 1.4 in 1,000 values by default.
//
// What is drawn depends on the seed and on how many were drawn before, which the state has, so equal streams give equal
// detections.
//
// Source: Raab, Heusinger and Schleif, "Reactive Soft Prototype Computing for Concept Drift Streams", Neurocomputing
// 416 (2020).
type KSWIN struct {
	params KSWINParams
	least  int // steps of the distance that are drift

	drifted bool
	window  []float64 // a ring once it is full
	oldest  int       // its place in the ring
	random  random

	older, newer []float64    // of the last test, reused
	picks        func() []int // for tests: draws places of older values, 0 the oldest, in place of random
}

// KSWINParams are the parameters of [KSWIN].
type KSWINParams struct {
	Alpha      float64 // p-value at or under which there is drift, 0 to 1; default 0.005
	WindowSize int     // values in the window, at least twice StatSize; default 100
	StatSize   int     // values on each side of the test, 1 to 10,000; default 30
	Seed       int     // which values are drawn, at least 0; default 0
}

// DefaultKSWIN returns the default parameters.
func DefaultKSWIN() KSWINParams { return KSWINParams{Alpha: 0.005, WindowSize: 100, StatSize: 30} }

func (p *KSWINParams) settings() []setting {
	return []setting{
		number("alpha", &p.Alpha, 0, 1, "p-value at or under which there is drift"),
		whole("window_size", &p.WindowSize, 2, 1_000_000, "values in the window, at least twice stat_size"),
		whole("stat_size", &p.StatSize, 1, 10_000, "values on each side of the test"),
		whole("seed", &p.Seed, 0, maxWhole, "which of the older values are drawn"),
	}
}

func (p *KSWINParams) detector() (Sequential, error) { return NewKSWIN(*p) }

// NewKSWIN returns a detector that has seen nothing.
func NewKSWIN(p KSWINParams) (*KSWIN, error) {
	if err := check("kswin", p.settings()); err != nil {
		return nil, err
	}
	if 2*p.StatSize > p.WindowSize {
		return nil, fmt.Errorf("kswin: stat_size is %d: it must be at most half of window_size, which is %d", p.StatSize, p.WindowSize)
	}
	return &KSWIN{params: p, least: leastSteps(p), random: random(p.Seed)}, nil
}

// leastSteps is the smallest number of steps that is drift; more than there can be if none is. The p-value falls as
// the steps grow, so that no test needs to work it out.
func leastSteps(p KSWINParams) int {
	return sort.Search(p.StatSize+1, func(h int) bool {
		return float64(h)/float64(p.StatSize) > 0.1 && ksExceeds(p.StatSize, h) <= p.Alpha
	})
}

// Update takes a value.
func (d *KSWIN) Update(x float64) Level {
	if !isNumber(x) {
		return Ignored
	}
	if d.drifted {
		d.drifted, d.window, d.oldest = false, d.window[:0], 0
	}
	if len(d.window) < d.params.WindowSize {
		d.window = append(d.window, x)
	} else {
		d.window[d.oldest] = x
		d.oldest = (d.oldest + 1) % len(d.window)
	}
	if len(d.window) < d.params.WindowSize {
		return OK
	}
	if d.steps() < d.least {
		return OK
	}
	d.drifted = true
	return Drift
}

// steps draws from the older values and is the distance to the newer ones, times stat_size.
func (d *KSWIN) steps() int {
	n, all := d.params.StatSize, len(d.window)
	if d.picks != nil {
		d.older = d.older[:0]
		for _, place := range d.picks() {
			d.older = append(d.older, d.window[(d.oldest+place)%all])
		}
	} else {
		d.older = append(append(d.older[:0], d.window[d.oldest:]...), d.window[:d.oldest]...)[:all-n]
		for i := range n { // the beginning of a shuffle by Fisher and Yates
			j := i + d.random.below(len(d.older)-i)
			d.older[i], d.older[j] = d.older[j], d.older[i]
		}
		d.older = d.older[:n]
	}
	d.newer = d.newer[:0]
	for i := all - n; i < all; i++ {
		d.newer = append(d.newer, d.window[(d.oldest+i)%all])
	}
	slices.Sort(d.older)
	slices.Sort(d.newer)
	return ksSteps(d.older, d.newer)
}

// random is SplitMix64, a generator of 64 bits of state.
//
// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is uniform from 0 to n-1.
//
// Source: Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29(1), 2019.
func (r *random) below(n int) int {
	size := uint64(n)
	high, low := bits.Mul64(r.next(), size)
	for low < size && low < -size%size {
		high, low = bits.Mul64(r.next(), size)
	}
	return int(high)
}

func (d *KSWIN) fields(c *codec) {
	c.flag(&d.drifted)
	c.bits((*uint64)(&d.random))
	ordered := slices.Concat(d.window[d.oldest:], d.window[:d.oldest])
	c.floats(&ordered, d.params.WindowSize)
	if c.reading {
		d.window, d.oldest = ordered, 0
	}
}

// MarshalBinary writes the state.
func (d *KSWIN) MarshalBinary() ([]byte, error) {
	return marshal("kswin", d.params.settings(), d.fields)
}

// UnmarshalBinary replaces the state.
func (d *KSWIN) UnmarshalBinary(b []byte) error {
	read := KSWIN{params: d.params, least: d.least, picks: d.picks}
	if err := unmarshal(b, "kswin", d.params.settings(), read.fields); err != nil {
		return err
	}
	*d = read
	return nil
}
