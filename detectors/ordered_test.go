package detectors_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"tidemark/detectors"
)

// TestOrderedEdges has the meaning of the cases that a formula does not settle by itself. A statistic that a case does
// not name is undefined, from samples and from profiles.
func TestOrderedEdges(t *testing.T) {
	inf := math.Inf(1)
	many := func(n int, x float64) []float64 { return slices.Repeat([]float64{x}, n) }
	for _, test := range []struct {
		name               string
		reference, current []float64
		want               map[string]float64
	}{
		{"constant and equal", many(10, 5), many(8, 5), map[string]float64{
			"ks": 0, "wasserstein": 0, "energy": 0, "mann_whitney": 40,
			// Mid-ranks spread a tie over its ranks: (10^3-10)/(12*8*18) + (8^3-8)/(12*10*18) - 80/18 (2/12) + 1/108
			"cramer_von_mises": 990./1728 + 504./2160 - 80./108 + 1./108,
		}},
		{"constant and different", many(10, 5), many(8, 7), map[string]float64{
			"ks": 1, "wasserstein": 2, "energy": 2, "mann_whitney": 0,
			"cramer_von_mises": 80./54 + 990./1728 + 504./2160 + 1./108, "anderson_darling": math.NaN(),
		}},
		{"constant reference", many(4, 0), []float64{-1, 0, 0, 1}, map[string]float64{
			"ks": 0.25, "wasserstein": 0.5, "energy": 0.5, "mann_whitney": 8, "welch_t": 0,
			"cramer_von_mises": math.NaN(), "anderson_darling": math.NaN(),
		}},
		{"constant current", []float64{-1, 0, 0, 1}, many(4, 0), map[string]float64{
			"ks": 0.25, "wasserstein": 0.5, "wasserstein_normalized": math.Sqrt(0.5), "energy": 0.5, "mann_whitney": 8, "welch_t": 0,
			"cramer_von_mises": math.NaN(), "anderson_darling": math.NaN(),
		}},
		{"one row each", many(1, 3), many(1, 4), map[string]float64{"ks": 1, "wasserstein": 1, "energy": math.Sqrt2, "mann_whitney": 0}},
		{"one current row", []float64{1, 2, 3}, many(1, 2), map[string]float64{
			"ks": 1. / 3, "wasserstein": 2. / 3, "wasserstein_normalized": math.Sqrt(2. / 3), "energy": 2. / 3, "mann_whitney": 1.5,
			"anderson_darling": math.NaN(),
		}},
		{"three rows", []float64{1, 2}, many(1, 2), map[string]float64{
			"ks": 0.5, "wasserstein": 0.5, "wasserstein_normalized": 1, "energy": math.Sqrt(0.5), "mann_whitney": 0.5,
		}},
		{"no current values", []float64{1, 2, 3}, nil, nil},
		{"no reference values", nil, []float64{1, 2, 3}, nil},
		{"no values", nil, nil, nil},
		{"disjoint", []float64{0, 1, 2}, []float64{10, 11, 12}, map[string]float64{
			"ks": 1, "wasserstein": 10, "wasserstein_normalized": 10 / math.Sqrt(2./3), "energy": math.Sqrt(2 * (8 + 2*(1./9+4./9))), "mann_whitney": 0,
			"cramer_von_mises": math.NaN(), "anderson_darling": math.NaN(), "welch_t": 10 / math.Sqrt(2./3),
		}},
		{"infinite values are the largest and the smallest", []float64{-inf, 1, 2, 3}, []float64{1, 2, 3, inf}, map[string]float64{
			"ks": 0.25, "mann_whitney": 4.5, "cramer_von_mises": math.NaN(), "anderson_darling": math.NaN(),
		}},
		{"one infinite value", []float64{1, 2, 3, 4}, []float64{1, 2, 3, inf}, map[string]float64{
			"ks": 0.25, "mann_whitney": 7.5, "cramer_von_mises": math.NaN(), "anderson_darling": math.NaN(),
		}},
		{"as far apart as floats are", many(2, -math.MaxFloat64), many(2, math.MaxFloat64), map[string]float64{
			"ks": 1, "mann_whitney": 0, "cramer_von_mises": math.NaN(), "anderson_darling": math.NaN(),
		}},
		{"no square is as large", []float64{-1e300, 0, 1e300}, []float64{-1e300, 1e300, 1e300}, map[string]float64{
			"ks": 1. / 3, "wasserstein": 1e300 / 3, "energy": math.Sqrt(2./9) * 1e150, "mann_whitney": 3.5,
			"cramer_von_mises": math.NaN(), "anderson_darling": math.NaN(),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := pair{sampleOf(test.reference...), sampleOf(test.current...)}
			in.reference.Captured += 2
			in.reference.Missing += 2
			r, c := profilesOf(t, in, 1)
			for _, name := range ordered {
				want, defined := test.want[name]
				exact, gotExact := detectors.New(name).Exact(in.reference, in.current)
				score, got := detectors.New(name).Score(r, c)
				if gotExact != defined || got != defined && len(test.reference) > 0 {
					t.Errorf("%s: defined is %v, of profiles %v, want %v", name, gotExact, got, defined)
					continue
				}
				if !defined {
					if !reflect.ValueOf(exact).IsZero() || !reflect.ValueOf(score).IsZero() {
						t.Errorf("%s: undefined, but %v and %v", name, exact, score)
					}
					continue
				}
				// NaN stands for what another test has; the figures must be finite, and those of profiles hold the exact.
				checkBounds(t, name, score, exact)
				if !math.IsNaN(want) && !nearly(&exact.Value, &want, 1e-12, 1e-12) {
					t.Errorf("%s: %v, want %v", name, exact.Value, want)
				}
			}
		})
	}
}

