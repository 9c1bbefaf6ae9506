package budget

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"

	"tidemark/capture"
	"tidemark/detectors"
	"tidemark/detectors/pvalue"
	"tidemark/detectors/sequential"
	"tidemark/profile"
)

// The tables of docs/detection.md are made with this flag: make bench-calibration. Without it each table is made from a few runs, and
// what must hold of it is tested.
var calibrate = flag.Bool("calibrate", false, "print the tables of docs/detection.md")

// counted is a standard normal column, counted as a baseline counts it.
type counted struct {
	layout    *profile.Layout
	reference *profile.Profile
}

func newCounted(random *rand.Rand, rows int) *counted {
	values := make([]float64, rows)
	for i := range values {
		values[i] = random.NormFloat64()
	}
	slices.Sort(values)
	f := profile.FeatureLayout{Name: "x", Kind: capture.Numeric}
	for k := range profile.Quantiles {
		f.Edges, f.Ranks = append(f.Edges, values[rows*k/profile.Quantiles]), append(f.Ranks, k)
	}
	f.Edges, f.Ranks = append(f.Edges, math.Nextafter(values[rows-1], 9)), append(f.Ranks, profile.Quantiles)
	c := &counted{layout: &profile.Layout{Features: []profile.FeatureLayout{f}}}
	c.reference = c.count(values)
	return c
}

func (c *counted) count(values []float64) *profile.Profile {
	p := profile.New(c.layout)
	f := &p.Features[0]
	for _, x := range values {
		f.Bins[sort.Search(len(f.Layout.Edges), func(k int) bool { return f.Layout.Edges[k] > x })]++
		f.Moments.Add(x)
	}
	p.Rows, f.Captured = int64(len(values)), int64(len(values))
	return p
}

// windowRules say of the scores of one window's features whether the window is flagged.
var windowRules = []struct {
	name  string
	flags func(ks, psi []detectors.Score) bool
}{
	{"`ks`, p < .05, each feature by itself", func(ks, _ []detectors.Score) bool { return smallest(ks, nil) < 0.05 }},
	{"`ks`, `alpha: 0.05, correction: bonferroni`", func(ks, _ []detectors.Score) bool { return smallest(ks, pvalue.Bonferroni) < 0.05 }},
	{"`ks`, `alpha: 0.05, correction: holm`", func(ks, _ []detectors.Score) bool { return smallest(ks, pvalue.Holm) < 0.05 }},
	{"PSI > .1, as it is", func(_, psi []detectors.Score) bool { return largest(psi, false) > 0.1 }},
	{"`psi` > .1, beyond what chance gives", func(_, psi []detectors.Score) bool { return largest(psi, true) > 0.1 }},
	{"`psi` > .2, beyond what chance gives", func(_, psi []detectors.Score) bool { return largest(psi, true) > 0.2 }},
}

func smallest(scores []detectors.Score, correct func([]float64) []float64) float64 {
	var p []float64
	for _, s := range scores {
		p = append(p, *s.PValue())
	}
	if correct != nil {
		p = correct(p)
	}
	return slices.Min(p)
}

func largest(scores []detectors.Score, beyond bool) float64 {
	most := 0.0
	for _, s := range scores {
		v := s.Value
		if beyond {
			v -= *s.Expected
		}
		most = max(most, v)
	}
	return most
}

// perBaseline is how many windows are compared with a baseline before another is drawn.
const perBaseline = 20

// flagged is the share of windows in which a rule is true of any of 20 features, of which so many are shifted.
func flagged(seed uint64, baseline, window, windows int, shift float64, shifted int) []float64 {
	random := rand.New(rand.NewPCG(seed, 31))
	shares := make([]float64, len(windowRules)+1)
	for done := 0; done < windows; done += perBaseline {
		var columns []*counted
		for range features {
			columns = append(columns, newCounted(random, baseline))
		}
		for range perBaseline {
			var ks, psi []detectors.Score
			values := make([]float64, window)
			for c, column := range columns {
				for i := range values {
					values[i] = random.NormFloat64()
					if c < shifted {
						values[i] += shift
					}
				}
				current := column.count(values)
				k, _ := detectors.KS{}.Score(&column.reference.Features[0], &current.Features[0])
				p, _ := detectors.PSI{}.Score(&column.reference.Features[0], &current.Features[0])
				ks, psi = append(ks, k), append(psi, p)
			}
			for i, rule := range windowRules {
				if rule.flags(ks, psi) {
					shares[i] += 1 / float64(windows)
				}
			}
		}
	}
	shares[len(windowRules)] = budgetFlags(random, baseline, window, windows, shift, shifted)
	return shares
}

