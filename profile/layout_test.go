package profile

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/capture"
)

func TestLayoutIDIsOfItsContent(t *testing.T) {
	id := layout().ID()
	if len(id) != 16 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("id is %q, want 16 hexadecimal digits", id)
	}
	if again := layout().ID(); again != id {
		t.Errorf("the same content has the ids %s and %s", id, again)
	}
	seen := map[string]string{id: "the original"}
	for name, change := range map[string]func(l *Layout){
		"a name":        func(l *Layout) { l.Features[0].Name = "years" },
		"an edge":       func(l *Layout) { l.Features[0].Edges[1] = math.Nextafter(20, 30) },
		"a rank":        func(l *Layout) { l.Features[0].Ranks[1] = 121 },
		"a center":      func(l *Layout) { l.Features[0].Center = 21 },
		"a category":    func(l *Layout) { l.Features[1].Categories[0] = "base" },
		"a rare one":    func(l *Layout) { l.Features[1].Rare[0] = "base" },
		"openness":      func(l *Layout) { l.Features[1].Open = true },
		"a kind":        func(l *Layout) { l.Features[0].Kind = capture.Categorical },
		"a role":        func(l *Layout) { l.Features[2].Prediction = false },
		"the order":     func(l *Layout) { slices.Reverse(l.Features) },
		"a column less": func(l *Layout) { l.Features = l.Features[:3] },
	} {
		l := layout()
		change(l)
		if other, taken := seen[l.ID()]; taken {
			t.Errorf("%s changed, and the id is that of %s", name, other)
		}
		seen[l.ID()] = name
	}
}

func TestValidate(t *testing.T) {
	if err := layout().Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(l *Layout){
		"3 edges but 2 ranks":             func(l *Layout) { l.Features[0].Ranks = l.Features[0].Ranks[:2] },
		"edge 1 is 10 after 10":           func(l *Layout) { l.Features[0].Edges[1] = 10 },
		"edge 2 is NaN after 20":          func(l *Layout) { l.Features[0].Edges[2] = math.NaN() },
		"plan\": categories must be sort": func(l *Layout) { slices.Reverse(l.Features[1].Categories) },
		"categories must be sorted":       func(l *Layout) { slices.Reverse(l.Features[1].Rare) },
	} {
		l := layout()
		change(l)
		if err := l.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
}

func TestCells(t *testing.T) {
	full := func(from, to int) (ranks []int) { // an edge for each quantile
		for rank := from; rank <= to; rank++ {
			ranks = append(ranks, rank)
		}
		return ranks
	}
	for _, test := range []struct {
		name  string
		ranks []int
		n     int
		want  []int
	}{
		{"10 cells", full(0, 240), 10, []int{25, 49, 73, 97, 121, 145, 169, 193, 217}},
		{"12 cells", full(0, 240), 12, []int{21, 41, 61, 81, 101, 121, 141, 161, 181, 201, 221}},
		{"20 cells", full(0, 240), 20, []int{13, 25, 37, 49, 61, 73, 85, 97, 109, 121, 133, 145, 157, 169, 181, 193, 205, 217, 229}},
		{"no edges", nil, 10, nil},
		{"one value", []int{239, 240}, 10, []int{1}}, // below it, and from it on
		{"two values", []int{119, 239, 240}, 10, []int{1, 2}},
		{"the smallest value fills the lower half", append([]int{120}, full(121, 240)...), 10, []int{1, 25, 49, 73, 97}},
		{"ties between two cuts do not matter", append(full(0, 29), full(40, 240)...), 10, []int{25, 39, 63, 87, 111, 135, 159, 183, 207}},
		{"two cuts on one edge are one", append(full(0, 23), full(50, 240)...), 10, []int{25, 47, 71, 95, 119, 143, 167, 191}},
	} {
		f := FeatureLayout{Ranks: test.ranks, Edges: make([]float64, len(test.ranks))}
		if diff := cmp.Diff(test.want, f.Cells(test.n)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestCellsCutAtTheQuantiles compares with a search: quantile k is at the first edge whose rank is not below it.
func TestCellsCutAtTheQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ranks := rapid.SliceOfDistinct(rapid.IntRange(0, Quantiles), func(r int) int { return r }).Draw(t, "ranks")
		if !slices.Contains(ranks, Quantiles) {
			ranks = append(ranks, Quantiles)
		}
		slices.Sort(ranks)
		n := rapid.SampledFrom([]int{10, 12, 16, 20, 24, 30}).Draw(t, "cells")
		var want []int
		for k := Quantiles / n; k < Quantiles; k += Quantiles / n {
			i := slices.IndexFunc(ranks, func(rank int) bool { return rank >= k })
			if !slices.Contains(want, i+1) {
				want = append(want, i+1)
			}
		}
		f := FeatureLayout{Ranks: ranks, Edges: make([]float64, len(ranks))}
		if diff := cmp.Diff(want, f.Cells(n)); diff != "" {
			t.Fatalf("cells (-want +got):\n%s", diff)
		}
	})
}

func TestBins(t *testing.T) {
	for i, want := range []int{4, 3, 2, 3} {
		if got := layout().Features[i].Bins(); got != want {
			t.Errorf("%s has %d bins, want %d", layout().Features[i].Name, got, want)
		}
	}
}

// Bins are those of a search by the definition, also at the edges and beside them.
func TestBinIsTheNumberOfEdgesNotGreater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := rapid.SliceOfNDistinct(rapid.Float64(), 0, 300, rapid.ID[float64]).Draw(t, "edges")
		edges = slices.DeleteFunc(edges, func(e float64) bool { return math.IsInf(e, 0) || math.IsNaN(e) })
		slices.Sort(edges)
		f := FeatureLayout{Kind: capture.Numeric, Edges: edges}
		values := []float64{rapid.Float64().Draw(t, "x"), 0, math.Inf(1), math.Inf(-1)}
		for _, e := range edges {
			values = append(values, e, math.Nextafter(e, math.Inf(1)), math.Nextafter(e, math.Inf(-1)))
		}
		for _, x := range values {
			want := 0
			for _, e := range edges {
				if e <= x {
					want++
				}
			}
			if got := f.bin(x); got != want {
				t.Fatalf("%v is in bin %d, want %d", x, got, want)
			}
		}
	})
}