// TestOrderedPValues has p-values of the cases that are not like others.
func TestOrderedPValues(t *testing.T) {
	for _, test := range []struct {
		name               string
		reference, current []float64
		want               *float64
	}{
		{"ks", []float64{1}, []float64{2}, nil}, // half a value has no distribution
		{"ks", []float64{1}, []float64{2, 3, 4}, new(0.0)},
		{"ks", []float64{1, 2}, []float64{1, 2}, new(1.0)},
		{"mann_whitney", []float64{1, 1}, []float64{1, 1, 1}, new(1.0)}, // no variance
		{"mann_whitney", []float64{1}, []float64{2}, new(1.0)},          // half a pair for continuity
		{"welch_t", []float64{1, 2, 3}, []float64{1, 2, 3}, new(1.0)},
		{"cramer_von_mises", []float64{1, 2, 3}, []float64{1, 2, 3}, new(1.0)},
		{"anderson_darling", []float64{1, 2, 3}, []float64{1, 2, 3}, new(0.25)},
		{"wasserstein", []float64{1, 2, 3}, []float64{1, 2, 3}, nil},
		{"energy", []float64{1, 2, 3}, []float64{1, 2, 3}, nil},
	} {
		score, defined := detectors.New(test.name).Exact(sampleOf(test.reference...), sampleOf(test.current...))
		if !defined || !nearly(score.PValue(), test.want, 1e-12, 0) {
			t.Errorf("%s of %v and %v: p-value %s, %v, want %s", test.name, test.reference, test.current, text(score.PValue()), defined, text(test.want))
		}
	}
}

// draw is a sample of a distribution given by its quantile function.
func draw(random *rand.Rand, n int, quantile func(float64) float64) *detectors.Sample {
	values := make([]float64, n)
	for i := range values {
		values[i] = quantile(random.Float64())
	}
	return sampleOf(values...)
}

// The quantile functions of an exponential and a uniform distribution, and one of heavy tails (Student's t, 4 degrees
// of freedom: Shaw 2006).
var shapes = map[string]func(float64) float64{
	"exponential": func(u float64) float64 { return -math.Log1p(-u) },
	"uniform":     func(u float64) float64 { return u },
	"heavy": func(u float64) float64 {
		a := 4 * u * (1 - u)
		q := math.Cos(math.Acos(math.Sqrt(a))/3) / math.Sqrt(a)
		return math.Copysign(2*math.Sqrt(max(0, q-1)), u-0.5)
	},
}

