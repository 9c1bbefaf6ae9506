package processor

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tidemark/windows"
)

func TestPaced(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name            string
		interval        time.Duration
		panes, captures int64
		want            time.Duration
	}{
		{"nothing was read", time.Second, 0, 0, time.Second},
		{"panes are few, though more than the captures", time.Second, mib, mib / 2, time.Second},
		{"a tenth is not more than a tenth", time.Second, 2 * mib, 20 * mib, time.Second},
		{"more than a tenth", time.Second, 2 * mib, 20*mib - 1, 2 * time.Second},
		{"still more", 2 * time.Second, 3 * mib, 20 * mib, 4 * time.Second},
		{"the longest", 4 * time.Second, 8 * mib, 8 * mib, 4 * time.Second},
		{"between a twentieth and a tenth", 4 * time.Second, 2 * mib, 30 * mib, 4 * time.Second},
		{"less than a twentieth", 4 * time.Second, 2 * mib, 40*mib + 1, 2 * time.Second},
		{"still less", 2 * time.Second, mib, 21 * mib, time.Second},
		{"the shortest", time.Second, 2 * mib, 100 * mib, time.Second},
		{"traffic ended", 4 * time.Second, 0, 0, 2 * time.Second},
		{"traffic became little", 4 * time.Second, mib/2 - 1, mib, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := paced(c.interval, c.panes, c.captures); got != c.want {
				t.Errorf("%v after %d bytes of panes of %d of captures, want %v", got, c.panes, c.captures, c.want)
			}
		})
	}
}

// TestPacedIsSteady: under steady traffic the interval settles. Panes of twice the time are of twice the captures, and of once to
// twice the bytes.
func TestPacedIsSteady(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		captures := rapid.Int64Range(0, 1<<30).Draw(t, "captures a second")
		panes := map[time.Duration]int64{commitInterval: rapid.Int64Range(0, 1<<28).Draw(t, "panes of a second")}
		for i := commitInterval; i < maxCommitInterval; i *= 2 {
			panes[2*i] = panes[i] + rapid.Int64Range(0, panes[i]).Draw(t, "more panes")
		}
		interval := rapid.SampledFrom([]time.Duration{commitInterval, 2 * commitInterval, maxCommitInterval}).Draw(t, "interval")
		var seen []time.Duration
		for range 6 {
			interval = paced(interval, panes[interval], captures*int64(interval/commitInterval))
			seen = append(seen, interval)
		}
		if seen[2] != seen[3] || seen[3] != seen[4] || seen[4] != seen[5] {
			t.Fatalf("the interval goes %v", seen)
		}
	})
}

// TestLongestIntervalKeepsThePromises: within what windows wait for every reader has committed, and proofs of idleness outlast
// two commits of a second each.
func TestLongestIntervalKeepsThePromises(t *testing.T) {
	const slow = time.Second
	if maxCommitInterval+slow > windows.Settle {
		t.Errorf("a reader commits each %v: a new endpoint's windows wait %v", maxCommitInterval+slow, windows.Settle)
	}
	if 2*(maxCommitInterval+slow) > windows.Lease {
		t.Errorf("a proof of idleness is up to %v old, and holds for %v", 2*(maxCommitInterval+slow), windows.Lease)
	}
}
