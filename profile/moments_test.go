package profile

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func momentsOf(center float64, values ...float64) Moments {
	m := noMoments(&FeatureLayout{Center: center})
	for _, x := range values {
		m.Add(x)
	}
	return m
}

func TestMoments(t *testing.T) {
	m := momentsOf(1e9, 1e9+4, 1e9+7, 1e9+13, 1e9+16) // the usual example of cancellation
	mean, _ := m.Mean()
	deviation, _ := m.StdDev()
	if mean != 1e9+10 || deviation != math.Sqrt(22.5) {
		t.Errorf("mean %v, deviation %v, want 1e9+10 and the root of 22.5", mean, deviation)
	}
	if m.Count != 4 || m.Min != 1e9+4 || m.Max != 1e9+16 {
		t.Errorf("%+v", m)
	}
}

func TestMomentsOfFewValues(t *testing.T) {
	var none Moments
	if _, ok := none.Mean(); ok {
		t.Error("nothing has a mean")
	}
	if _, ok := none.StdDev(); ok {
		t.Error("nothing has a deviation")
	}
	one := momentsOf(0, 0.1)
	if deviation, ok := one.StdDev(); !ok || deviation != 0 {
		t.Errorf("one value has the deviation %v, %t, want 0", deviation, ok)
	}
	huge := momentsOf(0, math.MaxFloat64, math.MaxFloat64)
	if mean, ok := huge.Mean(); ok {
		t.Errorf("a sum beyond the range of numbers has the mean %v", mean)
	}
	if deviation, ok := huge.StdDev(); ok {
		t.Errorf("a sum beyond the range of numbers has the deviation %v", deviation)
	}
}

func TestSumIsCompensated(t *testing.T) {
	var s Sum
	for _, x := range []float64{1, 1e100, 1, -1e100} { // Neumaier's example, for which Kahan's sum is 0
		s.Add(x)
	}
	if got := s.Value(); got != 2 {
		t.Errorf("sum is %v, want 2", got)
	}
}

// TestMomentsAgainstExactArithmetic has values near 1e9 and a centre as a baseline gives it: near, but not the mean.
func TestMomentsAgainstExactArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.SampledFrom([]float64{0, 1e9, -1e9, 1e-3}).Draw(t, "offset")
		values := rapid.SliceOfN(rapid.Float64Range(-50, 50), 2, 200).Draw(t, "values")
		for i := range values {
			values[i] += offset
		}
		center := offset + rapid.Float64Range(-20, 20).Draw(t, "centre")
		whole, merged, blocks := momentsOf(center, values...), momentsOf(center), momentsOf(center)
		blocks.widen(values)
		blocks.addAll(values)
		for rest := values; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "group")
			merged.Merge(momentsOf(center, rest[:n]...))
			rest = rest[n:]
		}
		mean, deviation := exact(values)
		for name, m := range map[string]Moments{"whole": whole, "merged": merged, "blocks": blocks} {
			if got, ok := m.Mean(); !ok || math.Abs(got-mean) > 1e-12*max(1, math.Abs(mean)) {
				t.Fatalf("%s: mean %v, want %v", name, got, mean)
			}
			// One rounding of each value less the centre is unavoidable: relative to the values' distance from it.
			if got, ok := m.StdDev(); !ok || math.Abs(got*got-deviation*deviation) > 1e-12*(deviation*deviation+5000) {
				t.Fatalf("%s: deviation %v, want %v", name, got, deviation)
			}
			if m.Count != int64(len(values)) {
				t.Fatalf("%s: %d values, want %d", name, m.Count, len(values))
			}
		}
		a, _ := whole.StdDev()
		if b, _ := merged.StdDev(); math.Abs(a-b) > 1e-12*max(1, a) && math.Abs(a*a-b*b) > 1e-12 {
			t.Fatalf("deviation %v in one go, %v merged", a, b)
		}
	})
}

// exact returns the mean and the population standard deviation in 500 bits.
func exact(values []float64) (mean, deviation float64) {
	number := func(x float64) *big.Float { return new(big.Float).SetPrec(500).SetFloat64(x) }
	sum, squares, n := number(0), number(0), number(float64(len(values)))
	for _, x := range values {
		sum.Add(sum, number(x))
	}
	m := number(0).Quo(sum, n)
	for _, x := range values {
		d := number(0).Sub(number(x), m)
		squares.Add(squares, d.Mul(d, d))
	}
	mean, _ = m.Float64()
	deviation, _ = number(0).Sqrt(squares.Quo(squares, n)).Float64()
	return mean, deviation
}

// TestFractions: numbers that are not whole are counted exactly, up to where no number has a fraction.
func TestFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Custom(func(t *rapid.T) float64 {
			power := rapid.SampledFrom([]float64{0, 1, 1 << 20, 1 << 50, 1 << 51, 1 << 52, 1 << 53}).Draw(t, "power")
			part := rapid.SampledFrom([]float64{0, 0.25, 0.5, 1, 1.5, 5e-324, 1e-200}).Draw(t, "part")
			return rapid.SampledFrom([]float64{1, -1}).Draw(t, "sign")*power + rapid.SampledFrom([]float64{1, -1}).Draw(t, "side")*part
		})
		values := rapid.SliceOfN(number, 0, 70).Draw(t, "values")
		want := int64(0)
		for _, x := range values {
			if x != math.Trunc(x) {
				want++
			}
		}
		m := momentsOf(0)
		m.widen(values)
		if got := m.addAll(values); got != want {
			t.Fatalf("%d are not whole, want %d", got, want)
		}
	})
}