// budgetFlags is that share for the alarm budget, one alarm in 30 days of windows of a minute, in one run of windows.
func budgetFlags(random *rand.Rand, baseline, window, windows int, shift float64, shifted int) float64 {
	const limit = 30 * 24 * 60 * features
	fired := make([]bool, windows)
	for f := range features {
		n := newSource(random, baseline, Settings{MinEffect: 0.02, Z: Confidence(float64(baseline), 1), Dependence: 1})
		moved := 0.0
		if f < shifted {
			moved = shift
		}
		s, panes := n.table.NewState(), newSampler(n.cumulative(moved, 1))
		for i := range windows {
			panes.draw(random, window, n.counts)
			n.table.Add(s, n.counts, 1)
			n.table.Step(s, 1, limit)
			fired[i] = fired[i] || s.Firing()
		}
	}
	share := 0.0
	for _, f := range fired {
		if f {
			share += 1 / float64(windows)
		}
	}
	return share
}

func TestCalibrationOfWindows(t *testing.T) {
	windows, moved, most := perBaseline, perBaseline, 2000
	if *calibrate {
		windows, moved, most = 10*perBaseline, 3*perBaseline, 10_000
	}
	settings := [][2]int{{1000, 1000}, {10_000, 200}, {10_000, 1000}, {10_000, most}}
	var quiet, small [][]float64
	for i, s := range settings {
		quiet = append(quiet, flagged(uint64(i), s[0], s[1], windows, 0, 0))
	}
	for i, shift := range []float64{0.02, 0.2, 0.5} {
		small = append(small, flagged(uint64(i+10), 10_000, most, moved, shift, 1))
	}
	bud := len(windowRules)
	for _, row := range quiet {
		if row[0] < 0.1 || row[bud] > 0 {
			t.Errorf("without drift, p < .05 flags %v and the budget %v of the windows", row[0], row[bud])
		}
	}
	if small[0][bud] > 0 || small[2][bud] < 0.9 {
		t.Errorf("the budget flags %v of the windows with .02 sigma and %v with .5 sigma", small[0][bud], small[2][bud])
	}
	if !*calibrate {
		return
	}
	fmt.Printf("Share of windows flagged on any of 20 features (%d windows; m baseline rows, n rows in the window; in the last three columns one feature has shifted, m and n are 10,000, and there are %d windows):\n\n", windows, moved)
	fmt.Println("| rule | m 1,000, n 1,000 | m 10,000, n 200 | m 10,000, n 1,000 | m 10,000, n 10,000 | .02 sigma | .2 sigma | .5 sigma |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for i := range quiet[0] {
		name := "**alarm budget**, 1 per 30d of 1m windows"
		if i < bud {
			name = windowRules[i].name
		}
		fmt.Printf("| %s", name)
		for _, row := range slices.Concat(quiet, small) {
			fmt.Printf(" | %s", strings.TrimPrefix(fmt.Sprintf("%.2f", row[i]), "0"))
		}
		fmt.Println(" |")
	}
	fmt.Println()
}

// streamed is what a detector does on one standard normal stream: false alarms, and the delay after a change, or -1.
type streamed func(random *rand.Rand, quiet, after int, shift, scale float64) (false_, delay int)

