package budget

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The worked example of one cell, with the sizes of pairs: p = .1 of 10,000 rows, delta .02, z = 2, g = .15.
func TestPairLogs(t *testing.T) {
	pair := NewPair(999.6, 10_000, Settings{MinEffect: 0.02, Z: 2, Dependence: 1}) // (999.6 + .5) / 10,001 = .1
	if math.Abs(pair.inside[1]-0.7125662828) > 1e-8 || math.Abs(pair.outside[1]+0.1625189295) > 1e-8 {
		t.Errorf("logs %v, %v", pair.inside[1], pair.outside[1])
	}
	s := &PairState{}
	for _, c := range []struct{ n, agree, want float64 }{{100, 25, 277.3381164}, {0, 0, 277.3381164}, {100, 30, 6134868.254}} {
		pair.Add(s, c.agree, c.n, 1, 1)
		if math.Abs(s.wealth[1]/c.want-1) > 1e-5 { // rounded down by a millionth in each pane
			t.Errorf("after %v of %v: %v, want %v", c.agree, c.n, s.wealth[1], c.want)
		}
	}
	if found := pair.Find(s); found.Panes != 2 || found.Records != 200 || found.Agree != 0.275 || found.Reference != pair.p {
		t.Errorf("found %+v", found)
	}
	// Every bet is against both ends of what the tolerance leaves.
	down := NewPair(5000, 10_000, Settings{MinEffect: 0.02, Z: 2, Dependence: 1})
	for j := range down.inside {
		for _, p := range []float64{0.48, 0.5, 0.52} {
			if mean := p*math.Exp(down.inside[j]) + (1-p)*math.Exp(down.outside[j]); mean > 1 {
				t.Errorf("bet %d has mean %v at %v", j, mean, p)
			}
		}
	}
}

// A state that was stored goes on to the same bits.
func TestPairState(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	pair := NewPair(5000, 10_000, setting)
	s, limit := &PairState{}, 1e6
	for pane := range 400 {
		share := 0.5
		if pane > 100 && pane < 200 {
			share = 0.6
		}
		agree := 0.0
		for range 100 {
			if random.Float64() < share {
				agree++
			}
		}
		encoded := s.Append(nil)
		copied, rest, err := DecodePair(append(slices.Clone(encoded), 7))
		if err != nil || len(rest) != 1 || *copied != *s {
			t.Fatalf("pane %d: %+v, %v, %d bytes left, want %+v", pane, copied, err, len(rest), s)
		}
		for cut := range encoded {
			if _, _, err := DecodePair(encoded[:cut]); err == nil {
				t.Fatalf("pane %d: %d of %d bytes are a state", pane, cut, len(encoded))
			}
		}
		pair.Add(s, agree, 100, 1, 1)
		pair.Step(s, 1, limit)
	}
	if s.Firing() {
		t.Error("still firing 200 panes after the end")
	}
}

// against is what panes are compared with: one baseline, or one that is drawn anew after so many panes, as earlier windows are.
type against struct{ rows, panes int }

var (
	whole   = against{20_000, math.MaxInt}
	earlier = against{2_000, 20}
)

// jointRun draws rows of 20 normal columns, in panes of 100 against a baseline, of which the first two have a
// correlation from the given row on. It returns the rows after that until the first alarm of a pair, which pair, and how many
// alarms there were.
func jointRun(seed uint64, baseline against, rows, from int, correlation float64) (delay, which, alarms int) {
	random := rand.New(rand.NewPCG(seed, 15))
	type bits [2]uint32 // upper and outer, by column
	third := quantile(0.75)
	draw := func(rho float64) (b bits) {
		first := 0.0
		for c := range features {
			x := random.NormFloat64()
			if c == 0 {
				first = x
			}
			if c == 1 {
				x = rho*first + math.Sqrt(1-rho*rho)*x
			}
			if x >= 0 {
				b[0] |= 1 << c
			}
			if math.Abs(x) >= third {
				b[1] |= 1 << c
			}
		}
		return b
	}
	const each = features * (features - 1) / 2
	count := func(b bits, into []float64) {
		k := 0
		for kind := range b {
			for j := range features {
				for i := range j {
					into[k] += float64(1 ^ (b[kind]>>i^b[kind]>>j)&1)
					k++
				}
			}
		}
	}
	agree := make([]float64, 2*each)
	pairs, states := make([]*Pair, 2*each), make([]PairState, 2*each)
	begin := func() {
		clear(agree)
		for range baseline.rows {
			count(draw(0), agree)
		}
		for k := range pairs {
			pairs[k] = NewPair(agree[k], float64(baseline.rows), Settings{MinEffect: 0.02, Z: Lenient, Dependence: 1})
		}
		clear(agree)
	}
	begin()
	limit, panes := period*float64(len(pairs))/PairShare, 0
	return inPanes(rows, from, correlation, func(rho float64) { count(draw(rho), agree) }, func() (fired int) {
		fired = -1
		for k := range pairs {
			pairs[k].Add(&states[k], agree[k], pane, 1, 1)
			if transition, _ := pairs[k].Step(&states[k], 1, limit); transition == Fired {
				fired = k
			}
		}
		clear(agree)
		if panes++; panes%baseline.panes == 0 {
			begin()
		}
		return fired
	})
}

const pane = 100

// inPanes draws rows, with a correlation from the given one on, and settles each pane. It returns the rows after that one until the
// first pane in which something fired, what it was, and in how many panes something did.
func inPanes(rows, from int, correlation float64, row func(rho float64), settle func() (fired int)) (delay, which, alarms int) {
	for start := 0; start < rows; start += pane {
		for i := range pane {
			if start+i < from {
				row(0)
			} else {
				row(correlation)
			}
		}
		if fired := settle(); fired >= 0 {
			if alarms == 0 {
				delay, which = start+pane-from, fired
			}
			alarms++
		}
	}
	return delay, which, alarms
}

// A correlation of 0 that becomes .6 in one pair of 20 columns is found, in that pair, within 500 rows, and nothing else is.
func TestJointDelay(t *testing.T) {
	var delays []int
	for seed := range uint64(7) {
		delay, which, alarms := jointRun(seed, whole, 12_000, 10_000, 0.6)
		if alarms == 0 || delay < 0 || which != 0 {
			t.Errorf("seed %d: alarm of pair %d after %d rows, %d alarms", seed, which, delay, alarms)
		}
		delays = append(delays, delay)
	}
	median := quantileOf(delays, 0.5)
	t.Logf("delays %v, median %d rows", delays, median)
	if median > 500 {
		t.Errorf("median %d rows, want at most 500", median)
	}
}

// Without it there is no alarm. The long form, of 800,000 rows, is run by hand: make bench-budget.
func TestJointQuiet(t *testing.T) {
	rows, seeds := 20_000, uint64(1)
	if *budgets > 0 {
		rows, seeds = 800_000, 4
	}
	for _, baseline := range []against{whole, earlier} {
		for seed := range seeds {
			if _, which, alarms := jointRun(seed+100, baseline, rows, rows, 0); alarms > 0 {
				t.Errorf("seed %d: %d alarms, the first of pair %d", seed, alarms, which)
			}
		}
		t.Logf("against %d rows: %d times %d rows", baseline.rows, seeds, rows)
	}
}
