package monitor

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tidemark/windows"
)

// severalMonitors are two of one endpoint in different layouts, with windows of three kinds, one of another with rules on
// its traffic, and one for each way to compare with earlier windows.
func severalMonitors() []*Monitor {
	rules := func(m, n int) func(*Config) {
		return func(c *Config) {
			c.Drift = []Rule{{Method: "psi", Threshold: 0.2, MinSamples: 2, For: For{m, n}}, {Method: "ks", Threshold: 0.4, MinSamples: 1}}
		}
	}
	a := watch("a", []windows.Spec{{Size: minute, Slide: 10 * second}, {Size: 5 * minute}}, rules(2, 3))
	canary := watch("canary", tumbling(90*second), rules(1, 2), func(c *Config) {
		c.Match.Endpoint, c.Match.Variant, c.AllowedLateness = "a", "canary", 20*second
	})
	canary.Baseline = reference(51)
	b := watch("b/c", tumbling(5*minute), rules(1, 1), func(c *Config) {
		c.Volume, c.Freshness = Volume{2, 5, For{1, 2}}, 20*second
		c.Quality = []Rule{{Method: missingColumns, MinSamples: 1}}
		c.Sequential = []Sequence{
			{Detector: "kswin", Params: map[string]string{"window_size": "8", "stat_size": "3", "alpha": "0.1"}, For: For{1, 2}},
			{Detector: "hddm_w", Value: ValueNewShare, Feature: "plan"},
		}
	})
	// Three compare with earlier windows, one of them in canary's layout.
	previous := watch("previous", sliding(30*second, 10*second), rules(1, 1), func(c *Config) {
		c.Match.Endpoint, c.Reference.Kind = "a", ReferencePrevious
	})
	lagging := watch("lagging/a", tumbling(30*second), rules(1, 2), func(c *Config) {
		c.Match.Endpoint, c.Reference.Lag = "a", 90*second
	})
	lagging.Baseline = canary.Baseline
	replayed := watch("replayed", tumbling(10*second), rules(1, 1), func(c *Config) {
		c.Match.Endpoint, c.Reference.Lag, c.AllowedLateness = "b/c", 20*second, 0
	})
	// Three have a budget, which is used up at once.
	budget := func(c *Config) { c.Drift, c.Budget = nil, Budget{Rate{1000, minute}, 0.02} }
	weighed := watch("weighed", sliding(30*second, 10*second), budget, func(c *Config) { c.Match.Endpoint = "a" })
	weighedBefore := watch("weighed before", tumbling(20*second), budget, func(c *Config) {
		c.Match.Endpoint, c.Reference.Kind = "a", ReferencePrevious
	})
	weighedLag := watch("weighed lag", sliding(20*second, 10*second), budget, func(c *Config) {
		c.Match.Endpoint, c.Reference.Lag, c.AllowedLateness = "b/c", 90*second, 0
	})
	return []*Monitor{a, canary, b, previous, lagging, replayed, weighed, weighedBefore, weighedLag}
}

// drawLog draws traffic: live, with rows up to 100 seconds late, jumps of the clock, rows ahead of it, a replay of
// old data of one endpoint, and partitions that go silent.
func drawLog(t *rapid.T, monitors []*Monitor) []entry {
	s := newSim(t, monitors...)
	endpoints := rapid.SampledFrom([]string{"a", "a", "a", "b/c", "unknown"})
	variants := rapid.SampledFrom([]string{"default", "canary", "odd/%2F"})
	lateness := rapid.SampledFrom([]time.Duration{0, 0, 0, second, 3 * second, 8 * second, 25 * second, 100 * second})
	replay := rapid.Bool().Draw(t, "b is a replay")
	for range rapid.IntRange(1, 50).Draw(t, "commits") {
		for range rapid.IntRange(0, 4).Draw(t, "reads") {
			endpoint, partition := endpoints.Draw(t, "endpoint"), rapid.Int32Range(0, 1).Draw(t, "partition")
			eventTime := s.at.Add(-lateness.Draw(t, "late"))
			if endpoint == "b/c" && replay {
				eventTime = eventTime.Add(-3000 * time.Hour)
			}
			x := usual
			if rapid.Bool().Draw(t, "drifted") {
				x = drifted
			}
			rows := rapid.IntRange(1, 5).Draw(t, "rows")
			switch rapid.IntRange(0, 30).Draw(t, "special") {
			case 0:
				s.rowsOf(partition, endpoint, "default", eventTime.Add(time.Hour), rows, x)
			case 1:
				s.foreign(endpoint, "ffffffffffffffff", eventTime.Floor(10*second), 10*second, 3)
			case 2:
				s.end(partition, endpoint, eventTime)
			default:
				s.rowsOf(partition, endpoint, variants.Draw(t, "variant"), eventTime, rows, x)
				s.progress(partition, endpoint, eventTime)
			}
		}
		for partition := range int32(2) {
			s.idle[partition] = rapid.IntRange(0, 3).Draw(t, "idle") == 0
			s.lag[partition] = !s.idle[partition] && rapid.IntRange(0, 3).Draw(t, "lag") == 0
		}
		s.appendLog(rapid.SampledFrom([]time.Duration{second, second, 5 * second, 12 * second, 40 * second, 200 * second}).Draw(t, "passed"))
	}
	return s.log
}

