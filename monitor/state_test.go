package monitor

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/windows"
)

// restarted carries the sim's shard over a restart with other monitors, if they are given.
func (s *sim) restarted(state *compacted, monitors ...*Monitor) {
	s.Helper()
	state.save(s, s.shard, s.out, int64(len(s.log)))
	if monitors != nil {
		s.monitors = monitors
	}
	s.shard = state.restore(s, s.monitors, s.log)
}

func newState() *compacted { return &compacted{values: map[string][]byte{}} }

func TestPaneIsSavedOnceWhenTheWatermarkHasPassedIt(t *testing.T) {
	s := newSim(t, watch("churn", sliding(30*second, 10*second)))
	saved := func(out Output) (starts []string) {
		for _, p := range out.Panes {
			starts = append(starts, fmt.Sprintf("%s %d through %d", p.Pane.Start.Time().Format("15:04:05"), p.Pane.Rows, p.Through))
		}
		return starts
	}
	check := func(out Output, replayFrom int64, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, saved(out)); diff != "" {
			t.Errorf("saved at %v (-want +got):\n%s", s.at, diff)
		}
		if got := s.shard.ReplayFrom(int64(len(s.log))); got != replayFrom {
			t.Errorf("at %v the log is needed from %d, want %d", s.at, got, replayFrom)
		}
	}
	s.rows(0, "churn", noon, 5, usual) // offset 0, and the vector 1
	check(s.commit(0), 0)
	s.rows(0, "churn", noon.Add(12*second), 5, usual) // offset 2
	check(s.commit(12*second), 0)
	s.rows(0, "churn", noon.Add(15*second), 5, usual) // offset 4: the watermark is at the end of the first pane
	check(s.commit(second), 2, "12:00:00 5 through 1")
	s.rows(0, "churn", noon.Add(15*second), 5, usual) // offset 6
	check(s.commit(second), 2)
	s.rows(0, "churn", noon.Add(2*second), 4, usual) // offset 8: too late for one window; the pane is saved again
	check(s.commit(second), 2, "12:00:00 9 through 9")
	s.rows(0, "churn", noon.Add(90*second), 4, usual) // offset 10: everything before it is closed and forgotten
	check(s.commit(minute), 10)
}

func TestPaneIsForgottenWithItsLastWindow(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(10*second)))
	s.rows(0, "churn", noon, 1, usual)
	s.commit(0)
	s.progress(0, "churn", noon.Add(15*second-1e6))
	s.commit(10 * second)
	if got := s.shard.ReplayFrom(9); got != 0 {
		t.Errorf("a millisecond before the end the log is needed from %d, want 0", got)
	}
	s.progress(0, "churn", noon.Add(15*second))
	s.commit(0)
	if got := s.shard.ReplayFrom(9); got != 9 || len(s.out.Panes) != 0 {
		t.Errorf("after the end the log is needed from %d, want 9, and %d panes are saved", got, len(s.out.Panes))
	}
}

func TestPaneIsNotSavedBeforeTheSlowestMonitor(t *testing.T) {
	slow := watch("slow", sliding(minute, 10*second), func(c *Config) { c.Match.Endpoint, c.AllowedLateness = "churn", minute })
	s := newSim(t, watch("churn", sliding(minute, 10*second)), slow)
	s.rows(0, "churn", noon, 1, usual)
	s.commit(0)
	for _, test := range []struct {
		frontier time.Duration
		saved    int
	}{{60 * second, 0}, {70*second - 1e6, 0}, {70 * second, 1}, {80 * second, 0}} {
		s.progress(0, "churn", noon.Add(test.frontier))
		if got := len(s.commit(10 * second).Panes); got != test.saved {
			t.Errorf("at %v %d panes are saved, want %d", test.frontier, got, test.saved)
		}
	}
}

