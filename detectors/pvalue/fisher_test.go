package pvalue

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestFisherExact(t *testing.T) {
	for _, test := range []struct {
		name       string
		a, b, c, d int64
		want       float64
	}{
		// scipy 1.17.1: fisher_exact.
		{"ten each", 8, 2, 3, 7, 0.06977851869492736},
		{"three hundred each", 204, 96, 196, 104, 0.544424277805122},
		// Fisher's tea: 2 (1 + 16) / 70 for 3 of 4, and 2 / 70 for all.
		{"tea", 3, 1, 1, 3, 34.0 / 70},
		{"all of the tea", 4, 0, 0, 4, 2.0 / 70},
		{"an empty row", 0, 0, 3, 4, 1},
		{"an empty column", 5, 0, 6, 0, 1},
		{"nothing", 0, 0, 0, 0, 1},
		{"one each, apart", 1, 0, 0, 1, 1},
		{"same shares", 10, 20, 100, 200, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := FisherExact(test.a, test.b, test.c, test.d); !within(got, test.want, 1e-12) {
				t.Errorf("p %v, want %v", got, test.want)
			}
		})
	}
}

// plainFisher sums exact fractions.
func plainFisher(a, b, c, d int64) float64 {
	probability := func(x int64) *big.Int {
		return new(big.Int).Mul(new(big.Int).Binomial(a+b, x), new(big.Int).Binomial(c+d, a+c-x))
	}
	here, total, tail := probability(a), new(big.Int), new(big.Int)
	for x := max(0, a-d); x <= min(a+b, a+c); x++ {
		p := probability(x)
		total.Add(total, p)
		if p.Cmp(here) <= 0 {
			tail.Add(tail, p)
		}
	}
	p, _ := new(big.Rat).SetFrac(tail, total).Float64()
	return p
}

// TestFisherAgainstFractions compares tables with sums of exact fractions, equally probable tables among them.
func TestFisherAgainstFractions(t *testing.T) {
	for a := range int64(6) {
		for b := range int64(6) {
			for c := range int64(6) {
				for d := range int64(6) {
					if got, want := FisherExact(a, b, c, d), plainFisher(a, b, c, d); !within(got, want, 1e-12) {
						t.Fatalf("p of %d %d %d %d is %v, want %v", a, b, c, d, got, want)
					}
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.OneOf(rapid.Int64Range(0, 30), rapid.Int64Range(0, 1500))
		a, b, c, d := count.Draw(t, "a"), count.Draw(t, "b"), count.Draw(t, "c"), count.Draw(t, "d")
		got, want := FisherExact(a, b, c, d), plainFisher(a, b, c, d)
		if !within(got, want, 1e-9) && want > 1e-300 || want <= 1e-300 && got > 1e-299 {
			t.Fatalf("p of %d %d %d %d is %v, want %v", a, b, c, d, got, want)
		}
	})
}

// TestFisherMillions checks that for large tables the p-value is that of the normal approximation with Yates'
// correction, and that exchanging rows, columns or both changes nothing.
func TestFisherMillions(t *testing.T) {
	for _, table := range [][4]int64{
		{1_000_000, 2_000_000, 1_001_000, 1_999_000},
		{3_000_000, 7_000_000, 3_003_000, 6_997_000},
		{500_000, 500_000, 500_500, 499_500},
		{1 << 30, 1 << 30, 1<<30 + 40_000, 1<<30 - 40_000},
	} {
		a, b, c, d := float64(table[0]), float64(table[1]), float64(table[2]), float64(table[3])
		n := a + b + c + d
		z := (math.Abs(a*d-b*c) - n/2) / math.Sqrt((a+b)*(c+d)/n*(a+c)*(b+d))
		want := NormalTwoSided(z)
		got := FisherExact(table[0], table[1], table[2], table[3])
		if !within(got, want, 1e-3) {
			t.Errorf("p of %v is %v, but nearly %v", table, got, want)
		}
		for _, same := range [][4]int64{
			{table[1], table[0], table[3], table[2]},
			{table[2], table[3], table[0], table[1]},
			{table[0], table[2], table[1], table[3]},
		} {
			if other := FisherExact(same[0], same[1], same[2], same[3]); !within(other, got, 1e-9) {
				t.Errorf("p of %v is %v, but turned around %v", table, got, other)
			}
		}
	}
}

// BenchmarkFisherExact tests a table of ten million rows.
func BenchmarkFisherExact(b *testing.B) {
	for b.Loop() {
		FisherExact(3_000_000, 2_000_000, 3_001_000, 1_999_000)
	}
}
