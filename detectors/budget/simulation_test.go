package budget

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The long forms are run by hand: make bench-budget.
var (
	budgets = flag.Int("budgets", 0, "whole budgets of 30 days to simulate")
	first   = flag.Int("first", 0, "number of the first of them, so that several processes can share the work")
)

// The setting of the tables in docs/detection.md: panes of 10 s, one false alarm in 30 days, 20 features.
const (
	period   = 30 * 24 * 360 // panes
	features = 20
	ranges   = 30
)

// source is a standard normal feature whose cells are the quantiles of a baseline that was drawn from it: the cells' counts are equal,
// their true shares are not.
type source struct {
	random *rand.Rand
	edges  []float64 // between the cells
	table  *Table
	counts []float64
}

func newSource(random *rand.Rand, rows int, s Settings) *source {
	values := make([]float64, rows)
	for i := range values {
		values[i] = random.NormFloat64()
	}
	slices.Sort(values)
	n := &source{random: random, counts: make([]float64, ranges+2)}
	baseline := make([]float64, ranges+2)
	last := 0
	for k := 1; k <= ranges; k++ {
		to := rows * k / ranges
		baseline[k-1] = float64(to - last)
		if k < ranges {
			n.edges = append(n.edges, values[to])
		}
		last = to
	}
	n.table = NewTable(NewCells(true, 2, baseline), baseline, s)
	return n
}

// cumulative is the chance of each cell and those before it, for a normal distribution.
func (n *source) cumulative(shift, scale float64) []float64 {
	below := make([]float64, ranges)
	for k, e := range n.edges {
		below[k] = normal((e - shift) / scale)
	}
	below[ranges-1] = 1
	return below
}

// sampler draws panes: by the first bits of a random number, a guide to the cell that the number's place in the shares is in.
type sampler struct {
	below []uint32 // where each cell ends, in 1/2^32
	guide [1 << 10]uint8
}

func newSampler(below []float64) *sampler {
	s := &sampler{below: make([]uint32, len(below))}
	for k, b := range below {
		s.below[k] = uint32(min(b*(1<<32), 1<<32-1))
	}
	k := 0
	for i := range s.guide {
		for s.below[k] < uint32(i)<<22 {
			k++
		}
		s.guide[i] = uint8(k)
	}
	return s
}

func (s *sampler) draw(random *rand.Rand, n int, counts []float64) {
	clear(counts)
	for i := 0; i < n; i += 2 {
		bits := random.Uint64()
		counts[s.cell(uint32(bits))]++
		if i+1 < n {
			counts[s.cell(uint32(bits>>32))]++
		}
	}
}

func (s *sampler) cell(u uint32) uint8 {
	k := s.guide[u>>22]
	for s.below[k] < u {
		k++
	}
	return k
}

// alarms counts the alarms of a feature over panes without a change.
func alarms(n *source, panes, records int, limit float64) (fired int, most float64) {
	s, clean := n.table.NewState(), newSampler(n.cumulative(0, 1))
	for range panes {
		clean.draw(n.random, records, n.counts)
		n.table.Add(s, n.counts, 1)
		most = max(most, s.total)
		if transition, _ := n.table.Step(s, 1, limit); transition == Fired {
			fired++
		}
	}
	return fired, most
}

// delay is the records from the change to the end of the pane that fires, or the most, after quiet panes before it.
func delay(n *source, quiet, records, most int, limit, shift, scale float64) int {
	s, clean, changed := n.table.NewState(), newSampler(n.cumulative(0, 1)), newSampler(n.cumulative(shift, scale))
	for range quiet {
		clean.draw(n.random, records, n.counts)
		n.table.Add(s, n.counts, 1)
		n.table.Step(s, 1, limit)
	}
	for seen := records; seen <= most; seen += records {
		changed.draw(n.random, records, n.counts)
		n.table.Add(s, n.counts, 1)
		if transition, _ := n.table.Step(s, 1, limit); transition == Fired {
			return seen
		}
	}
	return most + records
}

func quantileOf(delays []int, q float64) int {
	slices.Sort(delays)
	return delays[min(int(q*float64(len(delays))), len(delays)-1)]
}

var setting = Settings{MinEffect: 0.02, Z: Lenient, Dependence: 1}