func TestSavedPanesOfWindowsFitTheRing(t *testing.T) {
	s := newSim(t, watch("churn", []windows.Spec{{Size: minute, Slide: 10 * second}, {Size: 30 * second}}))
	keys := map[string]bool{}
	for i := range 100 {
		s.rows(0, "churn", s.at, 1, usual)
		for _, p := range s.commit(3 * second).Panes {
			keys[p.Key()] = true
		}
		needed := map[string]windows.Time{}
		for _, p := range s.out.Panes {
			if !s.shard.endpoints["churn"].needed(seriesKey{p.Pane.Variant, p.Pane.Layout}, p.Pane.Start) {
				continue
			}
			if start, taken := needed[p.Key()]; taken && start != p.Pane.Start {
				t.Fatalf("commit %d: the panes %v and %v are both needed and share the key %s", i, start, p.Pane.Start, p.Key())
			}
			needed[p.Key()] = p.Pane.Start
		}
	}
	if len(keys) != 12 { // twice the panes of the longest window
		t.Errorf("%d keys were written: %v", len(keys), slices.Sorted(maps.Keys(keys)))
	}
}

func TestKeysOfPanesAreDistinct(t *testing.T) {
	seen := map[string]SavedPane{}
	for _, p := range []SavedPane{
		{Slot: 1, Endpoint: "e", Pane: PaneDelta{Layout: "l", Variant: "v"}},
		{Slot: 11, Endpoint: "e", Pane: PaneDelta{Layout: "l", Variant: "v"}},
		{Slot: 1, Endpoint: "v/e", Pane: PaneDelta{Layout: "l"}},
		{Slot: 1, Endpoint: "e", Pane: PaneDelta{Layout: "l", Variant: "/v"}},
		{Slot: 1, Endpoint: "e", Pane: PaneDelta{Layout: "l", Variant: "%2Fv"}},
		{Slot: 1, Endpoint: "/v/e", Pane: PaneDelta{Layout: "l"}},
		{Slot: 1, Endpoint: "e", Pane: PaneDelta{Layout: "l", Variant: ""}},
	} {
		if other, taken := seen[p.Key()]; taken {
			t.Errorf("%+v and %+v share the key %q", p, other, p.Key())
		}
		seen[p.Key()] = p
	}
}

func TestChangesAreOfWhatChanged(t *testing.T) {
	s := newSim(t, watch("a", tumbling(minute)), watch("b", tumbling(minute)))
	names := func() (names []string) {
		for _, e := range s.shard.Changes() {
			names = append(names, e.Endpoint)
		}
		return names
	}
	s.rows(0, "b", noon, 1, usual)
	s.rows(0, "a", noon, 1, usual)
	s.commit(0)
	if diff := cmp.Diff([]string{"a", "b"}, names()); diff != "" {
		t.Errorf("after rows of both (-want +got):\n%s", diff)
	}
	s.rows(0, "b", noon.Add(time.Second), 1, usual)
	s.commit(0)
	if diff := cmp.Diff([]string{"b"}, names()); diff != "" {
		t.Errorf("after rows of b (-want +got):\n%s", diff)
	}
	s.commit(0)
	if got := names(); got != nil {
		t.Errorf("after nothing: %v", got)
	}
}

// traffic is ten minutes of an endpoint, a row every two seconds.
func (s *sim) traffic(endpoint string, seconds int) {
	for range seconds / 2 {
		s.rows(0, endpoint, s.at, 1, usual)
		s.commit(2 * second)
	}
}

// A window fires once, whatever the configuration after a restart.
func TestLongerLatenessDoesNotOpenClosedWindows(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(10*second)))
	s.traffic("churn", 60)
	s.restarted(newState(), watch("churn", tumbling(10*second), func(c *Config) { c.AllowedLateness = 30 * second }))
	s.traffic("churn", 4)
	s.rows(0, "churn", noon.Add(45*second), 1, usual) // in a window that closed before the restart
	s.expect(s.commit(0), nil, []string{"all 12:00:40 1"})
	s.traffic("churn", 116)
	counts := map[windows.Time]int{}
	for _, r := range s.out.Reports {
		if counts[r.Window.Start]++; counts[r.Window.Start] > 1 {
			t.Errorf("the window at %v closed again with %d rows", r.Window.Start, r.Rows)
		}
		if r.Rows != 5 {
			t.Errorf("the window at %v has %d rows, want 5", r.Window.Start, r.Rows)
		}
	}
	if len(counts) != 14 { // 180 seconds, less 2 to the next row and 30 of lateness
		t.Errorf("%d windows closed, want 14", len(counts))
	}
}

