package windows

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRestoredFrontierGoesOnTheSame takes random traffic, replaces the frontier and the partitions at a random
// moment by what their saved state gives, and compares every later step.
func TestRestoredFrontierGoesOnTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		original, copied := NewFrontier(65*second), NewFrontier(65*second)
		var partitions, restored Partitions
		at := now
		steps := rapid.IntRange(1, 40).Draw(t, "steps")
		saveAt := rapid.IntRange(0, steps-1).Draw(t, "save at")
		replay := rapid.Bool().Draw(t, "replay")
		last := Never
		for step := range steps {
			if step == saveAt {
				save(t, original, copied)
				save(t, snapshot{&partitions}, snapshot{&restored})
			}
			at = at.Add(time.Duration(rapid.Int64Range(0, 20_000).Draw(t, "ms passed")) * time.Millisecond)
			if rapid.Bool().Draw(t, "records") {
				progress := drawProgress(t, at, replay)
				original.Observe(progress, at)
				if step >= saveAt {
					copied.Observe(progress, at)
				}
			}
			v := say(3, rapid.SliceOfN(drawStatus(at), 0, 3).Draw(t, "status")...)
			partitions.Report(v, at)
			if step >= saveAt {
				restored.Report(v, at)
			}
			value := original.Advance(&partitions, at)
			if value < last {
				t.Fatalf("the frontier went back from %v to %v", last, value)
			}
			last = value
			if step < saveAt {
				continue
			}
			if got := copied.Advance(&restored, at); got != value {
				t.Fatalf("step %d: the restored frontier is %v, the original %v", step, got, value)
			}
		}
	})
}

// saver is what State and Restore, or Snapshot and Restore, have in common.
type saver[S any] interface {
	State() S
	Restore(s S)
}

type snapshot struct{ *Partitions }

func (s snapshot) State() Vector { return s.Snapshot() }

// save carries the state from one to another as JSON, as a restart does.
func save[S any](t *rapid.T, from, to saver[S]) {
	text, err := json.Marshal(from.State())
	if err != nil {
		t.Fatal(err)
	}
	var s S
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	to.Restore(s)
}

func drawProgress(t *rapid.T, at Time, replay bool) Progress {
	eventTime := at.Add(time.Duration(rapid.Int64Range(-120, 10).Draw(t, "s from now")) * second)
	if replay {
		eventTime = eventTime.Add(-8 * 365 * day)
	}
	return Progress{
		Source: p(rapid.Int32Range(0, 2).Draw(t, "of partition")), EventTime: eventTime,
		Appended: at.Add(-time.Duration(rapid.Int64Range(0, 40).Draw(t, "s ago")) * second),
		Ended:    rapid.IntRange(0, 5).Draw(t, "ended") == 0,
	}
}

func drawStatus(at Time) *rapid.Generator[Status] {
	return rapid.Custom(func(t *rapid.T) Status {
		s := Status{
			Source: p(rapid.Int32Range(0, 2).Draw(t, "partition")), Generation: rapid.Int32Range(1, 3).Draw(t, "generation"),
			Position: rapid.Int64Range(0, 100).Draw(t, "position"),
			Appended: at.Add(-time.Duration(rapid.Int64Range(0, 40).Draw(t, "s ago")) * second),
		}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 1:
			s.Lag = true
		case 2:
			s.Idle = true
		}
		return s
	})
}
