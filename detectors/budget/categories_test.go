package budget

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The shares of five categories, other, missing, invalid and new: without a change, with a mix that has moved by the total variation
// 0.1, and with a new category.
var (
	usual   = []float64{0.396, 0.297, 0.198, 0.0693, 0.0297, 0, 0.01, 0, 0}
	mixed01 = []float64{0.297, 0.297, 0.198, 0.1188, 0.0792, 0, 0.01, 0, 0}
	steeper = []float64{0.495, 0.297, 0.1485, 0.0395, 0.01, 0, 0.01, 0, 0}
	with5   = []float64{0.3762, 0.28215, 0.1881, 0.065835, 0.028215, 0, 0.0095, 0, 0.05}
)

const special = 3 // missing, invalid, new

// newCategories is a categorical feature with a baseline that was drawn.
func newCategories(random *rand.Rand, rows int, s Settings) *Table {
	baseline := make([]float64, len(usual))
	newSampler(cumulative(usual)).draw(random, rows, baseline)
	return NewTable(NewCells(false, special, baseline), baseline, s)
}

func cumulative(p []float64) []float64 {
	below, sum := make([]float64, len(p)), 0.0
	for k, x := range p {
		sum += x
		below[k] = sum
	}
	below[len(p)-1] = 1
	return below
}

func TestCategories(t *testing.T) {
	const limit = period * features
	for _, c := range []struct {
		name   string
		shares []float64
		most   int
		kind   Kind
	}{{"more even mix", mixed01, 1500, Evener}, {"steeper mix", steeper, 1800, Steeper}, {"new category", with5, 500, Special}} {
		var delays, known []int
		for seed := range uint64(40) {
			random := rand.New(rand.NewPCG(seed, 7))
			table := newCategories(random, 10_000, setting)
			known = append(known, knownDelay(rand.New(rand.NewPCG(seed, 9)), table, c.shares, limit))
			s, clean, changed, counts := table.NewState(), newSampler(cumulative(usual)), newSampler(cumulative(c.shares)), make([]float64, len(usual))
			for range 100 {
				clean.draw(random, 100, counts)
				table.Add(s, counts, 1)
			}
			for seen := 100; ; seen += 100 {
				changed.draw(random, 100, counts)
				table.Add(s, counts, 1)
				if transition, found := table.Step(s, 1, limit); transition == Fired {
					if found.Kind != c.kind && found.Kind != Share && found.Kind != Shape {
						t.Errorf("%s, seed %d: found %+v", c.name, seed, found)
					}
					delays = append(delays, seen)
					break
				}
				if seen > 100_000 {
					t.Fatalf("%s, seed %d: not found", c.name, seed)
				}
			}
		}
		p90 := quantileOf(delays, 0.9)
		t.Logf("%s: median %d, p90 %d records; knowing the change %d, %d", c.name, quantileOf(delays, 0.5), p90, quantileOf(known, 0.5), quantileOf(known, 0.9))
		if p90 > c.most {
			t.Errorf("%s: 90 %% are found after %d records, want %d", c.name, p90, c.most)
		}
	}
}

// knownDelay is how many records a single bet takes that knows the change and has the whole budget, with the same allowances: what no
// other can be much below.
func knownDelay(random *rand.Rand, table *Table, shares []float64, limit float64) int {
	d := table.settings.MinEffect + table.settings.Z/(2*math.Sqrt(table.rows))
	var clipper clipper
	l, _ := clipper.clip(table.p, mixed(shares, table.p, 0.99), d)
	mean, deviation, width := spread(table.p, l)
	z := table.settings.Z
	c := mean + table.settings.MinEffect*width + z*deviation/math.Sqrt(table.rows) + z*z*width/(3*table.rows)
	changed, counts, wealth := newSampler(cumulative(shares)), make([]float64, len(shares)), 0.0
	for seen := 100; ; seen += 100 {
		changed.draw(random, 100, counts)
		gain := 0.0
		for k, n := range counts {
			if n > 0 {
				gain += n * math.Log(l[k]/c)
			}
		}
		if wealth = (wealth + 1) * math.Exp(gain); wealth >= limit {
			return seen
		}
	}
}

func TestCategoriesWithoutChange(t *testing.T) {
	draws, panes, fired := 2, 500, 0
	if *budgets > 0 {
		draws, panes = 50, 10_000
	}
	for seed := range uint64(draws) {
		random := rand.New(rand.NewPCG(seed, 8))
		table := newCategories(random, 10_000, setting)
		s, clean, counts := table.NewState(), newSampler(cumulative(usual)), make([]float64, len(usual))
		for range panes {
			clean.draw(random, 100, counts)
			table.Add(s, counts, 1)
			if transition, found := table.Step(s, 1, period*features); transition == Fired {
				fired++
				t.Errorf("seed %d: %+v", seed, found)
			}
		}
	}
	t.Logf("%d alarms in %d x %d records", fired, draws, panes*100)
}
