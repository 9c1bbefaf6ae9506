package detectors

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tidemark/capture"
	"tidemark/profile"
)

// finite fails unless every figure of the score is a number, and the bounds are in order around what they bracket.
func finite(t *rapid.T, name string, s Score) {
	for field, x := range map[string]*float64{"value": &s.Value, "lower": s.Lower, "upper": s.Upper, "expected": s.Expected, "p-value": s.PValue()} {
		if x != nil && (math.IsNaN(*x) || math.IsInf(*x, 0)) {
			t.Fatalf("%s: %s is %v", name, field, *x)
		}
	}
	if s.PValue() != nil && (*s.PValue() < 0 || *s.PValue() > 1) {
		t.Fatalf("%s: p-value %v", name, *s.PValue())
	}
	if s.Lower != nil && s.Upper != nil && *s.Lower > *s.Upper {
		t.Fatalf("%s: bounds %v and %v", name, *s.Lower, *s.Upper)
	}
}

// drawCellPair draws counts over the same cells, with rows on both sides, and orders to count them in.
func drawCellPair(t *rapid.T) cells {
	n := rapid.IntRange(1, 12).Draw(t, "cells")
	count := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(0, 1000), rapid.Int64Range(0, 1<<40))
	c := cells{reference: rapid.SliceOfN(count, n, n).Draw(t, "reference"), current: rapid.SliceOfN(count, n, n).Draw(t, "current")}
	c.reference[0]++
	c.current[n-1]++
	return c
}

var figures = map[string]func(cells) Score{
	"psi": PSI{}.over, "kullback_leibler": KullbackLeibler{}.over, "jensen_shannon": JensenShannon{}.over,
	"hellinger": Hellinger{}.over, "total_variation": TotalVariation{}.over, "chi_square": ChiSquare{}.over, "g_test": GTest{}.over,
}

// TestCellProperties checks what holds for all counts: finite figures, 0 for identical ones, the same in any order of
// the cells and with empty cells added, and with the sides exchanged where a statistic is symmetric.
func TestCellProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCellPair(t)
		places := make([]int, len(c.reference))
		for i := range places {
			places[i] = i
		}
		var shuffled cells
		for _, i := range rapid.Permutation(places).Draw(t, "order") {
			shuffled.reference, shuffled.current = append(shuffled.reference, c.reference[i]), append(shuffled.current, c.current[i])
		}
		padded := cells{reference: append(slices.Clone(c.reference), 0), current: append(slices.Clone(c.current), 0)}
		for name, over := range figures {
			score := over(c)
			finite(t, name, score)
			if score.Value < 0 && name != "kullback_leibler" {
				t.Fatalf("%s: %v", name, score.Value)
			}
			if self := over(cells{reference: c.reference, current: c.reference}); self.Value != 0 || self.PValue() != nil && !near(*self.PValue(), 1) {
				t.Fatalf("%s: %v with itself", name, self.Value)
			}
			same(t, name+" in another order", over(shuffled), score)
			same(t, name+" with an empty cell", over(padded), score)
			if back := over(cells{reference: c.current, current: c.reference}); name != "kullback_leibler" {
				same(t, name+" with the sides exchanged", back, score)
			}
		}
	})
}

// TestFinite checks all statistics on profiles of any counts.
func TestFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layout := rapid.SampledFrom(layouts).Draw(t, "layout")
		x, y := drawFeature(t, layout), drawFeature(t, layout)
		for _, name := range all {
			score, defined := New(name).Score(x, y)
			finite(t, name, score)
			if !defined && !reflect.ValueOf(score).IsZero() {
				t.Fatalf("%s: %s, but undefined", name, describe(score))
			}
		}
	})
}

func same(t *rapid.T, name string, got, want Score) {
	agree := func(a, b float64) bool { return math.Abs(a-b) <= 1e-8*max(1, math.Abs(a)) }
	if !agree(got.Value, want.Value) || got.Expected != nil && !agree(*got.Expected, *want.Expected) ||
		got.PValue() != nil && !agree(*got.PValue(), *want.PValue()) && want.Value < 1e3 {
		t.Fatalf("%s: %v, not %v", name, got, want)
	}
}

// TestInequalities checks the inequalities between divergences: Pinsker's, Hellinger's against total variation, those of
// Jensen-Shannon, and that joining cells raises none of them.
func TestInequalities(t *testing.T) {
	const slack = 1e-12
	rapid.Check(t, func(t *rapid.T) {
		c := drawCellPair(t)
		tv, h, js := TotalVariation{}.over(c).Value, Hellinger{}.over(c).Value, JensenShannon{}.over(c).Value
		if h*h > tv+slack || tv > h*math.Sqrt(2-h*h)+slack {
			t.Fatalf("Hellinger %v, total variation %v", h, tv)
		}
		// Lin 1991: the divergence in bits is at most total variation; Topsøe 2000: it is at least that of two cells.
		atLeast := 1.0
		if tv < 1 {
			atLeast = ((1+tv)*math.Log2(1+tv) + (1-tv)*math.Log2(1-tv)) / 2
		}
		if js*js > tv+slack || js*js < atLeast-1e-9 {
			t.Fatalf("Jensen-Shannon %v, total variation %v", js, tv)
		}
		// Without floors: KL >= 2 TV^2 (Pinsker), and PSI is the divergences of both directions.
		kl, back, floors := 0.0, 0.0, false
		s := c.sizes()
		for i := range c.reference {
			r, q := share(c.reference[i], s.reference), share(c.current[i], s.current)
			floors = floors || r < shareFloor || q < shareFloor
			kl, back = kl+r*math.Log(r/q), back+q*math.Log(q/r)
		}
		if !floors {
			got := KullbackLeibler{}.over(c).Value
			if math.Abs(got-kl) > 1e-12 || kl < 2*tv*tv-slack {
				t.Fatalf("Kullback-Leibler %v, by definition %v, total variation %v", got, kl, tv)
			}
			if psi := (PSI{}).over(c).Value; math.Abs(psi-kl-back) > 1e-11*max(1, psi) {
				t.Fatalf("PSI %v, Kullback-Leibler %v and %v", psi, kl, back)
			}
		}
		if len(c.reference) < 2 {
			return
		}
		fewer := cells{reference: slices.Clone(c.reference[1:]), current: slices.Clone(c.current[1:])}
		fewer.reference[0], fewer.current[0] = fewer.reference[0]+c.reference[0], fewer.current[0]+c.current[0]
		for _, name := range []string{"jensen_shannon", "hellinger", "total_variation", "chi_square", "g_test"} {
			over := figures[name]
			if more, less := over(c).Value, over(fewer).Value; less > more+1e-8*max(1, more) {
				t.Fatalf("%s: %v over %v, but %v with the first two joined", name, more, c, less)
			}
		}
	})
}

