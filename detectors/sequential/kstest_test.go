package sequential

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// ksExact is ksExceeds in whole numbers, by the formula.
func ksExact(n, h int) float64 {
	sum := new(big.Int)
	for i := 1; i*h <= n; i++ {
		term := new(big.Int).Binomial(int64(2*n), int64(n-i*h))
		if i%2 == 0 {
			term.Neg(term)
		}
		sum.Add(sum, term)
	}
	p, _ := new(big.Rat).SetFrac(sum.Lsh(sum, 1), new(big.Int).Binomial(int64(2*n), int64(n))).Float64()
	return p
}

func TestKSExceeds(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 30, 100, 1000} {
		for h := range n + 1 {
			want := 1.0
			if h > 0 {
				want = ksExact(n, h)
			}
			if p := ksExceeds(n, h); math.Abs(p-want) > 1e-12*want+1e-300 {
				t.Errorf("n %d, h %d: %v, want %v", n, h, p, want)
			}
		}
	}
	// scipy 1.17.1: ks_2samp of 10,000 and 10,000 values at distances of 1/10000, 100/10000 and 250/10000
	for h, want := range map[int]float64{1: 1, 100: 0.6994009459719119, 250: 0.0038596010962783566} {
		if p := ksExceeds(10_000, h); math.Abs(p-want) > 1e-9*want {
			t.Errorf("n 10000, h %d: %v, want %v", h, p, want)
		}
	}
}

// All orders of three values and three others, counted: the chance of each distance.
func TestKSExceedsCounted(t *testing.T) {
	const n = 3
	atLeast := [n + 1]float64{}
	total := 0.0
	for mask := range 1 << (2 * n) {
		var a, b []float64
		for i := range 2 * n {
			if mask>>i&1 == 1 {
				a = append(a, float64(i))
			} else {
				b = append(b, float64(i))
			}
		}
		if len(a) != n {
			continue
		}
		total++
		for h := range ksSteps(a, b) + 1 {
			atLeast[h]++
		}
	}
	for h, count := range atLeast {
		if p := ksExceeds(n, h); math.Abs(p-count/total) > 1e-15 {
			t.Errorf("h %d: %v, want %v", h, p, count/total)
		}
	}
}

// The distance is the largest difference of the counts of values up to x, over all x.
func TestKSSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "n")
		sample := rapid.Custom(func(t *rapid.T) []float64 {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = float64(rapid.IntRange(-5, 5).Draw(t, "x"))
			}
			slices.Sort(xs)
			return xs
		})
		a, b := sample.Draw(t, "a"), sample.Draw(t, "b")
		upTo := func(xs []float64, x float64) (count int) {
			for _, y := range xs {
				if y <= x {
					count++
				}
			}
			return count
		}
		want := 0
		for _, x := range slices.Concat(a, b) {
			want = max(want, upTo(a, x)-upTo(b, x), upTo(b, x)-upTo(a, x))
		}
		if got := ksSteps(a, b); got != want {
			t.Fatalf("%d steps of %v and %v, want %d", got, a, b, want)
		}
	})
}
