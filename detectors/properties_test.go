package detectors

import (
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tidemark/profile"
)

var all = slices.Concat(Drift, Quality)

// highest is the largest score of each statistic that has one.
var highest = map[string]float64{
	"jensen_shannon": 1, "hellinger": 1, "total_variation": 1, "kullback_leibler": math.Log(1 / shareFloor),
	"psi": 2 * (1 - shareFloor) * math.Log(1/shareFloor), "ks": 1, "l_infinity": 1, "missing_share": 1, "new_categories": 1, "type_share": 1,
	"out_of_range": 1, "negative_share": 1, "cardinality": 1,
}

// lowest is the least score of those that can be below 0: a floor's share of ten or so cells.
var lowest = map[string]float64{"kullback_leibler": -300 * shareFloor}

// layouts are made once, so that features of one draw share theirs.
var layouts = []*profile.FeatureLayout{continuous(), flag(), colours(), {Kind: "numeric"}}

func drawFeature(t *rapid.T, layout *profile.FeatureLayout) *profile.Feature {
	f := feature(layout)
	count := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 5), rapid.Int64Range(0, 1<<40))
	for range rapid.IntRange(0, 40).Draw(t, "bins") {
		f.Bins[rapid.IntRange(0, len(f.Bins)-1).Draw(t, "bin")] = count.Draw(t, "count")
	}
	f.Missing = count.Draw(t, "missing")
	if f.Numeric() {
		f.Invalid, f.NaN = count.Draw(t, "invalid"), count.Draw(t, "nan")
		f.Negative = rapid.Int64Range(0, sum(f.Bins)).Draw(t, "negative")
	} else {
		f.New = rapid.MapOf(rapid.SampledFrom([]string{"pink", "grey", "teal"}), rapid.Int64Range(1, 100)).Draw(t, "new")
		f.NewOther = count.Draw(t, "new other")
	}
	f.Captured = sum(f.Bins) + f.NewRows() + f.Missing + f.Invalid + f.NaN
	return f
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layout := rapid.SampledFrom(layouts).Draw(t, "layout")
		x, y := drawFeature(t, layout), drawFeature(t, layout)
		for _, name := range all {
			s := New(name)
			score, defined := s.Score(x, y)
			limit, limited := highest[name]
			if !limited {
				continue
			}
			if v := score.Value; !(v >= lowest[name] && v <= limit+1e-9) || !defined && v != 0 {
				t.Fatalf("%s: score %v, %v is out of range", name, score, defined)
			}
			if self, _ := s.Score(x, x); self.Value != 0 && name != "new_categories" && name != "fisher" {
				t.Fatalf("%s: score %v with itself", name, self)
			}
			mirrored := name == "ks" || name == "l_infinity" || name == "psi" && (!x.Numeric() || byValue(x) == byValue(y))
			if back, _ := s.Score(y, x); mirrored && !near(back.Value, score.Value) {
				t.Fatalf("%s: score %v, but %v with the sides exchanged", name, score, back)
			}
		}
		h := Compare(x, y)
		for _, shares := range [][]float64{h.Reference, h.Current} {
			total := 0.0
			for _, s := range shares {
				total += s
			}
			if total != 0 && !near(total, 1) {
				t.Fatalf("histogram's shares sum to %v", total)
			}
			if len(h.Labels) > 0 && len(h.Labels) != len(shares) || len(h.Labels) == 0 && len(shares) > 0 && len(h.Edges) != len(shares)-1 {
				t.Fatalf("histogram has %d labels and %d edges for %d shares", len(h.Labels), len(h.Edges), len(shares))
			}
		}
	})
}

// TestMergeOrder checks that scores do not depend on the order in which a window's panes are merged.
func TestMergeOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layout := &profile.Layout{Features: []profile.FeatureLayout{*continuous(), *colours()}}
		reference := profile.New(layout)
		for i := range reference.Features {
			reference.Features[i] = *drawFeature(t, &layout.Features[i])
		}
		panes := make([]*profile.Profile, rapid.IntRange(1, 5).Draw(t, "panes"))
		for p := range panes {
			panes[p] = profile.New(layout)
			for i := range layout.Features {
				panes[p].Features[i] = *drawFeature(t, &layout.Features[i])
			}
		}
		merge := func(panes []*profile.Profile) *profile.Profile {
			merged := profile.New(layout)
			for _, p := range panes {
				merged.Merge(p)
			}
			return merged
		}
		window, other := merge(panes), merge(rapid.Permutation(panes).Draw(t, "order"))
		for i := range layout.Features {
			for _, name := range all {
				want, _ := New(name).Score(&reference.Features[i], &window.Features[i])
				got, _ := New(name).Score(&reference.Features[i], &other.Features[i])
				if got.Value != want.Value {
					t.Fatalf("%s: score %v in one order and %v in another", name, want, got)
				}
			}
			if !maps.Equal(window.Features[i].New, other.Features[i].New) {
				t.Fatalf("new categories differ by order")
			}
		}
	})
}
