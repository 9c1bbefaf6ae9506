package monitor

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/windows"
)

// works tells a shard how Tidemark's own work goes and keeps what it says of it.
type works struct {
	t     *testing.T
	shard *Shard
	at    windows.Time
	out   Output
	// restarts: the shard is saved and restored before each report.
	restarts bool
}

func newWorks(t *testing.T) *works {
	return &works{t: t, shard: NewShard(nil), at: windows.At(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))}
}

func (w *works) tell(after time.Duration, h Health) {
	w.t.Helper()
	w.at = w.at.Add(after)
	if w.restarts {
		saved, _ := w.shard.System()
		text, err := json.Marshal(saved)
		if err != nil {
			w.t.Fatal(err)
		}
		var back SavedSystem
		if err := json.Unmarshal(text, &back); err != nil {
			w.t.Fatal(err)
		}
		w.shard = NewShard(nil)
		if back.Version == 0 {
			back.Version = stateVersion // nothing had changed yet
		}
		if err := w.shard.RestoreSystem(back); err != nil {
			w.t.Fatal(err)
		}
	}
	text, err := h.Append(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	told, err := DecodeHealth(text)
	if err != nil {
		w.t.Fatal(err)
	}
	w.shard.Health(told, w.at, &w.out)
}

// said is the sentences of the alerts so far.
func (w *works) said() []string {
	var all []string
	for _, a := range w.out.Alerts {
		all = append(all, a.State+": "+a.Message)
	}
	return all
}

func (w *works) want(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.said()); diff != "" {
		w.t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

func source(partition int32) windows.Source {
	return windows.Source{Topic: "capture", Partition: partition}
}

// eachWay runs a scenario as it is and with a restart before each report: the alerts must be the same.
func eachWay(t *testing.T, scenario func(w *works)) {
	plain, restarted := newWorks(t), newWorks(t)
	restarted.restarts = true
	scenario(plain)
	scenario(restarted)
	if diff := cmp.Diff(plain.out.Alerts, restarted.out.Alerts); diff != "" {
		t.Errorf("restarts change the alerts (-without +with):\n%s", diff)
	}
}

func TestDeadLetterBreaker(t *testing.T) {
	eachWay(t, func(w *works) {
		churn := func(read, dead int64) Health {
			return Health{Traffic: []Traffic{{Endpoint: "churn", Read: read, Dead: dead}, {Topic: "capture", Read: 5000, Dead: 10}}}
		}
		w.tell(0, churn(999, 999)) // fewer than a share says something of
		w.tell(time.Second, churn(1, 0))
		w.tell(time.Second, churn(500, 500))
		w.tell(57*time.Second, churn(100, 100))
		w.tell(time.Second, churn(1000, 500)) // another minute: half is not over half
		w.tell(time.Second, churn(1, 1))
		w.tell(70*time.Second, churn(1000, 900)) // and this one is not over its predecessor's end
		w.tell(70*time.Second, churn(2000, 60))
		w.tell(61*time.Second, Health{})
		w.tell(time.Hour, Health{})
		w.want(
			"firing: 100% of what came for churn since 2026-03-01T12:00:00Z are dead letters, over 50% (1000 read): see `tidemark deadletters list`",
			"resolved: 3% of what came for churn in a minute were dead letters, no longer over 50%",
		)
		if n := len(w.shard.system.traffic) + len(w.shard.system.alerts); n > 0 {
			t.Errorf("%d things are remembered", n)
		}
	})
}

// An endpoint that goes silent after it fired resolves too: nothing that comes is a dead letter.
func TestDeadLetterBreakerOfSilence(t *testing.T) {
	eachWay(t, func(w *works) {
		w.tell(0, Health{Traffic: []Traffic{{Topic: "capture", Read: 1200, Dead: 744}}})
		for range 130 {
			w.tell(time.Second, Health{})
		}
		w.want(
			"firing: 62% of what came for topic capture since 2026-03-01T12:00:00Z are dead letters, over 50% (1200 read): see `tidemark deadletters list`",
			"resolved: 0% of what came for topic capture in a minute were dead letters, no longer over 50%",
		)
	})
}

func TestPausedTopic(t *testing.T) {
	eachWay(t, func(w *works) {
		w.tell(0, Health{Instance: "a", Paused: []string{"capture"}})
		w.tell(time.Second, Health{Instance: "b"})
		w.tell(29*time.Second, Health{Instance: "a", Paused: []string{"capture"}})
		w.tell(30*time.Second, Health{Instance: "b"})
		w.want("firing: topic capture is not read any more, as its dead letters have spent their quota: mend what sends them, then restart Tidemark, with a larger dead_letters.quota if what waits needs it")
		w.tell(time.Second, Health{Instance: "b"})
		w.want(
			"firing: topic capture is not read any more, as its dead letters have spent their quota: mend what sends them, then restart Tidemark, with a larger dead_letters.quota if what waits needs it",
			"resolved: topic capture is read again",
		)
	})
}

func TestLag(t *testing.T) {
	eachWay(t, func(w *works) {
		first := w.at
		slow := func(since windows.Time, risk bool) Health {
			return Health{Behind: []Behind{{source(0), since + 120_000, false}, {source(2), since, risk}}}
		}
		w.tell(5*time.Minute, slow(first, false))
		w.want()
		w.tell(time.Second, slow(first, false))
		w.tell(time.Minute, slow(first, true))
		w.tell(time.Minute, slow(first+60_000, true))
		w.tell(time.Minute, slow(w.at, false))
		w.want(
			"firing: the reading of capture/2 is 5m1s behind: its windows and alerts come late; start more processes",
			"firing: the reading of capture/2 is 6m1s behind, and the topic's retention is about to delete what is unread: raise retention.ms or start more processes",
			"resolved: the reading of topic capture is no longer behind",
			"resolved: the reading of topic capture is no longer in danger of being overtaken by its retention",
		)
	})
}

// A partition that nobody says is behind any more is not, but only a reader's word counts for that.
func TestLagOfAPartitionThatMoves(t *testing.T) {
	eachWay(t, func(w *works) {
		w.tell(time.Hour, Health{Behind: []Behind{{source(0), w.at, false}}})
		w.tell(time.Hour, Health{Archive: true, Behind: []Behind{{Source: source(0), Since: w.at.Add(time.Hour)}}})
		if got := len(w.out.Alerts); got != 1 {
			t.Fatalf("%d alerts, want one: nobody reads, so nothing is known to have changed", got)
		}
		w.tell(time.Second, Health{})
		w.want(
			"firing: the reading of capture/0 is 1h behind: its windows and alerts come late; start more processes",
			"resolved: the reading of topic capture is no longer behind",
		)
	})
}

func TestLosses(t *testing.T) {
	eachWay(t, func(w *works) {
		loss := func(partition int32, start, end int64, why string) Health {
			return Health{Losses: []Loss{{source(partition), start, end, why}}}
		}
		w.tell(0, loss(1, 100, 250, LostRetention))
		w.tell(time.Minute, loss(2, 7, 9, LostTruncation))
		w.tell(9*time.Minute, loss(1, 300, 310, LostRetention)) // it goes on
		w.tell(2*time.Minute, Health{})
		w.tell(8*time.Minute+time.Second, Health{})
		w.want(
			"firing: Kafka deleted the offsets [100, 250) of capture/1 before they were read, so that windows lack their rows: make its retention longer than the longest stop",
			"firing: the brokers lost the offsets [7, 9) of capture/2, which they had acknowledged; later records have their offsets",
			"resolved: capture/2 has lost no more records for 10m",
			"resolved: capture/1 has lost no more records for 10m",
		)
		if w.out.Alerts[0].Archive.Partitions[0] != (ArchivePartition{Partition: 1, Start: 100, End: 250}) {
			t.Errorf("the alert is of %+v", w.out.Alerts[0].Archive)
		}
	})
}

func TestArchiveBehind(t *testing.T) {
	eachWay(t, func(w *works) {
		due := w.at
		archive := func(since windows.Time) Health {
			return Health{Archive: true, Behind: []Behind{{Source: source(0), Since: w.at.Add(10 * time.Minute)}, {Source: source(1), Since: since}}}
		}
		w.tell(10*time.Minute, archive(due))
		w.want()
		w.tell(time.Second, Health{}) // the readers' reports go on, so that an archive that is gone is missed too
		w.tell(time.Minute, archive(w.at.Add(time.Minute)))
		w.want(
			"firing: records of capture/1 should have been archived 10m1s ago, over 10m: see whether the archive's store can be written",
			"resolved: the archive of topic capture is no longer behind",
		)
		// One that is taken out of the configuration is behind for ever, but for a day it cannot be told from one that fails.
		w.tell(time.Hour, Health{})
		w.tell(24*time.Hour, Health{})
		if got := len(w.out.Alerts); got != 4 || len(w.shard.system.archive) != 0 {
			t.Errorf("%d alerts, %d partitions remembered; want 4 and none", got, len(w.shard.system.archive))
		}
	})
}

// System alerts are like others: they alternate, and no two have an ID.
func TestSystemAlertsAreAlerts(t *testing.T) {
	w := newWorks(t)
	for i := range 400 {
		h := Health{Instance: "a"}
		if i%3 == 0 {
			h.Losses = []Loss{{source(int32(i % 2)), int64(i), int64(i + 1), LostRetention}}
			h.Traffic = []Traffic{{Endpoint: "churn", Read: 1500, Dead: int64(1500 * (i % 2))}, {Topic: "churn", Read: 1500, Dead: 1500}}
			h.Behind = []Behind{{source(1), w.at.Add(-time.Duration(i%7) * time.Minute), i%4 == 0}}
		}
		w.tell(time.Duration(i%11)*time.Minute, h)
	}
	ids, firing := map[string]bool{}, map[string]string{}
	rules := map[string]bool{}
	for _, a := range w.out.Alerts {
		if ids[a.ID] {
			t.Errorf("two alerts have the ID %s", a.ID)
		}
		ids[a.ID], rules[a.Rule] = true, true
		key := fmt.Sprint(a.Rule, a.Subject())
		switch incident := firing[key]; {
		case a.Kind != KindSystem || a.Monitor != "":
			t.Errorf("kind %q, monitor %q", a.Kind, a.Monitor)
		case (a.State == "firing") != (incident == ""):
			t.Errorf("%s is %s twice", key, a.State)
		case a.State == "firing" && a.Incident != a.ID, a.State == "resolved" && a.Incident != incident:
			t.Errorf("%s %s is of incident %s, firing is %s", a.State, a.ID, a.Incident, incident)
		}
		firing[key] = map[string]string{"firing": a.ID}[a.State]
	}
	for _, rule := range []string{RuleDeadLetters, RuleLag, RuleRetention, RuleLost} {
		if !rules[rule] {
			t.Errorf("no alert of rule %s", rule)
		}
	}
	for _, f := range w.shard.SystemFiring() {
		if firing[f.Rule+f.Subject] == "" {
			t.Errorf("%v is said to fire", f)
		}
	}
	text, err := json.Marshal(w.out.Alerts[0])
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"id", "kind", "state", "incident", "rule", "window", "histogram", "top_features", "archive", "message"} {
		if keys[key] == nil {
			t.Errorf("the alert lacks %s", key)
		}
	}
}

func TestHealthErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"version":2}`: "decode health: version 2, this program reads version 1",
		`[]`:            "decode health: json: cannot unmarshal array into Go value of type monitor.Health",
	} {
		if _, err := DecodeHealth([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s gives %v, want %s", text, err, want)
		}
	}
	if !slices.IsSortedFunc(sortedSources(map[windows.Source]int{source(2): 1, source(0): 1}), windows.Source.Compare) {
		t.Error("sources are not in order")
	}
}
