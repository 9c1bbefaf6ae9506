package budget

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// golden is testdata/budget.json: worked examples of an independent implementation in Python, in full precision.
type golden struct {
	CellBet struct {
		P, Delta, M, Z, E, U, R float64
		LogIn                   float64 `json:"log_in"`
		LogOut                  float64 `json:"log_out"`
		Panes                   []struct {
			N, K float64
			LogE float64 `json:"log_e"`
			M    float64
		}
	} `json:"cell_bet"`
	Clip struct {
		P, H, L []float64
		Delta   float64
		Known   float64 `json:"c_known"`
		C       float64 `json:"c_m1000_z2"`
		LogE    []struct {
			Counts []float64
			LogE   float64 `json:"log_e"`
		} `json:"log_e"`
	}
	Four   feature `json:"feature_4_cells"`
	Thirty feature `json:"feature_32_cells"`
}

type feature struct {
	Baseline []float64
	Special  []int
	Delta, Z float64
	P        []float64
	Bets     []struct {
		Name   string
		Weight float64
		LogL   []float64
	}
	AdaptiveWeight float64 `json:"adaptive_weight_each"`
	AdaptiveSlack  float64 `json:"adaptive_slack"`
	Panes          []struct {
		Counts    []float64
		MF        float64 `json:"M_f"`
		M         []float64
		MAdaptive []float64 `json:"M_adaptive"`
		E         [][]float64
		Leader    string
		StartPane int `json:"start_pane"`
	}
}

func loadGolden(t *testing.T) golden {
	t.Helper()
	content, err := os.ReadFile("testdata/budget.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(content, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func sum(counts []float64) (n float64) {
	for _, c := range counts {
		n += c
	}
	return n
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
		t.Errorf("%s is %.12g, want %.12g", what, got, want)
	}
}

// A bet on one special cell, as missing is: its edge, its alternative, and its wealth pane by pane.
func TestOneCell(t *testing.T) {
	g := loadGolden(t).CellBet
	cells := NewCells(false, 1, []float64{g.M * (1 - g.P), g.M * g.P})
	table := newTable(cells, []float64{g.M * (1 - g.P), g.M * g.P}, Settings{specialPart * g.Delta, g.Z, 1})
	table.grouped[1] = g.P // the example adds no half records
	logs, inside, ok := table.logs(bet{kind: Special, size: 0.15, group: 1})
	if !ok {
		t.Fatal("no bet")
	}
	near(t, "log inside", inside, g.LogIn)
	near(t, "log outside", logs[0], g.LogOut)
	s := &State{wealth: []float64{0}}
	for _, p := range g.Panes {
		if p.N > 0 {
			gain := p.K*inside + (p.N-p.K)*logs[0]
			near(t, "log e", gain, p.LogE)
			s.win(0, true, gain)
		}
		near(t, "M", s.wealth[0], p.M)
	}
}

func TestClip(t *testing.T) {
	g := loadGolden(t).Clip
	l, ok := (&clipper{}).clip(g.P, g.H, g.Delta)
	if !ok {
		t.Fatal("no bet")
	}
	for k := range l {
		near(t, "L", l[k], g.L[k])
	}
	mean, deviation, width := spread(g.P, l)
	near(t, "C of a known baseline", mean+g.Delta*width, g.Known)
	c := mean + g.Delta*width + 2*deviation/math.Sqrt(1000) + 4*width/3000
	near(t, "C", c, g.C)
	for _, pane := range g.LogE {
		sum := 0.0
		for k, n := range pane.Counts {
			sum += n * math.Log(l[k]/c)
		}
		near(t, "log e", sum, pane.LogE)
	}
	if _, ok := (&clipper{}).clip(g.P, []float64{0.26, 0.25, 0.25, 0.24}, g.Delta); ok {
		t.Error("an alternative within the tolerance is no bet")
	}
}

func TestFeatures(t *testing.T) {
	g := loadGolden(t)
	for name, f := range map[string]feature{"4 cells": g.Four, "32 cells": g.Thirty} {
		t.Run(name, func(t *testing.T) {
			cells := NewCells(true, len(f.Special), f.Baseline)
			table := NewTable(cells, f.Baseline, Settings{f.Delta, f.Z, 1})
			table.check(t, &f)
			s := table.NewState()
			quiet := make([]int, len(s.age)) // by bet, the last pane in which it was not winning
			for i, p := range f.Panes {
				if n := sum(p.Counts); n > 0 { // what Add does, without rounding
					groups := make([]float64, cells.count)
					cells.join(groups, p.Counts)
					table.bet(s, p.Counts, groups, n, 1)
					table.learn(s, groups, n)
					table.sum(s)
					table.grow(s, groups, 1)
				}
				for k, age := range s.age {
					if age == 0 && sum(p.Counts) > 0 {
						quiet[k] = i + 1
					}
				}
				table.checkPane(t, &f, i, s)
				if quiet[s.leader] != p.StartPane {
					t.Errorf("pane %d: bet %d was last quiet in pane %d, want %d", i+1, s.leader, quiet[s.leader], p.StartPane)
				}
			}
		})
	}
}

func (t *Table) check(test *testing.T, f *feature) {
	if len(t.bets) != len(f.Bets) {
		test.Fatalf("%d bets, want %d", len(t.bets), len(f.Bets))
	}
	for k := range f.P {
		near(test, "p", t.p[k], f.P[k])
	}
	tilts := len(t.tilts) / len(t.p)
	for j, want := range f.Bets {
		near(test, want.Name+" weight", t.weights[j], want.Weight)
		for k, l := range want.LogL {
			var got float64
			if j < tilts {
				got = t.tilts[j*len(t.p)+k]
			} else {
				got = t.outside[j-tilts]
				if t.cells.groups[k] == t.bets[j].group {
					got += t.inside[j-tilts]
				}
			}
			near(test, want.Name+" log L", got, l)
		}
	}
	near(test, "adaptive weight", t.weights[len(t.bets)], f.AdaptiveWeight)
	near(test, "adaptive slack", t.slack, f.AdaptiveSlack)
}

func (t *Table) checkPane(test *testing.T, f *feature, i int, s *State) {
	p := f.Panes[i]
	near(test, "M_f", s.total, p.MF)
	for j := range t.bets {
		near(test, f.Bets[j].Name+" M", s.wealth[j], p.M[j])
	}
	for a := range halfLives {
		near(test, "adaptive M", s.wealth[len(t.bets)+a], p.MAdaptive[a])
		for g, e := range p.E[a] {
			near(test, "E", s.residual[a][g]+t.grouped[g], e)
		}
	}
	leader := slices.IndexFunc(f.Bets, func(b struct {
		Name   string
		Weight float64
		LogL   []float64
	}) bool {
		return b.Name == p.Leader
	})
	// Higher and lower are equal to the last bits where the pane is the baseline's image.
	if most := t.weights[s.leader] * s.wealth[s.leader]; t.weights[leader]*s.wealth[leader] < most*(1-1e-9) {
		test.Errorf("pane %d: the leader is bet %d, want %s", i+1, s.leader, p.Leader)
	}
}
