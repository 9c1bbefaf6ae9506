package windows

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// closing returns the windows that Closing yields when there are panes at starts.
func closing(s Spec, after, watermark Time, starts ...Time) []Window {
	var panes Panes[bool]
	for _, start := range starts {
		panes.Put(start, true)
	}
	var closed []Window
	s.Closing(after, watermark, panes.Next, func(w Window) { closed = append(closed, w) })
	return closed
}

func TestClosing(t *testing.T) {
	const s = Time(1000)
	tumbling, sliding := Spec{Size: minute}, Spec{Size: 30 * second, Slide: 10 * second}
	for _, test := range []struct {
		name             string
		spec             Spec
		after, watermark Time
		panes            []Time
		want             []Window
	}{
		{"nothing is there", tumbling, Never, 1000 * s, nil, nil},
		{"the watermark is a millisecond before the end", tumbling, Never, 60*s - 1, []Time{0}, nil},
		{"the watermark is at the end", tumbling, Never, 60 * s, []Time{0}, []Window{{0, 60 * s}}},
		{"it was closed before", tumbling, 60 * s, 119 * s, []Time{0}, nil},
		{"after is a millisecond before the end", tumbling, 60*s - 1, 60 * s, []Time{0}, []Window{{0, 60 * s}}},
		{"two panes of a window", tumbling, Never, 90 * s, []Time{0, 30 * s}, []Window{{0, 60 * s}}},
		{"a gap", tumbling, Never, 300 * s, []Time{0, 180 * s}, []Window{{0, 60 * s}, {180 * s, 240 * s}}},
		{"before the epoch", tumbling, Never, 0, []Time{-60 * s, -90 * s}, []Window{{-120 * s, -60 * s}, {-60 * s, 0}}},
		{"a pane in the future", tumbling, Never, 60 * s, []Time{0, 3600 * s}, []Window{{0, 60 * s}}},
		{"sliding, one pane", sliding, Never, 100 * s, []Time{20 * s}, []Window{{0, 30 * s}, {10 * s, 40 * s}, {20 * s, 50 * s}}},
		{"sliding, before the epoch", sliding, Never, 100 * s, []Time{0}, []Window{{-20 * s, 10 * s}, {-10 * s, 20 * s}, {0, 30 * s}}},
		{"sliding, up to the watermark", sliding, Never, 45 * s, []Time{20 * s}, []Window{{0, 30 * s}, {10 * s, 40 * s}}},
		{"sliding, from the last time on", sliding, 40 * s, 100 * s, []Time{20 * s}, []Window{{20 * s, 50 * s}}},
		{"sliding, a gap", sliding, Never, 100 * s, []Time{0, 60 * s}, []Window{
			{-20 * s, 10 * s}, {-10 * s, 20 * s}, {0, 30 * s}, {40 * s, 70 * s}, {50 * s, 80 * s}, {60 * s, 90 * s}}},
	} {
		if diff := cmp.Diff(test.want, closing(test.spec, test.after, test.watermark, test.panes...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestClosingSkipsGaps has two panes ten thousand years apart and windows of a minute that slide by a millisecond's
// multiple: visiting every window between them would take hours.
func TestClosingSkipsGaps(t *testing.T) {
	spec := Spec{Size: 2 * time.Millisecond, Slide: time.Millisecond}
	first, last := date("0001-01-01T00:00:00"), date("9999-12-31T23:00:00")
	want := []Window{{first - 1, first + 1}, {first, first + 2}, {last - 1, last + 1}, {last, last + 2}}
	if diff := cmp.Diff(want, closing(spec, Never, last+2, first, last)); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
}

func TestClosingIsWhatBruteForceFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(20).Draw(t, "spec")
		size, step := Time(spec.Size.Milliseconds()), Time(spec.Step().Milliseconds())
		pane := Time(Pane([]Spec{spec}).Milliseconds())
		if pane > 1 && rapid.Bool().Draw(t, "small panes") && pane%2 == 0 {
			pane /= 2
		}
		drawTime := rapid.Map(rapid.Int64Range(-300, 300), func(n int64) Time { return Time(n) })
		var starts []Time
		for _, at := range rapid.SliceOfN(drawTime, 0, 6).Draw(t, "panes") {
			starts = append(starts, at.Floor(time.Duration(pane)*time.Millisecond))
		}
		after := rapid.OneOf(drawTime, rapid.Just(Never)).Draw(t, "after")
		watermark := drawTime.Draw(t, "watermark")
		var want []Window
		for start := Time(-1000).Floor(spec.Step()); start < 1000; start += step {
			w := Window{start, start + size}
			holds := slices.ContainsFunc(starts, func(p Time) bool { return p >= w.Start && p < w.End })
			if holds && w.End > after && w.End <= watermark {
				want = append(want, w)
			}
		}
		if diff := cmp.Diff(want, closing(spec, after, watermark, starts...)); diff != "" {
			t.Fatalf("closed (-want +got):\n%s", diff)
		}
	})
}

// TestClosingTwiceIsOnce: however the watermark moves, each window closes once.
func TestClosingTwiceIsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(20).Draw(t, "spec")
		step := rapid.SliceOfN(rapid.Int64Range(0, 90), 1, 8).Draw(t, "advances")
		var starts []Time
		for _, at := range rapid.SliceOfN(rapid.Int64Range(-200, 200), 0, 5).Draw(t, "panes") {
			starts = append(starts, Time(at).Floor(Pane([]Spec{spec})))
		}
		var closed []Window
		after, watermark := Never, Time(-250)
		for _, d := range step {
			watermark += Time(d)
			closed = append(closed, closing(spec, after, watermark, starts...)...)
			after = watermark
		}
		if diff := cmp.Diff(closing(spec, Never, watermark, starts...), closed); diff != "" {
			t.Fatalf("in one step (-) and in several (+):\n%s", diff)
		}
	})
}