// TestRestartChangesNothing runs a log through one shard, and through another that is stopped and rebuilt from its
// saved state at random offsets. What they say of every record of the log is the same to the bit.
func TestRestartChangesNothing(t *testing.T) {
	monitors := severalMonitors()
	reports, alerts, compared := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		log := drawLog(t, monitors)
		steady, restarted := NewShard(monitors), NewShard(monitors)
		state := &compacted{values: map[string][]byte{}}
		var unsaved Output
		committed := true // all before the entry
		for i, e := range log {
			offset := int64(i)
			var want, got Output
			e.apply(t, steady, offset, &want)
			if committed && rapid.Bool().Draw(t, "in pieces") {
				restarted, got = e.applyInPieces(t, restarted, state, monitors, log, offset)
				want.Panes, want.Windows, want.Work = nil, nil, 0
			} else {
				e.apply(t, restarted, offset, &got)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("offset %d, committed %d, replayed from %d (-steady +restarted):\n%s", i, state.committed, state.replayFrom, diff)
			}
			reports, alerts = reports+len(want.Reports), alerts+len(want.Alerts)
			for _, r := range want.Reports {
				if r.Reference.Window != nil && r.Insufficient == "" {
					compared++
				}
			}
			unsaved.Panes, unsaved.Windows = append(unsaved.Panes, got.Panes...), append(unsaved.Windows, got.Windows...)
			if committed = rapid.Bool().Draw(t, "commit"); !committed {
				continue
			}
			state.save(t, restarted, unsaved, offset+1)
			unsaved = Output{}
			if rapid.Bool().Draw(t, "restart") {
				restarted = state.restore(t, monitors, log)
			}
		}
	})
	if reports == 0 || alerts == 0 || compared == 0 {
		t.Errorf("%d reports, %d of them compared with earlier windows, and %d alerts: the traffic tests nothing", reports, compared, alerts)
	}
}

// TestRestartAtEveryOffset rebuilds a shard at each offset of one long story, and lets it read the rest.
func TestRestartAtEveryOffset(t *testing.T) {
	s := newSim(t, watch("churn", sliding(minute, 10*second), forMofN(2, 3)))
	for i := range 60 {
		eventTime := s.at
		x := usual
		if i >= 12 && i < 25 {
			x = drifted
		}
		s.rows(int32(i%2), "churn", eventTime, 20, x)
		s.rowsOf(int32(i%2), "churn", "default", eventTime.Add(-time.Duration(i%5)*6*second), 3, x) // up to 24 s late
		s.appendLog(4 * second)
	}
	want := s.sameAfterRestarts(2)
	missed := 0
	for _, out := range want {
		missed += len(out.Late)
	}
	if missed == 0 {
		t.Error("nothing was late: the traffic tests little")
	}
}

// sameAfterRestarts runs the log through a shard, and through others that are rebuilt from their saved state at each
// offset: they must say the same. It returns that, which must have so many alerts.
func (s *sim) sameAfterRestarts(alerts int) []Output {
	s.Helper()
	run := func(shard *Shard, from int) []Output {
		outs := make([]Output, len(s.log))
		for i := from; i < len(s.log); i++ {
			s.log[i].apply(s, shard, int64(i), &outs[i])
		}
		return outs
	}
	want := run(NewShard(s.monitors), 0)
	for stop := 1; stop < len(s.log); stop++ {
		shard, state := NewShard(s.monitors), &compacted{values: map[string][]byte{}}
		for i := range stop {
			var out Output
			s.log[i].apply(s, shard, int64(i), &out)
			state.save(s, shard, out, int64(i+1))
		}
		got := run(state.restore(s, s.monitors, s.log), stop)
		if diff := cmp.Diff(want[stop:], got[stop:]); diff != "" {
			s.Fatalf("restarted at offset %d (-want +got):\n%s", stop, diff)
		}
	}
	s.sameInPieces(want)
	fired := 0
	for _, out := range want {
		fired += len(out.Alerts)
	}
	if fired != alerts {
		s.Errorf("%d alerts, want %d", fired, alerts)
	}
	return want
}

// sameInPieces closes windows in the smallest pieces, each by another shard that is rebuilt from what was saved after the one
// before: together they must say the same.
func (s *sim) sameInPieces(want []Output) {
	s.Helper()
	shard, state := NewShard(s.monitors), &compacted{values: map[string][]byte{}}
	for i, e := range s.log {
		var got Output
		shard, got = e.applyInPieces(s, shard, state, s.monitors, s.log, int64(i))
		state.save(s, shard, got, int64(i+1))
		if diff := cmp.Diff(want[i], got, ignoreSaved); diff != "" {
			s.Fatalf("offset %d, in pieces (-want +got):\n%s", i, diff)
		}
	}
}

// ignoreSaved leaves out what is only saved, whose ranges grow when more is added to a pane, and how much was done.
var ignoreSaved = cmpopts.IgnoreFields(Output{}, "Panes", "Windows", "Work")

// applyInPieces lets a shard read the entry, and after each piece of its work another that is rebuilt from what was saved.
func (e entry) applyInPieces(t rapid.TB, shard *Shard, state *compacted, monitors []*Monitor, log []entry, offset int64) (*Shard, Output) {
	t.Helper()
	var whole Output
	if e.delta != nil {
		e.apply(t, shard, offset, &whole)
		return shard, whole
	}
	var v windows.Vector
	if err := json.Unmarshal(e.vector, &v); err != nil {
		t.Fatal(err)
	}
	shard.Report(v, e.at)
	for shard.Due() {
		var out Output
		if err := shard.Close(1, &out); err != nil {
			t.Fatal(err)
		}
		state.save(t, shard, out, offset+1)
		shard = state.restore(t, monitors, log)
		whole.Reports, whole.Alerts = append(whole.Reports, out.Reports...), append(whole.Alerts, out.Alerts...)
	}
	return shard, whole
}
