package budget

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// A state that is stored and read after any pane goes on to the same bits, and takes at most 400 bytes.
func TestRestart(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	n := newSource(random, 10_000, setting)
	kept, restarted := n.table.NewState(), n.table.NewState()
	most, restarts := 0, 0
	for pane := range 3000 {
		shift := 0.0
		if pane%1000 > 700 {
			shift = 0.3
		}
		newSampler(n.cumulative(shift, 1)).draw(random, pane%150, n.counts)
		for _, s := range []*State{kept, restarted} {
			n.table.Add(s, n.counts, 1+pane%3)
			n.table.Step(s, 1+pane%3, period*features)
		}
		stored := kept.Append(nil)
		most = max(most, len(stored))
		if !bytes.Equal(stored, restarted.Append(nil)) {
			t.Fatalf("pane %d: the states differ", pane)
		}
		read, rest, err := n.table.Decode(append(stored, 1, 2))
		if err != nil || len(rest) != 2 {
			t.Fatalf("pane %d: %d bytes left, %v", pane, len(rest), err)
		}
		if read.Wealth() != kept.Wealth() || read.leader != kept.leader {
			t.Fatalf("pane %d: the wealth is %v of bet %d, was %v of bet %d", pane, read.total, read.leader, kept.total, kept.leader)
		}
		restarted = read
		if kept.Firing() {
			restarts++
		}
	}
	if restarts == 0 {
		t.Error("no alarm was on")
	}
	t.Logf("at most %d bytes", most)
	if most > 400 {
		t.Errorf("a state took %d bytes", most)
	}
}

func TestDamagedState(t *testing.T) {
	n := newSource(rand.New(rand.NewPCG(1, 10)), 1000, setting)
	s := n.table.NewState()
	for range 20 {
		newSampler(n.cumulative(0.2, 1)).draw(n.random, 100, n.counts)
		n.table.Add(s, n.counts, 1)
	}
	stored := s.Append(nil)
	for end := range stored {
		if _, _, err := n.table.Decode(stored[:end]); err == nil {
			t.Fatalf("%d of %d bytes were taken for a state", end, len(stored))
		}
	}
	rapid.Check(t, func(t *rapid.T) { // any bytes: an error or a state that can go on
		b := rapid.SliceOfN(rapid.Byte(), 0, 500).Draw(t, "bytes")
		if s, _, err := n.table.Decode(b); err == nil {
			n.table.Add(s, n.counts, 1)
		}
	})
}

func TestEmptyPanesAreNoEvidence(t *testing.T) {
	n := newSource(rand.New(rand.NewPCG(1, 11)), 1000, setting)
	s := n.table.NewState()
	for range 100_000 {
		n.table.Add(s, make([]float64, ranges+2), 1)
	}
	if s.total != 0 {
		t.Errorf("the wealth is %v", s.total)
	}
}

// A bet's mean gain is at most 1 wherever the shares are within the tolerance: the promise, exactly, for a known reference.
func TestBetsAreTests(t *testing.T) {
	const known = 1e12
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.IntRange(2, 30).Draw(t, "cells")
		ordered := rapid.Bool().Draw(t, "ordered")
		delta := rapid.SampledFrom([]float64{0.005, 0.02, 0.1}).Draw(t, "delta")
		counts := make([]float64, values+2)
		total := 0.0
		for k := range counts {
			counts[k] = float64(rapid.IntRange(0, 100).Draw(t, "count"))
			total += counts[k]
		}
		if total == 0 {
			return
		}
		for k := range counts {
			counts[k] *= known / total
		}
		cells := NewCells(ordered, 2, counts)
		table := NewTable(cells, counts, Settings{delta, 0, 1})
		table.slack = 0
		tilts := len(table.tilts) / len(counts)
		for j, b := range table.bets {
			bound := delta
			if b.kind == Special {
				bound /= specialPart
			}
			gain := make([]float64, len(counts))
			for k := range counts {
				if j < tilts {
					gain[k] = exp(table.tilts[j*len(counts)+k])
				} else if gain[k] = exp(table.outside[j-tilts]); cells.groups[k] == b.group {
					gain[k] *= exp(table.inside[j-tilts])
				}
			}
			if mean := worst(table.p, gain, bound); mean > 1+1e-9 {
				t.Fatalf("bet %+v gains %v within the tolerance", b, mean)
			}
		}
	})
}

// worst is the largest mean of the gains over all shares within the total variation d: the worst cells give to the best.
func worst(p, gain []float64, d float64) float64 {
	best, mean := 0, 0.0
	left := append([]float64(nil), p...)
	for k, g := range gain {
		mean += p[k] * g
		if g > gain[best] {
			best = k
		}
	}
	for d > 0 {
		low := -1
		for k, g := range gain {
			if left[k] > 0 && g < gain[best] && (low < 0 || g < gain[low]) {
				low = k
			}
		}
		if low < 0 {
			break
		}
		moved := min(d, left[low])
		mean += moved * (gain[best] - gain[low])
		left[low], d = left[low]-moved, d-moved
	}
	return mean
}

