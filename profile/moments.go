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

// widen widens the range by finite values.
func (m *Moments) widen(values []float64) {
	low, high := m.Min, m.Max
	for _, x := range values {
		if x <= low {
			low = min(low, x)
		}
		if x >= high {
			high = max(high, x)
		}
	}
	m.Min, m.Max = low, high
}

// addAll counts finite values, which are within the range, and returns how many of them are not whole. It adds some of them
// up before it adds these to the compensated sums: that is off by a few units in the last place of the values' distances
// from Center.
func (m *Moments) addAll(values []float64) (fractional int64) {
	const some = 64
	m.Count += int64(len(values))
	for len(values) > 0 {
		block := values[:min(some, len(values))]
		values = values[len(block):]
		sum, squares, n := m.sumUp(block)
		m.Sum.Add(sum)
		m.Squares.Add(squares)
		fractional += n
	}
	return fractional
}

// sumUp adds up values' distances from Center and their squares, four at a time, so that one sum need not wait for the other,
// and counts values that are not whole.
func (m *Moments) sumUp(values []float64) (sum, squares float64, fractional int64) {
	const (
		whole = 3 << 51 // added to a value of at most a third of it, this leaves no place for a fraction
		most  = 1 << 51
	)
	var sum2, squares2 float64
	center, near := m.Center, m.Min >= -most && m.Max <= most
	for near && len(values) >= 4 {
		four := (*[4]float64)(values)
		x0, x1, x2, x3 := four[0], four[1], four[2], four[3]
		values = values[4:]
		d0, d1, d2, d3 := x0-center, x1-center, x2-center, x3-center
		sum, sum2 = sum+d0+d1, sum2+d2+d3
		squares, squares2 = squares+d0*d0+d1*d1, squares2+d2*d2+d3*d3
		if (x0+whole-whole-x0)*(x1+whole-whole-x1)*(x2+whole-whole-x2)*(x3+whole-whole-x3) != 0 { // as mostly
			fractional += 4
			continue
		}
		for _, x := range four {
			if x+whole-whole != x {
				fractional++
			}
		}
	}
	for _, x := range values {
		if math.Trunc(x) != x {
			fractional++
		}
		d := x - center
		sum += d
		squares += d * d
	}
	return sum + sum2, squares + squares2, fractional
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
