package baseline

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/windows"
)

func at(s string) windows.Time {
	t, err := time.Parse("2006-01-02T15:04", s)
	if err != nil {
		panic(err)
	}
	return windows.At(t)
}

func TestSlots(t *testing.T) {
	for _, test := range []struct {
		cycle Cycle
		at    string
		slot  int
		name  string
	}{
		{HourOfDay, "2026-03-01T00:00", 0, "00:00"},
		{HourOfDay, "2026-03-01T23:59", 23, "23:00"},
		{HourOfWeek, "2026-03-02T00:00", 0, "Mon 00:00"}, // 2 March 2026 is a Monday
		{HourOfWeek, "2026-03-01T23:59", 167, "Sun 23:00"},
		{HourOfWeek, "1969-12-31T23:00", 71, "Wed 23:00"}, // before the epoch
		{DayOfWeek, "2026-03-07T12:00", 5, "Sat"},
		{Month, "2026-01-31T23:59", 0, "Jan"},
		{Month, "2026-12-01T00:00", 11, "Dec"},
	} {
		slot := test.cycle.Slot(at(test.at))
		if slot != test.slot || test.cycle.Name(slot) != test.name {
			t.Errorf("%s at %s: slot %d, %q, want %d, %q", test.cycle, test.at, slot, test.cycle.Name(slot), test.slot, test.name)
		}
	}
}

func TestCover(t *testing.T) {
	for _, test := range []struct {
		name       string
		cycle      Cycle
		start, end string
		want       map[int]float64 // nil: the whole cycle
	}{
		{"within a slot", HourOfDay, "2026-03-02T08:10", "2026-03-02T08:11", map[int]float64{8: 1}},
		{"whole slots", HourOfWeek, "2026-03-02T22:00", "2026-03-03T02:00", map[int]float64{22: 1, 23: 1, 24: 1, 25: 1}},
		{"over the end of the cycle", HourOfWeek, "2026-03-01T23:00", "2026-03-02T01:00", map[int]float64{167: 1, 0: 1}},
		{"parts of slots", HourOfDay, "2026-03-02T08:45", "2026-03-02T11:30", map[int]float64{8: 0.25, 9: 1, 10: 1, 11: 0.5}},
		{"equal parts", HourOfDay, "2026-03-02T08:50", "2026-03-02T09:10", map[int]float64{8: 1, 9: 1}},
		{"unequal parts", HourOfDay, "2026-03-02T08:30", "2026-03-02T09:15", map[int]float64{8: 1, 9: 0.5}},
		{"all but a minute", DayOfWeek, "2026-03-02T00:01", "2026-03-09T00:00", map[int]float64{0: 1439.0 / 1440, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1}},
		{"a day of hours", HourOfDay, "2026-03-02T08:30", "2026-03-03T08:30", nil},
		{"a week", HourOfWeek, "2026-03-02T08:30", "2026-03-09T08:30", nil},
		{"a year", Month, "2025-06-01T00:00", "2026-06-01T00:00", map[int]float64{0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1, 10: 1, 11: 1}},
		{"366 days", Month, "2025-06-01T00:00", "2026-06-02T00:00", nil},
		// Half of February, which has 28 days, and 14 of the 31 days of March.
		{"months of unequal length", Month, "2026-02-15T00:00", "2026-03-15T00:00", map[int]float64{1: 1, 2: (14.0 / 31) / 0.5}},
	} {
		var want []float64
		if test.want != nil {
			want = make([]float64, test.cycle.Slots())
		}
		for slot, share := range test.want {
			want[slot] = share
		}
		if diff := cmp.Diff(want, test.cycle.cover(windows.Window{Start: at(test.start), End: at(test.end)})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestCoverIsAShare checks that one slot at least counts whole, and that no share is over 1.
func TestCoverIsAShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cycle := rapid.SampledFrom(Cycles).Draw(t, "cycle")
		start := windows.Time(rapid.Int64Range(-1e12, 1e13).Draw(t, "start"))
		w := windows.Window{Start: start, End: start + windows.Time(rapid.Int64Range(1, 400*86_400_000).Draw(t, "size"))}
		cover := cycle.cover(w)
		if (cover == nil) != (w.Size() >= cycle.length()) {
			t.Fatalf("%v of %s covers %v", w.Size(), cycle, cover)
		}
		most := 0.0
		for _, share := range cover {
			most = max(most, share)
			if !(share >= 0 && share <= 1) {
				t.Fatalf("a share of %v", share)
			}
		}
		if cover != nil && (most != 1 || cover[cycle.Slot(w.Start)] == 0 || cover[cycle.Slot(w.End-1)] == 0) {
			t.Fatalf("%v covers %v", w, cover)
		}
	})
}

func TestPools(t *testing.T) {
	for _, test := range []struct {
		cycle Cycle
		slot  int
		want  [][]int
	}{
		{HourOfDay, 0, [][]int{{23, 0, 1}, {21, 22, 23, 0, 1, 2, 3}}},
		{HourOfWeek, 24 + 8, [][]int{{8, 32, 56, 80, 104}, {8, 32, 56, 80, 104, 128, 152}}},
		{HourOfWeek, 6*24 + 8, [][]int{{128, 152}, {8, 32, 56, 80, 104, 128, 152}}},
		{DayOfWeek, 4, [][]int{{0, 1, 2, 3, 4}}},
		{DayOfWeek, 5, [][]int{{5, 6}}},
		{Month, 11, [][]int{{10, 11, 0}, {9, 10, 11, 0, 1}}},
	} {
		if diff := cmp.Diff(test.want, test.cycle.pools(test.slot)); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", test.cycle.Name(test.slot), test.cycle, diff)
		}
	}
}