func TestAlarm(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 12))
	n := newSource(random, 10_000, setting)
	s, clean, changed := n.table.NewState(), newSampler(n.cumulative(0, 1)), newSampler(n.cumulative(0.5, 1))
	step := func(p *sampler) (Transition, Finding) {
		p.draw(random, 100, n.counts)
		n.table.Add(s, n.counts, 1)
		return n.table.Step(s, 1, period*features)
	}
	for range 50 {
		if transition, _ := step(clean); transition != None {
			t.Fatal("a change without drift")
		}
	}
	var fired []Finding
	for range 30 {
		switch transition, found := step(changed); transition {
		case Fired:
			fired = append(fired, found)
		case Resolved:
			t.Fatal("resolved while it drifts")
		}
	}
	if len(fired) != 1 || fired[0].Kind != Higher || fired[0].Panes > 5 || fired[0].Records != float64(100*fired[0].Panes) {
		t.Fatalf("fired %+v", fired)
	}
	if e := fired[0].Effect; e < 0.1 || e > 0.25 { // the truth is 0.197
		t.Errorf("at least %v of the records have moved", e)
	}
	panes := 0
	for transition := None; transition != Resolved; panes++ {
		if transition, _ = step(clean); transition == Fired || panes > 60 {
			t.Fatalf("%v after %d panes", transition, panes)
		}
	}
	t.Logf("resolved %d panes after the end", panes)
	again := 0
	for range 10 {
		if transition, _ := step(changed); transition == Fired {
			again++
		}
	}
	if again != 1 {
		t.Errorf("fired %d times after it was resolved", again)
	}
}

// Traffic whose records depend on each other is tempered, and independent traffic is not.
func TestDependence(t *testing.T) {
	for _, c := range []struct{ rho, low, high float64 }{{0, 1, 1}, {0.5, 2, 4}, {0.9, 11, 25}} {
		random := rand.New(rand.NewPCG(3, uint64(100*c.rho)))
		n := newSource(random, 10_000, setting)
		s := n.table.NewState()
		x, fired := 0.0, 0
		for range 2000 {
			clear(n.counts)
			for range 100 {
				x = c.rho*x + random.NormFloat64()*math.Sqrt(1-c.rho*c.rho)
				k := 0
				for k < len(n.edges) && n.edges[k] <= x {
					k++
				}
				n.counts[k]++
			}
			n.table.Add(s, n.counts, 1)
			if transition, _ := n.table.Step(s, 1, period*features); transition == Fired {
				fired++
			}
		}
		t.Logf("AR(%v): kappa %.2f, %d alarms", c.rho, n.table.Dependence(s), fired)
		if kappa := n.table.Dependence(s); kappa < c.low || kappa > c.high || fired > 0 {
			t.Errorf("AR(%v): kappa is %v, %d alarms", c.rho, kappa, fired)
		}
	}
}

// An hour between the records of panes of a minute: the start of a drift is told rightly however many empty panes ago it was, and
// the alarm ends as soon as with empty panes' time and ten panes that have records.
func TestSparseTraffic(t *testing.T) {
	const elapsed = 3000
	n := newSource(rand.New(rand.NewPCG(1, 12)), 100_000, setting)
	s, changed, clean := n.table.NewState(), newSampler(n.cumulative(0.3, 1)), newSampler(n.cumulative(0, 1))
	step := func(from *sampler) (Transition, Finding) {
		from.draw(n.random, 10, n.counts)
		n.table.Add(s, n.counts, elapsed)
		return n.table.Step(s, elapsed, period*features)
	}
	panes := 0
	for transition := None; transition != Fired; panes++ {
		var found Finding
		if transition, found = step(changed); transition == Fired {
			if found.Panes < math.MaxUint16 || (found.Panes-1)%elapsed != 0 || found.Records != float64(10*(1+(found.Panes-1)/elapsed)) || found.Effect < 0.05 {
				t.Errorf("found %+v after %d panes with records", found, panes+1)
			}
			if s.alarm.patience != 3*found.Panes {
				t.Errorf("the patience is %d panes after %d", s.alarm.patience, found.Panes)
			}
		}
	}
	quiet := 0
	for transition := None; transition != Resolved; quiet++ {
		transition, _ = step(clean)
	}
	if quiet < 10 || quiet > 4*panes {
		t.Errorf("resolved after %d panes with records, and found after %d", quiet, panes)
	}
}