// One of 20 features drifts: panes of 100, 1 per 30 days, a baseline of 10,000 rows drawn anew for each of 40 seeds.
func TestDelays(t *testing.T) {
	limit := float64(period * features)
	for _, c := range []struct {
		name         string
		shift, scale float64
		p90          int
	}{{"0.5 sigma", 0.5, 1, 500}, {"scale x1.5", 0, 1.5, 500}, {"0.2 sigma", 0.2, 1, 5000}} {
		var delays []int
		for seed := range uint64(40) {
			n := newSource(rand.New(rand.NewPCG(seed, 3)), 10_000, setting)
			delays = append(delays, delay(n, 200, 100, 100_000, limit, c.shift, c.scale))
		}
		p90, most := quantileOf(delays, 0.9), quantileOf(delays, 1)
		t.Logf("%s: median %d, p90 %d, most %d records", c.name, quantileOf(delays, 0.5), p90, most)
		if p90 > c.p90 || most > 100_000 {
			t.Errorf("%s: p90 is %d records, want at most %d; the most is %d", c.name, p90, c.p90, most)
		}
	}
}

// A change within the tolerance is none, however large the panes.
func TestSmallChangeIsNone(t *testing.T) {
	for seed := range uint64(4) {
		n := newSource(rand.New(rand.NewPCG(seed, 4)), 10_000, setting)
		p := n.cumulative(0.02, 1)
		s := n.table.NewState()
		for pane := range 300 {
			normalCounts(n.random, p, 100_000, n.counts)
			n.table.Add(s, n.counts, 1)
			if transition, found := n.table.Step(s, 1, period*features); transition == Fired {
				t.Fatalf("seed %d fired in pane %d: %+v", seed, pane, found)
			}
		}
	}
}

// normalCounts draws the counts of a large pane, by the normal approximation of each conditional binomial.
func normalCounts(random *rand.Rand, below []float64, n float64, counts []float64) {
	left, before := n, 0.0
	for k, b := range below {
		p := min((b-before)/(1-before), 1)
		counts[k] = left
		if k < len(below)-1 {
			counts[k] = min(max(math.Round(left*p+random.NormFloat64()*math.Sqrt(left*p*(1-p))), 0), left)
		}
		left -= counts[k]
		before = b
	}
}

// One feature alone, panes of 20, one alarm in 100,000 records.
func TestOneFeature(t *testing.T) {
	const limit = 100_000 / 20
	for _, c := range []struct {
		name         string
		shift, scale float64
	}{{"0.5 sigma", 0.5, 1}, {"scale x1.5", 0, 1.5}} {
		var delays []int
		for seed := range uint64(41) {
			n := newSource(rand.New(rand.NewPCG(seed, 5)), 10_000, setting)
			delays = append(delays, delay(n, 200, 20, 10_000, limit, c.shift, c.scale))
		}
		median := quantileOf(delays, 0.5)
		t.Logf("%s: median %d records", c.name, median)
		if median > 150 {
			t.Errorf("%s: median %d records, want at most 150", c.name, median)
		}
	}
	fired, panes := 0, 100_000/20
	if *budgets > 0 {
		panes = 10_000_000 / 20
	}
	for seed := range uint64(5) {
		n, _ := alarms(newSource(rand.New(rand.NewPCG(seed, 6)), 10_000, setting), panes/5, 20, limit)
		fired += n
	}
	t.Logf("%d alarms in %d clean records", fired, panes*20)
	if fired > 1 {
		t.Errorf("%d alarms in %d clean records", fired, panes*20)
	}
}

// Whole budgets: 30 days of 10 s panes of 100 records, 20 features, a baseline of 10,000 rows drawn anew for each.
func TestBudgets(t *testing.T) {
	n, panes := *budgets, period
	if n == 0 {
		n, panes = 1, period/200
	}
	total := 0
	for i := range n {
		most := 0.0
		for f := range features {
			source := newSource(rand.New(rand.NewPCG(uint64(*first+i), uint64(f+100))), 10_000, setting)
			fired, m := alarms(source, panes, 100, period*features)
			total += fired
			most = max(most, m)
		}
		if *budgets > 0 {
			fmt.Printf("budget %d: %d alarms so far; the most evidence of this one is 10^%.1f of the limit\n",
				*first+i+1, total, math.Log10(most/(period*features)))
		}
	}
	t.Logf("%d alarms in %d budgets of %d panes", total, n, panes)
	if total > n {
		t.Errorf("%d false alarms in %d budgets", total, n)
	}
}

// Baselines of other sizes: at most one alarm in a million records of 20 features each.
func TestBaselineSizes(t *testing.T) {
	draws, panes, fired := 2, 200, 0
	if *budgets > 0 {
		draws, panes = 20, 10_000
	}
	for _, rows := range []int{500, 1000, 100_000} {
		for i := range draws {
			for f := range features {
				source := newSource(rand.New(rand.NewPCG(uint64(rows+i), uint64(f+200))), rows, setting)
				n, _ := alarms(source, panes, 100, period*features)
				fired += n
			}
		}
		t.Logf("%d rows: %d alarms so far", rows, fired)
	}
	if fired > 1 {
		t.Errorf("%d alarms", fired)
	}
}