// TestOrderedExpected checks what the statistics are on average without drift, and that profiles and samples expect
// the same.
func TestOrderedExpected(t *testing.T) {
	const pairs, n, m = 1500, 400, 300
	for shape, quantile := range shapes {
		random := rand.New(rand.NewPCG(1, 2))
		total, expected := make(map[string]float64), make(map[string]float64)
		for range pairs {
			r, c := draw(random, n, quantile), draw(random, m, quantile)
			for _, name := range ordered {
				score, _ := detectors.New(name).Exact(r, c)
				total[name] += score.Value / pairs
				expected[name] += *score.Expected / pairs
			}
		}
		for _, name := range ordered {
			// The error of the mean of so many is 1 to 2 %; of those around 0, .026. KS has steps of 1/n. Of heavy tails
			// the rows of a sample are too few to know how far they reach.
			relative := 0.03
			if shape == "heavy" {
				relative = 0.06
			}
			tolerance := relative*expected[name] + map[string]float64{"welch_t": 0.08, "anderson_darling": 0.08, "ks": 0.002}[name]
			if math.Abs(total[name]-expected[name]) > tolerance {
				t.Errorf("%s, %s: %v on average, expected %v", shape, name, total[name], expected[name])
			}
		}
		in := pair{draw(random, 4000, quantile), draw(random, m, quantile)}
		r, c := profilesOf(t, in, 1)
		for _, name := range ordered {
			exact, _ := detectors.New(name).Exact(in.reference, in.current)
			score, _ := detectors.New(name).Score(r, c)
			if !nearly(score.Expected, exact.Expected, 0.04, 0) {
				t.Errorf("%s, %s: profiles expect %s, samples %s", shape, name, text(score.Expected), text(exact.Expected))
			}
		}
	}
}

// TestOrderedPrecision checks how near the score of profiles of 240 bins is to that of the values, with and without a
// shift, beyond what the bounds promise.
func TestOrderedPrecision(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for shape, quantile := range shapes {
		for _, shift := range []float64{0, 0.3} {
			in := pair{draw(random, 5000, quantile), mapped(draw(random, 2000, quantile), func(x float64) float64 { return x + shift })}
			r, c := profilesOf(t, in, 1)
			for _, name := range ordered {
				exact, _ := detectors.New(name).Exact(in.reference, in.current)
				score, _ := detectors.New(name).Score(r, c)
				absolute := map[string]float64{"ks": 0.004, "anderson_darling": 0.05}[name]
				if !nearly(&score.Value, &exact.Value, 0.04, absolute) {
					t.Errorf("%s by %v, %s: score %v, exactly %v", shape, shift, name, score.Value, exact.Value)
				}
				checkBounds(t, fmt.Sprintf("%s by %v, %s", shape, shift, name), score, exact)
			}
		}
	}
}

// BenchmarkOrderedScore compares profiles of 240 bins.
func BenchmarkOrderedScore(b *testing.B) {
	random := rand.New(rand.NewPCG(5, 6))
	in := pair{draw(random, 20_000, shapes["exponential"]), draw(random, 20_000, shapes["exponential"])}
	r, c := profilesOf(b, in, 1)
	for _, name := range ordered {
		s := detectors.New(name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Score(r, c)
			}
		})
	}
}

// BenchmarkOrderedExact compares samples of a million values each.
func BenchmarkOrderedExact(b *testing.B) {
	random := rand.New(rand.NewPCG(5, 6))
	r, c := draw(random, 1_000_000, shapes["exponential"]), draw(random, 1_000_000, shapes["exponential"])
	for _, name := range ordered {
		s := detectors.New(name)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.Exact(r, c)
			}
		})
	}
}
