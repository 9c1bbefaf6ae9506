package profile

import "math"

// Moments are the count, sums and range of finite values. The sums are kept around Center (a value near the
// mean, so that squares do not cancel) and compensated, so that any order and grouping of the values gives the
// same mean and variance to about 1e-12 relative.
type Moments struct {
	Center  float64 `json:"-"`
	Count   int64   `json:"count"`
	Sum     Sum     `json:"sum"`
	Squares Sum     `json:"squares"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
}

// Sum is a compensated sum: High+Low, with Low the rounding errors of High (Neumaier 1974).
type Sum struct {
	High float64 `json:"high"`
	Low  float64 `json:"low"`
}

// Add adds x.
func (s *Sum) Add(x float64) { *s = s.plus(x) }

// plus is the sum with x. The rounding error is found without comparing the two (Knuth, TAOCP 2, 4.2.2, theorem B), as
// a processor cannot predict a branch on them.
func (s Sum) plus(x float64) Sum {
	high := s.High + x
	added := high - s.High
	return Sum{high, s.Low + ((s.High - (high - added)) + (x - added))}
}

func (s *Sum) merge(other Sum) {
	s.Add(other.High)
	s.Low += other.Low
}

// Value is the sum.
func (s Sum) Value() float64 { return s.High + s.Low }

// Add counts a finite value.
func (m *Moments) Add(x float64) {
	d := x - m.Center
	m.Count++
	m.Sum.Add(d)
	m.Squares.Add(d * d)
	m.Min = min(m.Min, x)
	m.Max = max(m.Max, x)
}

// addAll counts finite values, and returns how many of them are not whole. It adds some of them up before it adds these to
// the compensated sums: that is off by a few units in the last place of the values' distances from Center.
func (m *Moments) addAll(values []float64) (fractional int64) {
	const some = 32
	center, low, high := m.Center, m.Min, m.Max
	m.Count += int64(len(values))
	for len(values) > 0 {
		block := values[:min(some, len(values))]
		values = values[len(block):]
		sum, squares := 0.0, 0.0
		for _, x := range block {
			if math.Floor(x) < x {
				fractional++
			}
			d := x - center
			sum += d
			squares += d * d
			if x <= low {
				low = min(low, x)
			}
			if x >= high {
				high = max(high, x)
			}
		}
		m.Sum.Add(sum)
		m.Squares.Add(squares)
	}
	m.Min, m.Max = low, high
	return fractional
}

// add counts n times the finite value x.
func (m *Moments) add(x float64, n int64) {
	d, rows := x-m.Center, float64(n)
	m.Count += n
	m.Sum.Add(d * rows)
	m.Squares.Add(d * d * rows)
	m.Min = min(m.Min, x)
	m.Max = max(m.Max, x)
}

// Merge adds the values of other, which must have the same Center.
func (m *Moments) Merge(other Moments) {
	if other.Count == 0 {
		return
	}
	m.Count += other.Count
	m.Sum.merge(other.Sum)
	m.Squares.merge(other.Squares)
	m.Min = min(m.Min, other.Min)
	m.Max = max(m.Max, other.Max)
}

// Mean is the arithmetic mean, or false when there is no value or the sum overflowed.
func (m *Moments) Mean() (float64, bool) {
	if m.Count == 0 {
		return 0, false
	}
	mean := m.Center + m.Sum.Value()/float64(m.Count)
	return mean, isFinite(mean)
}

// StdDev is the population standard deviation (the sum of squares divided by the count), or false as for Mean.
func (m *Moments) StdDev() (float64, bool) {
	if m.Count == 0 {
		return 0, false
	}
	n := float64(m.Count)
	d := m.Sum.Value() / n
	variance := max(m.Squares.Value()/n-d*d, 0)
	return math.Sqrt(variance), isFinite(variance)
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
