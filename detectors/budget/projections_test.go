package budget

import (
	"math"
	"math/rand/v2"
	"testing"
)

// sumRun draws rows of 20 normal columns, in panes of 100 against a baseline, all of which have a correlation from the given
// row on. It returns the rows after that until the first alarm of the sum of their upper sides, and how many alarms there were.
func sumRun(seed uint64, baseline against, rows, from int, correlation float64) (delay, alarms int) {
	const sums = 5
	random := rand.New(rand.NewPCG(seed, 16))
	draw := func(rho float64) (upper int) {
		shared := 0.0
		if rho > 0 {
			shared = random.NormFloat64()
		}
		for range features {
			if math.Sqrt(rho)*shared+math.Sqrt(1-rho)*random.NormFloat64() >= 0 {
				upper++
			}
		}
		return upper
	}
	counts := make([]float64, features+1)
	begin := func() {
		clear(counts)
		for range baseline.rows {
			counts[draw(0)]++
		}
	}
	begin()
	settings := Settings{MinEffect: 0.02, Z: Lenient, Dependence: 1}
	table, panes := NewTable(NewCells(true, 0, counts), counts, settings), 0
	s := table.NewState()
	clear(counts)
	delay, _, alarms = inPanes(rows, from, correlation, func(rho float64) { counts[draw(rho)]++ }, func() int {
		table.Add(s, counts, 1)
		if panes++; panes%baseline.panes == 0 {
			begin()
			table = table.Against(counts, settings)
		}
		clear(counts)
		if transition, _ := table.Step(s, 1, period*sums/ProjectionShare); transition != Fired {
			return -1
		}
		return 0
	})
	return delay, alarms
}

// A correlation of .2 that all columns get is found in a pane, though it is in no pair for long.
func TestSumDelay(t *testing.T) {
	for correlation, most := range map[float64]int{0.2: 100, 0.05: 1500} {
		var delays []int
		for seed := range uint64(7) {
			delay, alarms := sumRun(seed, whole, 14_000, 10_000, correlation)
			if alarms == 0 || delay < 0 {
				t.Errorf("correlation %v, seed %d: alarm after %d rows, %d alarms", correlation, seed, delay, alarms)
			}
			delays = append(delays, delay)
		}
		median := quantileOf(delays, 0.5)
		t.Logf("correlation %v: delays %v, median %d rows", correlation, delays, median)
		if median > most {
			t.Errorf("correlation %v: median %d rows, want at most %d", correlation, median, most)
		}
	}
}

// Without it there is no alarm. The long form is run by hand: make bench-budget.
func TestSumWithoutChange(t *testing.T) {
	rows, seeds := 20_000, uint64(1)
	if *budgets > 0 {
		rows, seeds = 800_000, 4
	}
	for _, baseline := range []against{whole, earlier} {
		for seed := range seeds {
			if _, alarms := sumRun(seed+100, baseline, rows, rows, 0); alarms > 0 {
				t.Errorf("seed %d: %d alarms", seed, alarms)
			}
		}
		t.Logf("against %d rows: %d times %d rows", baseline.rows, seeds, rows)
	}
}
