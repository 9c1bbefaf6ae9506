package monitor

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/profile"
)

// inputsBaseline is of six numbers that have nothing to do with each other, from 0 to 100.
func inputsBaseline(random *rand.Rand) *baseline.Baseline {
	b := &baseline.Baseline{ID: "0123456789abcdef"}
	for c := range 6 {
		name := fmt.Sprint("x", c)
		b.Schema.Columns = append(b.Schema.Columns, capture.Column{Name: name, Role: capture.Feature, Kind: capture.Numeric})
		b.Layout.Features = append(b.Layout.Features, profile.FeatureLayout{Name: name, Kind: capture.Numeric, Edges: []float64{0, 25, 50, 75, 100}, Ranks: []int{0, 60, 120, 180, 240}})
	}
	b.Profile = inputs(b, random, 10_000, 0)
	return b
}

// inputs are rows of which a share has all values on one side of the median.
func inputs(b *baseline.Baseline, random *rand.Rand, rows int, share float64) *profile.Profile {
	p, batch := profile.New(&b.Layout), capture.NewBatch(b.Schema)
	p.CountPairs()
	for range rows {
		upper, alike := random.IntN(2), random.Float64() < share
		var cells [][]byte
		for range b.Schema.Columns {
			x := random.Float64() * 50
			if !alike {
				upper = random.IntN(2)
			}
			cells = append(cells, strconv.AppendFloat(nil, x+50*float64(upper), 'g', -1, 64))
		}
		if err := batch.AppendCells(0, capture.Input, cells); err != nil {
			panic(err)
		}
		p.Observe(batch, []int32{0})
		batch.Reset()
	}
	return p
}

// Inputs that all begin to move together a little are told of as such, once, and as resolved; after a restart at any pane too.
func TestProjectionAlert(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	b := inputsBaseline(random)
	c := watch("a", tumbling(minute), budgeted).Config
	m := New(c, b)
	shard := NewShard([]*Monitor{m})
	e := shard.endpoint("a")
	var out Output
	for pane := range 200 {
		share := 0.0
		if pane >= 50 && pane < 60 {
			share = 0.2
		}
		if err := e.weigh(0, "v", noon.Add(time.Duration(1+pane)*minute), inputs(b, random, 200, share), &out); err != nil {
			t.Fatal(err)
		}
		key := budgetKey{"a", "v"}
		saved := e.savedBets(m, key, e.bets[key])
		delete(e.bets, key)
		if err := shard.RestoreBets(saved); err != nil {
			t.Fatal(err)
		}
		if again := e.savedBets(m, key, e.bets[key]); saved.Sums != 5 || !bytes.Equal(again.States, saved.States) {
			t.Fatalf("pane %d: %d sums; another state after a restart", pane, saved.Sums)
		}
	}
	if len(out.Alerts) != 2 {
		t.Fatalf("%d alerts: %+v", len(out.Alerts), out.Alerts)
	}
	a, resolved := out.Alerts[0], out.Alerts[1]
	if a.Feature != "all inputs" || a.Rule != "joint" || a.State != firing || a.Since != date("2026-03-01T12:51:00") || resolved.State != "resolved" || resolved.Incident != a.ID {
		t.Errorf("alert %s of %q %s, since %v; then %s of incident %s", a.Rule, a.Feature, a.State, a.Since, resolved.State, resolved.Incident)
	}
	j := a.Evidence.Joint
	if !slices.Equal(j.Features, []string{"x0", "x1", "x2", "x3", "x4", "x5"}) || j.Side != "median" || math.Abs(j.Reference-math.Sqrt(6)/2) > 0.02 || j.Current < 1.4 {
		t.Errorf("evidence %+v", j)
	}
	if h := a.Histogram; len(h.Labels) != 7 || len(h.Reference) != 7 || len(h.Current) != 7 || h.Labels[6] != "6" || math.Abs(h.Reference[3]-20.0/64) > 0.02 {
		t.Errorf("histogram %+v", h)
	}
	if !strings.HasPrefix(resolved.Message, "all inputs on a/v move together as in the baseline again") {
		t.Errorf("message %q", resolved.Message)
	}
}

// Against another reference than the whole baseline, sums and pairs are compared with what that has.
func TestProjectionsAgainstAnotherReference(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	b := inputsBaseline(random)
	m := New(watch("a", tumbling(minute), budgeted).Config, b)
	against := m.against(inputs(b, random, 10_000, 0.2))
	if len(against.sums) != len(m.projections) || len(against.pairs) != len(m.pairs) {
		t.Fatalf("%d sums and %d pairs, want %d and %d", len(against.sums), len(against.pairs), len(m.projections), len(m.pairs))
	}
	for _, test := range []struct {
		share float64
		moved bool
	}{{0.2, false}, {0, true}} {
		state := against.sums[0].NewState()
		for range 10 {
			against.sums[0].Add(state, floats(inputs(b, random, 200, test.share).Joint.Projected[0]), 1)
		}
		if moved := state.Wealth() > 1e6; moved != test.moved {
			t.Errorf("with %v of the rows on one side, as the reference has 0.2, the evidence is %v", test.share, state.Wealth())
		}
	}
	if without := m.against(profile.New(&b.Layout)); without.pairs != nil || without.sums != nil || len(without.features) != 6 {
		t.Errorf("%d pairs and %d sums against a reference that did not count them", len(without.pairs), len(without.sums))
	}
}

// A baseline without sums has pairs all the same.
func TestBaselineWithoutProjections(t *testing.T) {
	b := inputsBaseline(rand.New(rand.NewPCG(1, 2)))
	for _, counts := range b.Profile.Joint.Projected {
		clear(counts)
	}
	m := New(watch("a", tumbling(minute), budgeted).Config, b)
	if len(m.pairs) != 30 || len(m.projections) != 0 {
		t.Errorf("%d pairs, %d sums", len(m.pairs), len(m.projections))
	}
}
