package detectors

import (
	"math"
	"math/rand/v2"
	"testing"
)

// drawCells counts rows drawn from cells of the given shares.
func drawCells(random *rand.Rand, rows int, shares []float64) []int64 {
	counts := make([]int64, len(shares))
	for range rows {
		u, i := random.Float64(), 0
		for ; i < len(shares)-1 && u >= shares[i]; i++ {
			u -= shares[i]
		}
		counts[i]++
	}
	return counts
}

// TestExpected checks that over many draws without drift the mean of each score is within 3 % of what it is expected
// to be, and that one p-value in twenty is below 0.05.
func TestExpected(t *testing.T) {
	tenth := []float64{.1, .1, .1, .1, .1, .1, .1, .1, .1, .1}
	statistics := map[string]func(cells) Score{
		"psi": PSI{}.over, "kullback_leibler": KullbackLeibler{}.over, "jensen_shannon": JensenShannon{}.over,
		"hellinger": Hellinger{}.over, "total_variation": TotalVariation{}.over, "chi_square": ChiSquare{}.over, "g_test": GTest{}.over,
	}
	for _, test := range []struct {
		name               string
		reference, current int
		shares             []float64
		draws              int
		spread             float64 // of the share of p-values below 0.05
	}{
		{"deciles", 1000, 1000, tenth, 3000, 0.012},
		{"deciles of a larger baseline", 4000, 1000, tenth, 2000, 0.015},
		{"few rows", 400, 400, tenth, 4000, 0.012},
		{"categories", 1000, 2000, []float64{.4, .3, .2, .07, .03}, 4000, 0.012},
		{"two categories", 1000, 1000, []float64{.7, .3}, 4000, 0.012},
	} {
		t.Run(test.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			total, expected, alarms := make(map[string]float64), make(map[string]float64), make(map[string]float64)
			for range test.draws {
				c := cells{reference: drawCells(random, test.reference, test.shares), current: drawCells(random, test.current, test.shares)}
				for name, over := range statistics {
					s := over(c)
					total[name] += s.Value
					if s.Expected != nil {
						expected[name] += *s.Expected
					}
					if s.PValue() != nil && *s.PValue() < 0.05 {
						alarms[name]++
					}
				}
			}
			for name := range statistics {
				if ratio := total[name] / expected[name]; !(math.Abs(ratio-1) < 0.03) && expected[name] > 0 {
					t.Errorf("%s: the mean is %v of what is expected", name, ratio)
				}
				// Yates' correction makes alarms rarer.
				if share := alarms[name] / float64(test.draws); math.Abs(share-0.05) > test.spread && name != "total_variation" {
					t.Errorf("%s: %v of the p-values are below 0.05", name, share)
				}
			}
		})
	}
}

// TestFewRows checks that with 10 rows a cell, and with 5, the p-values of the divergences still give hardly more
// false alarms than they say.
func TestFewRows(t *testing.T) {
	for _, test := range []struct {
		current int
		most    float64
	}{{100, 0.062}, {50, 0.08}} {
		random := rand.New(rand.NewPCG(1, 2))
		alarms := make(map[string]float64)
		shares := []float64{.1, .1, .1, .1, .1, .1, .1, .1, .1, .1}
		const draws = 4000
		for range draws {
			c := cells{reference: drawCells(random, 1000, shares), current: drawCells(random, test.current, shares)}
			for name, s := range map[string]Score{
				"psi": PSI{}.over(c), "kullback_leibler": KullbackLeibler{}.over(c), "jensen_shannon": JensenShannon{}.over(c), "hellinger": Hellinger{}.over(c),
			} {
				if *s.PValue() < 0.05 {
					alarms[name]++
				}
			}
		}
		for name, n := range alarms {
			if n/draws > test.most || n/draws < 0.02 {
				t.Errorf("%s of %d rows: %v of the p-values are below 0.05", name, test.current, n/draws)
			}
		}
	}
}
