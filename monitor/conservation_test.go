package monitor

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tidemark/windows"
)

// arrived is rows that one commit brought for a moment.
type arrived struct {
	eventTime windows.Time
	rows      int64
	commit    int
}

// drawTraffic reads random traffic of the endpoint e from a replay of two partitions, ends it, and returns what
// arrived and, for each report, the commit that closed its window.
func drawTraffic(t *rapid.T, s *sim, start windows.Time) (traffic []arrived, closedAt []int) {
	clock := start
	for commit := range rapid.IntRange(1, 30).Draw(t, "commits") {
		for range rapid.IntRange(0, 3).Draw(t, "reads") {
			clock = clock.Add(time.Duration(rapid.Int64Range(0, 20_000).Draw(t, "ms on")) * time.Millisecond)
			eventTime := clock.Add(-time.Duration(rapid.SampledFrom([]int64{0, 0, 1_000, 9_000, 70_000}).Draw(t, "ms late")) * time.Millisecond)
			n := rapid.IntRange(1, 4).Draw(t, "rows")
			s.rows(rapid.Int32Range(0, 1).Draw(t, "partition"), "e", eventTime, n, usual)
			traffic = append(traffic, arrived{eventTime, int64(n), commit})
		}
		for range s.commit(6 * second).Reports {
			closedAt = append(closedAt, commit)
		}
	}
	for partition := range int32(2) {
		s.end(partition, "e", clock)
	}
	s.progress(0, "e", clock.Add(time.Hour))
	s.end(0, "e", clock.Add(time.Hour))
	s.idle[0], s.idle[1] = true, true
	for range s.commit(6 * second).Reports {
		closedAt = append(closedAt, 1000)
	}
	return traffic, closedAt
}

func drawStart(t *rapid.T) windows.Time {
	return windows.Time(rapid.Int64Range(-1e9, 1e9).Draw(t, "start"))
}

// TestTumblingRowsAreReportedOrLate: the books balance.
func TestTumblingRowsAreReportedOrLate(t *testing.T) {
	lateRuns := 0
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]time.Duration{10 * second, 90 * second, minute, 7 * second}).Draw(t, "size")
		s := newSim(t, watch("e", tumbling(size)))
		traffic, _ := drawTraffic(t, s, drawStart(t))
		var in, reported, missed int64
		for _, a := range traffic {
			in += a.rows
		}
		for _, r := range s.out.Reports {
			reported += r.Rows
		}
		for _, d := range s.out.Late {
			if d.Missed != MissedAll {
				t.Fatalf("a tumbling window was missed by %q", d.Missed)
			}
			missed += d.Panes[0].Rows
		}
		if in != reported+missed {
			t.Fatalf("%d rows came in, %d are in windows and %d late", in, reported, missed)
		}
		if missed > 0 {
			lateRuns++
		}
	})
	if lateRuns == 0 {
		t.Error("nothing was ever late: the traffic tests little")
	}
}

// TestEachWindowHoldsWhatCameBeforeItClosed compares every window with the rows that arrived, and finds each window
// once.
func TestEachWindowHoldsWhatCameBeforeItClosed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := []windows.Spec{{Size: minute, Slide: 10 * second}, {Size: 90 * second, Slide: 45 * second}, {Size: 30 * second}}
		s := newSim(t, watch("e", specs[:rapid.IntRange(1, 3).Draw(t, "kinds")]))
		traffic, closedAt := drawTraffic(t, s, drawStart(t))
		pane := s.shard.endpoints["e"]
		seen := map[string]bool{}
		for i, r := range s.out.Reports {
			name := fmt.Sprint(r.Window)
			if seen[name] {
				t.Fatalf("window %s closed twice", name)
			}
			seen[name] = true
			var want int64
			for _, a := range traffic {
				if a.eventTime >= r.Window.Start && a.eventTime < r.Window.End && a.commit <= closedAt[i] {
					want += a.rows
				}
			}
			if r.Rows != want {
				t.Fatalf("window %s has %d rows, want %d", name, r.Rows, want)
			}
		}
		for _, a := range traffic {
			for _, spec := range s.monitors[0].Windows {
				w := windows.Window{Start: a.eventTime.Floor(spec.Step())}
				w.End = w.Start.Add(spec.Size)
				if missed := s.missed(a, pane.pane); !seen[fmt.Sprint(Window{w, windows.FormatDuration(spec.Size)})] && missed == "" {
					t.Fatalf("rows at %v are in no window %v, and are not late", a.eventTime, w)
				}
			}
		}
	})
}

// missed says what a delta of the rows' pane missed, if there was one.
func (s *sim) missed(a arrived, pane time.Duration) string {
	for _, d := range s.out.Late {
		if d.Panes[0].Start == a.eventTime.Floor(pane) {
			return d.Missed
		}
	}
	return ""
}
