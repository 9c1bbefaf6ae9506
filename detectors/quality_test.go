package detectors

import (
	"math"
	"math/big"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"tidemark/capture"
)

func sampled(sorted ...float64) *Sample {
	return &Sample{Kind: capture.Numeric, Numbers: sorted, Captured: int64(len(sorted))}
}

func named(counts map[string]int64) *Sample {
	s := &Sample{Kind: capture.Categorical, Categories: counts}
	for _, n := range counts {
		s.Captured += n
	}
	return s
}

func TestQualityOfSamples(t *testing.T) {
	inf := math.Inf(1)
	for _, test := range []struct {
		name               string
		statistic          Statistic
		reference, current *Sample
		want               float64
	}{
		{"beyond both ends", OutOfRange{}, sampled(1, 2, 3), sampled(0, 1, 3, 4, inf), 0.6},
		{"the reference's infinite ones", OutOfRange{}, sampled(-inf, 1, 2, 3), sampled(0, 1, 2, 3), 0},
		{"none before", NegativeShare{}, sampled(0, 2, 3), sampled(-999, -1, 0, 3), 0.5},
		{"some before", NegativeShare{}, sampled(-0.5, 2, 3), sampled(-999, -1, 0, 3), 0},
		{"minus zero", NegativeShare{}, sampled(0, 2, 3), sampled(math.Copysign(0, -1), 1), 0},
		{"continuous, fewer rows", Cardinality{}, sampled(1, 2, 3, 4, 5, 6, 7, 8), sampled(1.5, 2.5, 3.5), 0},
		{"continuous, stuck", Cardinality{}, sampled(1, 2, 3, 4, 5, 6, 7, 8), sampled(4, 4, 4, 4), 0.75},
		{"categories", Cardinality{}, named(map[string]int64{"a": 3, "b": 1}), named(map[string]int64{"c": 2}), 1 - 1/1.5},
	} {
		got, defined := test.statistic.Exact(test.reference, test.current)
		if !defined || !near(got.Value, test.want) {
			t.Errorf("%s, %s: %v, %t, want %v", test.statistic.Name(), test.name, got.Value, defined, test.want)
		}
	}
	for _, s := range []Statistic{OutOfRange{}, NegativeShare{}, Cardinality{}} {
		for name, pair := range map[string][2]*Sample{
			"nothing":           {sampled(), sampled()},
			"no reference":      {sampled(), sampled(1)},
			"no current":        {sampled(1), sampled()},
			"infinite and none": {sampled(inf), sampled()},
		} {
			if got, defined := s.Exact(pair[0], pair[1]); defined || !reflect.ValueOf(got).IsZero() {
				t.Errorf("%s of %s is %v", s.Name(), name, got)
			}
		}
	}
}

// TestAbsentIsHypergeometric compares with C(N-k, n)/C(N, n) in whole numbers.
func TestAbsentIsHypergeometric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(1, 30_000).Draw(t, "N")
		k, n := rapid.Int64Range(1, total).Draw(t, "k"), rapid.Int64Range(1, total).Draw(t, "n")
		if rapid.Bool().Draw(t, "few") {
			k = min(k, 20)
		}
		want := 0.0
		if k <= total-n {
			var a, b big.Int
			ratio := new(big.Rat).SetFrac(a.Binomial(total-k, n), b.Binomial(total, n))
			want, _ = ratio.Float64()
		}
		if got := absent(total, k, n); math.Abs(got-want) > 2e-6 {
			t.Fatalf("%d of %d rows are not among %d with probability %v, want %v", k, total, n, got, want)
		}
	})
	// The sum over i < 1e4 of log(1 - 1e4/(1e8-i)) is -1, less 1/2 (1e-4)^2 for each of 1e4 and as much for the i.
	if got, want := absent(1e8, 1e4, 1e4), math.Exp(-1-1e-4); math.Abs(got-want) > 1e-8 {
		t.Errorf("1e4 of 1e8 rows are not among 1e4 with probability %v, want about %v", got, want)
	}
}
