package windows

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func collect(seq func(func(Time, int) bool)) (starts []Time, values []int) {
	for start, value := range seq {
		starts, values = append(starts, start), append(values, value)
	}
	return starts, values
}

func TestPanesAreAMapInTimeOrder(t *testing.T) {
	drawTime := rapid.OneOf(
		rapid.Map(rapid.Int64Range(-20, 20), func(n int64) Time { return Time(n) }),
		rapid.SampledFrom([]Time{math.MinInt64, math.MaxInt64, 1e15, -1e15}),
	)
	rapid.Check(t, func(t *rapid.T) {
		var panes Panes[int]
		model := map[Time]int{}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				start, value := drawTime.Draw(t, "start"), rapid.Int().Draw(t, "value")
				panes.Put(start, value)
				model[start] = value
			},
			"drop": func(t *rapid.T) {
				// Not "everything before": dropping ends at the first pane that is kept.
				kept := drawTime.Draw(t, "kept")
				panes.Drop(func(start Time) bool { return start != kept })
				for _, start := range slices.Sorted(maps.Keys(model)) {
					if start == kept {
						break
					}
					delete(model, start)
				}
			},
			"": func(t *rapid.T) {
				want := slices.Sorted(maps.Keys(model))
				starts, values := collect(panes.All())
				if !slices.Equal(want, starts) {
					t.Fatalf("all: %v, want %v", starts, want)
				}
				for i, start := range starts {
					if values[i] != model[start] {
						t.Fatalf("pane %d has %d, want %d", start, values[i], model[start])
					}
				}
				w := Window{drawTime.Draw(t, "from"), drawTime.Draw(t, "to")}
				starts, _ = collect(panes.Within(w))
				want = slices.DeleteFunc(want, func(start Time) bool { return start < w.Start || start >= w.End })
				if !slices.Equal(want, starts) {
					t.Fatalf("within %v: %v, want %v", w, starts, want)
				}
				got, ok := panes.Get(w.Start)
				if value, there := model[w.Start]; got != value || ok != there {
					t.Fatalf("pane %d is %d, %t, want %d, %t", w.Start, got, ok, value, there)
				}
				checkNext(t, &panes, model, w.Start)
			},
		})
	})
}

func checkNext(t *rapid.T, panes *Panes[int], model map[Time]int, from Time) {
	later := slices.DeleteFunc(slices.Sorted(maps.Keys(model)), func(start Time) bool { return start < from })
	got, ok := panes.Next(from)
	if ok != (len(later) > 0) || ok && got != later[0] {
		t.Fatalf("next from %d is %d, %t, want the first of %v", from, got, ok, later)
	}
}

func TestPanesStopWhenAsked(t *testing.T) {
	var panes Panes[int]
	for i := range 5 {
		panes.Put(Time(i), i)
	}
	var got []Time
	for start := range panes.All() {
		if start == 2 {
			break
		}
		got = append(got, start)
	}
	for start := range panes.Within(Window{1, 5}) {
		if start == 3 {
			break
		}
		got = append(got, start)
	}
	if diff := cmp.Diff([]Time{0, 1, 1, 2}, got); diff != "" {
		t.Errorf("before the break (-want +got):\n%s", diff)
	}
}