func valueByValue(t *testing.T, name string) streamed {
	return func(random *rand.Rand, quiet, after int, shift, scale float64) (alarms, delay int) {
		d, err := sequential.New(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range quiet {
			if d.Update(random.NormFloat64()) == sequential.Drift {
				alarms++
			}
		}
		for i := range after {
			if d.Update(shift+scale*random.NormFloat64()) == sequential.Drift {
				return alarms, i + 1
			}
		}
		return alarms, -1
	}
}

// paneByPane is the budget of one alarm in 100,000 records, panes of 20 and a baseline of 10,000 rows, drawn anew.
func paneByPane(random *rand.Rand, quiet, after int, shift, scale float64) (alarms, delayed int) {
	const pane, limit = 20, 100_000 / 20
	n := newSource(random, 10_000, setting)
	s := n.table.NewState()
	before, changed := newSampler(n.cumulative(0, 1)), newSampler(n.cumulative(shift, scale))
	for range quiet / pane {
		before.draw(random, pane, n.counts)
		n.table.Add(s, n.counts, 1)
		if transition, _ := n.table.Step(s, 1, limit); transition == Fired {
			alarms++
		}
	}
	for i := range after / pane {
		changed.draw(random, pane, n.counts)
		n.table.Add(s, n.counts, 1)
		if transition, _ := n.table.Step(s, 1, limit); transition == Fired {
			return alarms, (i + 1) * pane
		}
	}
	return alarms, -1
}

func TestCalibrationOfStreams(t *testing.T) {
	seeds, clean := 3, 20_000
	if *calibrate {
		seeds, clean = 30, 100_000
	}
	changes := []struct {
		name         string
		shift, scale float64
	}{{".25 sigma", 0.25, 1}, {".5 sigma", 0.5, 1}, {"scale x1.5", 0, 1.5}}
	methods := []struct {
		name string
		run  streamed
	}{
		{"`adwin`", valueByValue(t, "adwin")}, {"`page_hinkley`", valueByValue(t, "page_hinkley")}, {"`cusum`", valueByValue(t, "cusum")},
		{"`kswin`", valueByValue(t, "kswin")}, {"**alarm budget**, 1 per 100,000 records", paneByPane},
	}
	if *calibrate {
		fmt.Printf("One standard normal stream, all detectors with their defaults, %d seeds: false alarms in 100,000 records without a change; then found within 10,000 records of a change after 10,000 quiet ones, and the median delay:\n\n", seeds)
		fmt.Println("| detector | false alarms per 100,000 | .25 sigma | .5 sigma | scale x1.5 |\n|---|---|---|---|---|")
	}
	for k, m := range methods {
		alarms := 0
		for seed := range seeds {
			n, _ := m.run(rand.New(rand.NewPCG(uint64(seed), 41)), clean, 0, 0, 1)
			alarms += n
		}
		cells := []string{fmt.Sprintf("%.3g", float64(alarms)/float64(seeds)/float64(clean)*100_000)}
		for _, c := range changes {
			var delays []int
			for seed := range seeds {
				if _, d := m.run(rand.New(rand.NewPCG(uint64(seed), 43)), 10_000, 10_000, c.shift, c.scale); d >= 0 {
					delays = append(delays, d)
				}
			}
			cell := fmt.Sprintf("%d of %d", len(delays), seeds)
			if len(delays) > 0 {
				cell += fmt.Sprintf(", %d", quantileOf(delays, 0.5))
			}
			cells = append(cells, cell)
			if k == len(methods)-1 && (len(delays) < seeds || c.shift == 0.5 && quantileOf(delays, 0.5) > 200) {
				t.Errorf("the budget finds %s in %v of %d runs", c.name, delays, seeds)
			}
		}
		if k == len(methods)-1 && alarms > 1 {
			t.Errorf("the budget has %d alarms in %d clean records", alarms, seeds*clean)
		}
		if *calibrate {
			fmt.Printf("| %s | %s |\n", m.name, strings.Join(cells, " | "))
		}
	}
	if *calibrate {
		fmt.Println()
	}
}

// One of 20 features drifts, panes of 100, one alarm in 30 days of panes of 10 s, for baselines of three sizes.
func TestCalibrationOfDelays(t *testing.T) {
	seeds := 2
	if *calibrate {
		seeds = 40
	}
	changes := []struct{ shift, scale float64 }{{0.2, 1}, {0.25, 1}, {0.5, 1}, {1, 1}, {0, 1.5}}
	if *calibrate {
		fmt.Printf("Records from the change to the alarm, median/p90 of %d seeds; one of 20 features drifts, panes of 100, 1 per 30d, a baseline drawn anew for each; - is not found within 20,000:\n\n", seeds)
		fmt.Println("| baseline | min_effect | allowance | .2 sigma | .25 sigma | .5 sigma | 1 sigma | scale x1.5 |\n|---|---|---|---|---|---|---|---|")
	}
	for _, rows := range []int{1000, 10_000, 100_000} {
		for _, effect := range []float64{0.01, 0.02, 0.05} {
			s := Settings{MinEffect: effect, Z: Confidence(float64(rows), 1), Dependence: 1}
			var cells []string
			for _, c := range changes {
				var delays []int
				for seed := range uint64(seeds) {
					delays = append(delays, delay(newSource(rand.New(rand.NewPCG(seed, 51)), rows, s), 100, 100, 20_000, period*features, c.shift, c.scale))
				}
				text := make([]string, 2)
				for i, q := range []float64{0.5, 0.9} {
					text[i] = "-"
					if d := quantileOf(delays, q); d <= 20_000 {
						text[i] = fmt.Sprint(d)
					}
				}
				cells = append(cells, strings.Join(text, "/"))
				if c.shift == 1 && quantileOf(delays, 1) > 400 {
					t.Errorf("%d rows, min_effect %v: 1 sigma is found after %v records", rows, effect, delays)
				}
			}
			if *calibrate {
				fmt.Printf("| %d | %g | z = %g | %s |\n", rows, effect, s.Z, strings.Join(cells, " | "))
			}
		}
	}
}
