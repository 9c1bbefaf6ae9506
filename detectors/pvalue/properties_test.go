package pvalue

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestCorrectionsOrder checks what holds for all p-values: adjusted ones are not smaller, at most 1 and in the same
// order, do not depend on the order of the tests, and the procedures reject as much as theory says.
func TestCorrectionsOrder(t *testing.T) {
	corrections := []func([]float64) []float64{Bonferroni, Sidak, Holm, HolmSidak, Hochberg, Hommel, BenjaminiHochberg, BenjaminiYekutieli}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{0, 1e-300, 0.05, 1})), 0, 30).Draw(t, "p")
		places := rapid.Permutation(ranks(p)).Draw(t, "order")
		shuffled := make([]float64, len(p))
		for i, place := range places {
			shuffled[i] = p[place]
		}
		var all [][]float64
		for k, correct := range corrections {
			adjusted, other := correct(p), correct(shuffled)
			all = append(all, adjusted)
			for i := range p {
				if adjusted[i] < p[i]*(1-1e-12) || !(adjusted[i] <= 1) {
					t.Fatalf("correction %d of %v: %v", k, p, adjusted)
				}
				if other[i] != adjusted[places[i]] {
					t.Fatalf("correction %d depends on the order", k)
				}
				for j := range p {
					if p[i] < p[j] && adjusted[i] > adjusted[j] {
						t.Fatalf("correction %d of %v exchanges an order: %v", k, p, adjusted)
					}
				}
			}
		}
		// Each pair is a procedure and one that rejects at least as much.
		for _, pair := range [][2]int{{0, 1}, {0, 2}, {2, 3}, {2, 4}, {4, 5}, {5, 6}, {7, 6}} {
			for i := range p {
				if all[pair[1]][i] > all[pair[0]][i]*(1+1e-12) {
					t.Fatalf("correction %d adjusts %v more than %d: %v, %v", pair[1], p, pair[0], all[pair[1]], all[pair[0]])
				}
			}
		}
		for k, combine := range []func([]float64) float64{CombineFisher, CombineStouffer, CombinePearson, CombineTippett} {
			if v := combine(p); !(v >= 0 && v <= 1) {
				t.Fatalf("combination %d of %v is %v", k, p, v)
			}
		}
	})
}

// TestClopperPearson checks that the interval holds the share, and that its ends leave half of the rest in each tail.
func TestClopperPearson(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 5000).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		lower, upper := ClopperPearson(k, n, 0.9)
		if share := float64(k) / float64(n); !(0 <= lower && lower <= share && share <= upper && upper <= 1) {
			t.Fatalf("%d of %d: interval %v, %v", k, n, lower, upper)
		}
		if k > 0 && !within(1-binomialBelow(k, n, lower), 0.05, 1e-6) {
			t.Fatalf("%d of %d: above %v with probability %v", k, n, lower, 1-binomialBelow(k, n, lower))
		}
		if k < n && !within(binomialBelow(k+1, n, upper), 0.05, 1e-6) {
			t.Fatalf("%d of %d: below %v with probability %v", k, n, upper, binomialBelow(k+1, n, upper))
		}
	})
	if lower, upper := ClopperPearson(0, 0, 0.95); lower != 0 || upper != 1 {
		t.Errorf("of nothing: %v, %v", lower, upper)
	}
}

// binomialBelow is the probability of fewer than k of n.
func binomialBelow(k, n int64, p float64) float64 {
	total := 0.0
	for x := range k {
		total += math.Exp(logBinomial(float64(x), float64(n), p, 1-p))
	}
	return total
}