// TestBounds checks that a score of profiles that join categories has bounds which hold what each category by its
// name gives.
func TestBounds(t *testing.T) {
	pool := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}
	rapid.Check(t, func(t *rapid.T) {
		layout := &profile.FeatureLayout{
			Name: "x", Kind: capture.Categorical, Categories: []string{"a", "b"},
			Rare: pool[2:rapid.IntRange(2, 5).Draw(t, "rare")], Open: rapid.Bool().Draw(t, "open"),
		}
		kept := rapid.IntRange(0, 3).Draw(t, "names kept")
		sides := [2]struct {
			sample  *Sample
			profile *profile.Feature
		}{}
		for k := range sides {
			s := &Sample{Kind: capture.Categorical, Categories: make(map[string]int64)}
			f := feature(layout)
			f.New = make(map[string]int64)
			for _, name := range rapid.Permutation(pool).Draw(t, "names") {
				n := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, 5), rapid.Int64Range(1, 20_000)).Draw(t, name)
				if n == 0 {
					continue
				}
				s.Categories[name], s.Captured, f.Captured = n, s.Captured+n, f.Captured+n
				bin := slices.Index(layout.Categories, name)
				switch {
				case bin >= 0:
					f.Bins[bin] += n
				case layout.Open || slices.Contains(layout.Rare, name):
					f.Bins[2] += n
				case len(f.New) < kept: // some of its rows came when others' names were kept
					unnamed := rapid.Int64Range(0, n-1).Draw(t, "unnamed")
					f.New[name], f.NewOther = n-unnamed, f.NewOther+unnamed
				default:
					f.NewOther += n
				}
			}
			sides[k].sample, sides[k].profile = s, f
		}
		for _, name := range overCells {
			got, ok := New(name).Score(sides[0].profile, sides[1].profile)
			want, okExact := New(name).Exact(sides[0].sample, sides[1].sample)
			finite(t, name, got)
			finite(t, name, want)
			if ok && !okExact {
				t.Fatalf("%s is defined for profiles only", name)
			}
			if !ok {
				continue
			}
			if got.Lower == nil && got.Upper == nil && !near(got.Value, want.Value) {
				t.Fatalf("%s: %v has no bounds, but exactly it is %v", name, got.Value, want.Value)
			}
			slack := 1e-9 * max(1, math.Abs(want.Value))
			if got.Lower != nil && want.Value < *got.Lower-slack || got.Upper != nil && want.Value > *got.Upper+slack {
				t.Fatalf("%s: %v is not within %s", name, want.Value, describe(got))
			}
		}
	})
}

func describe(s Score) string {
	text := fmt.Sprintf("value %v", s.Value)
	for name, x := range map[string]*float64{"lower": s.Lower, "upper": s.Upper} {
		if x != nil {
			text += fmt.Sprintf(", %s %v", name, *x)
		}
	}
	return text
}

// TestTransforms checks that rising transformations of all numbers change no score of samples. The current values
// are the reference's or beyond them, so that none is between the two values that a decile is taken from.
func TestTransforms(t *testing.T) {
	transforms := map[string]func(float64) float64{
		"cubes":        func(x float64) float64 { return x*x*x + x },
		"exponentials": func(x float64) float64 { return math.Exp(x / 10) },
		"a scale":      func(x float64) float64 { return 1e-9*x - 3 },
	}
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Map(rapid.IntRange(-30, 30), func(i int) float64 { return float64(i) })
		rows := 10 * rapid.IntRange(1, 12).Draw(t, "tens of rows") // no decile is a value's own place
		reference := rapid.SliceOfN(value, rows, rows).Draw(t, "reference")
		current := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(reference), rapid.SampledFrom([]float64{-40, 40, 50})), 1, 80).Draw(t, "current")
		for what, f := range transforms {
			r, c := numeric(reference, nil), numeric(current, nil)
			x, y := numeric(reference, f), numeric(current, f)
			for _, name := range overCells {
				want, defined := New(name).Exact(r, c)
				got, also := New(name).Exact(x, y)
				if defined != also || !near(got.Value, want.Value) {
					t.Fatalf("%s: %v, of %s %v", name, want.Value, what, got.Value)
				}
			}
		}
	})
}

// numeric is a sample of numbers, each transformed by f unless that is nil.
func numeric(values []float64, f func(float64) float64) *Sample {
	s := &Sample{Kind: capture.Numeric, Captured: int64(len(values)), Numbers: slices.Clone(values)}
	for i, x := range s.Numbers {
		if f != nil {
			s.Numbers[i] = f(x)
		}
	}
	slices.Sort(s.Numbers)
	return s
}
