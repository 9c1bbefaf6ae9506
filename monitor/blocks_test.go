package monitor

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/capture"
	"tidemark/profile"
	"tidemark/windows"
)

// numberLayout counts one number.
func numberLayout() *profile.Layout {
	return &profile.Layout{Features: []profile.FeatureLayout{
		{Name: "x", Kind: capture.Numeric, Edges: []float64{0, 1, 2, 3}, Ranks: []int{0, 80, 160, 240}, Center: 1.5},
	}}
}

// numberDelta is rows of one number in a pane, read from offset on.
func numberDelta(layout *profile.Layout, start windows.Time, offset int64, values ...float64) PaneDelta {
	p := profile.New(layout)
	for _, x := range values {
		p.Rows++
		p.Features[0].AddNumber(x, 1)
	}
	source := windows.Source{Topic: "capture", Partition: int32(offset % 3)}
	return PaneDelta{Start: start, Rows: p.Rows, Profile: p.Append(nil), Ranges: []Range{{source, offset, offset + 1}}}
}

// diffWindows compares counts and ranges exactly, and sums to 1e-12.
func diffWindows(t *rapid.T, w windows.Window, want, got *profile.Profile, wantRanges, ranges []Range) {
	bySource := func(a, b Range) int { return a.Source.Compare(b.Source) }
	slices.SortFunc(wantRanges, bySource)
	slices.SortFunc(ranges, bySource)
	if diff := cmp.Diff(wantRanges, ranges); diff != "" {
		t.Fatalf("window %v: ranges (-want +got):\n%s", w, diff)
	}
	f, g := &want.Features[0], &got.Features[0]
	if want.Rows != got.Rows || !slices.Equal(f.Bins, g.Bins) || !slices.Equal(f.Offsets, g.Offsets) || f.Moments.Min != g.Moments.Min ||
		f.Moments.Max != g.Moments.Max || f.Moments.Count != g.Moments.Count {
		t.Fatalf("window %v: %+v, want %+v", w, g, f)
	}
	near := func(a, b profile.Sum) bool { return math.Abs(a.Value()-b.Value()) <= 1e-12*max(1, math.Abs(a.Value())) }
	if !near(f.Moments.Sum, g.Moments.Sum) || !near(f.Moments.Squares, g.Moments.Squares) || !near(f.Under, g.Under) || !near(f.Over, g.Over) {
		t.Fatalf("window %v: sums %+v, want %+v", w, g.Moments, f.Moments)
	}
}

// TestBlocksAreThePanes: windows put together from blocks are those put together from all their panes, whatever comes
// late, and a series that starts anew in between finds the same bits.
func TestBlocksAreThePanes(t *testing.T) {
	const pane = time.Second
	rapid.Check(t, func(t *rapid.T) {
		layout := numberLayout()
		panes := rapid.IntRange(minBlocked, 150).Draw(t, "panes")
		slide := rapid.IntRange(1, 20).Draw(t, "slide")
		size := time.Duration(panes) * pane
		s, offset := &series{layout: layout}, int64(0)
		put := func(at windows.Time) {
			offset++
			values := rapid.SliceOfN(rapid.Float64Range(-1, 4), 1, 3).Draw(t, "values")
			if err := s.add(numberDelta(layout, at, offset, values...), offset, scratch{}); err != nil {
				t.Fatal(err)
			}
		}
		first := windows.Time(rapid.IntRange(-200, 200).Draw(t, "start")) * 1000
		filled := first
		for k := range rapid.IntRange(1, 30).Draw(t, "windows") {
			start := first.Add(time.Duration(k*slide) * pane)
			w := windows.Window{Start: start, End: start.Add(size)}
			for ; filled < w.End; filled = filled.Add(pane) {
				if rapid.IntRange(0, 3).Draw(t, "rows") > 0 {
					put(filled)
				}
			}
			for range rapid.IntRange(0, 2).Draw(t, "late") {
				put(w.Start.Add(time.Duration(rapid.IntRange(0, panes-1).Draw(t, "late pane")) * pane))
			}
			want := profile.New(layout)
			wantRanges, err := s.merge(w, want)
			if err != nil {
				t.Fatal(err)
			}
			got := profile.New(layout)
			ranges, err := s.window("m", pane, w, got)
			if err != nil {
				t.Fatal(err)
			}
			diffWindows(t, w, want, got, wantRanges, ranges)
			anew := &series{layout: layout, panes: s.panes}
			again := profile.New(layout)
			_, err = anew.window("m", pane, w, again)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got.Append(nil), again.Append(nil)); diff != "" {
				t.Fatalf("window %v has other bits after a restart:\n%s", w, diff)
			}
			s.panes.Drop(func(at windows.Time) bool { return at < start.Add(time.Duration(slide)*pane) })
		}
	})
}