func TestMonitorsComeAndGo(t *testing.T) {
	as := func(name string) *Monitor {
		return watch(name, tumbling(10*second), func(c *Config) { c.Match.Endpoint = "churn" })
	}
	s := newSim(t, as("one"))
	s.traffic("churn", 60)
	before := len(s.out.Reports)
	s.restarted(newState(), as("one"), as("two"))
	s.commit(0)
	if len(s.out.Reports) != before {
		t.Errorf("the new monitor closed windows from before it was there: %v", closed(s.out.Reports[before:]))
	}
	s.traffic("churn", 20)
	after := map[string]int{}
	for _, r := range s.out.Reports[before:] {
		after[r.Monitor]++
	}
	if after["one"] != 2 || after["two"] != 2 {
		t.Errorf("windows closed after it came: %v, want 2 of each", after)
	}
	s.restarted(newState(), watch("other", tumbling(10*second)))
	s.traffic("churn", 20)
	if s.shard.Owns("churn") {
		t.Error("an endpoint without monitors is kept")
	}
}

func TestLaterSaveOfAPaneWins(t *testing.T) {
	s := newSim(t, watch("churn", sliding(minute, 10*second)))
	pane := func(rows, through int64) SavedPane {
		return SavedPane{Version: 1, Endpoint: "churn", Through: through, Pane: PaneDelta{
			Variant: "v", Layout: s.monitors[0].Layout().ID(), Start: noon, Length: 10_000, Rows: rows}}
	}
	for _, order := range [][]SavedPane{{pane(1, 10), pane(2, 20)}, {pane(2, 20), pane(1, 10)}} {
		shard := NewShard(s.monitors)
		for _, p := range order {
			shard.RestorePane(p)
		}
		got, _ := shard.endpoints["churn"].seriesOf("v", s.monitors[0].Layout().ID()).panes.Get(noon)
		if got == nil || got.rows != 2 || got.through != 20 {
			t.Errorf("restored %+v, want the one with 2 rows", got)
		}
	}
	short := pane(1, 10)
	short.Pane.Length = 20_000
	shard := NewShard(s.monitors)
	shard.RestorePane(short)
	if len(shard.endpoints["churn"].series) != 0 {
		t.Error("a pane of another length was restored")
	}
}

func TestStateOfAnotherVersionIsRefused(t *testing.T) {
	shard := NewShard([]*Monitor{watch("churn", tumbling(minute))})
	if err := shard.Restore(SavedEndpoint{Version: 2, Endpoint: "churn"}); err == nil {
		t.Error("state of version 2 was restored")
	}
	head, _ := json.Marshal(SavedPane{Version: 2})
	if _, err := DecodePane(with(string(head), "")); err == nil {
		t.Error("a pane of version 2 was decoded")
	}
}

// Two rows ten thousand years apart, and what was between them closed: no window in the gap is looked at.
func TestGapOfMillennia(t *testing.T) {
	s := newSim(t, watch("churn", sliding(20*time.Millisecond, 10*time.Millisecond)))
	s.rows(0, "churn", date("0001-01-02T00:00:00"), 1, usual)
	s.rows(0, "churn", date("9999-12-30T00:00:00"), 1, usual)
	s.commit(0)
	if got := len(s.commit(10 * second).Reports); got != 2 {
		t.Errorf("%d windows closed, want the 2 of the first row", got)
	}
}

// Variants come from producers' headers: what is left of one that went away is nothing.
func TestForgottenVariantsTakeNoMemory(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(10*second)))
	for i := range 200 {
		s.rowsOf(0, "churn", fmt.Sprint("variant", i), s.at, 1, usual)
		s.progress(0, "churn", s.at)
		s.commit(2 * second)
	}
	if got := len(s.shard.endpoints["churn"].series); got > 10 {
		t.Errorf("%d series are kept for the variants of the last 17 seconds", got)
	}
}

// A delta shares the memory of a fetch, which is used again.
func TestShardKeepsNoMemoryOfADelta(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute)))
	s.rows(0, "churn", noon, 5, usual)
	s.commit(0)
	for _, e := range s.log {
		clear(e.delta)
	}
	s.progress(0, "churn", noon.Add(65*second))
	s.expect(s.commit(65*second), []string{"churn 1m 12:00:00 5"}, nil)
}
