package processor

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/monitor"
	"tidemark/windows"
)

// overlapping is a monitor whose state must survive what the tests do: long, short and sliding windows.
func overlapping(t *testing.T) *monitor.Monitor {
	return watch(t, "churn", time.Minute, windows.Spec{Size: 10 * time.Minute, Slide: time.Minute}, windows.Spec{Size: 30 * time.Second, Slide: 10 * time.Second})
}

// finish lets the last windows close by the clock.
func (w *world) finish(p *process) {
	w.t.Helper()
	w.pass(15 * time.Minute)
	p.end()
}

func TestRestart(t *testing.T) {
	m := overlapping(t)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		p := w.start("one")
		for range 12 {
			w.live("churn", 97*time.Second, 0, 0, 1, 2)
			p.end()
			w.capture(1, "churn", time.Now(), 25, 0) // while it is down
			w.pass(3 * time.Second)
			p = w.start("one")
		}
		w.finish(p)
		w.verify(m)
	})
}

func TestAlertSurvivesRestart(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", 3*time.Minute, 0, 0, 1, 2)
		w.live("churn", 3*time.Minute, 1, 0, 1, 2)
		p.end()
		if all := w.alerts(); len(all) != 1 || all[0].State != "firing" {
			t.Fatalf("alerts %v, want one that fires", all)
		}
		p = w.start("one")
		w.pass(5 * time.Second)
		if firing := p.metric("tidemark_alert_firing", "churn"); firing != 1 {
			t.Errorf("tidemark_alert_firing is %v after the restart, want 1", firing)
		}
		w.live("churn", 3*time.Minute, 1, 0, 1, 2) // still drifted: no second alert
		w.live("churn", 3*time.Minute, 0, 0, 1, 2)
		w.finish(p)
		if firing := p.metric("tidemark_alert_firing", "churn"); firing != 0 {
			t.Errorf("tidemark_alert_firing is %v after the alert resolved, want 0", firing)
		}
		all := w.alerts()
		if len(all) != 2 || all[1].State != "resolved" || all[1].Incident != all[0].ID {
			t.Fatalf("alerts %v, want the same one to resolve", all)
		}
	})
}

// The bets of an alarm budget go on after a restart: the alert is not raised again, and resolves.
func TestBudgetSurvivesRestart(t *testing.T) {
	inWorld(t, []*monitor.Monitor{budgeted(watch(t, "churn", time.Minute))}, func(w *world) {
		p := w.start("one")
		w.live("churn", 3*time.Minute, 0, 0, 1, 2)
		w.live("churn", 3*time.Minute, 1, 0, 1, 2)
		p.end()
		all := w.alerts()
		if len(all) != 1 || all[0].State != "firing" || all[0].Evidence.Budget.Change != "higher" {
			t.Fatalf("alerts %v, want one that fires", all)
		}
		p = w.start("one")
		w.live("churn", 2*time.Minute, 1, 0, 1, 2) // still drifted: no second alert
		w.live("churn", 14*time.Minute, 0, 0, 1, 2)
		w.finish(p)
		if all = w.alerts(); len(all) != 2 || all[1].State != "resolved" || all[1].Incident != all[0].ID {
			t.Fatalf("alerts %v, want the same one to resolve", all)
		}
		if recurrence := p.metric("tidemark_feature_recurrence_seconds", "churn"); recurrence < 0 {
			t.Errorf("tidemark_feature_recurrence_seconds is %v", recurrence)
		}
	})
}

func TestAbortedTransactionsAreDoneAgain(t *testing.T) {
	m := overlapping(t)
	for _, err := range []*kerr.Error{kerr.IllegalGeneration, kerr.RebalanceInProgress} {
		t.Run(err.Message, func(t *testing.T) {
			inWorld(t, []*monitor.Monitor{m}, func(w *world) {
				p := w.start("one")
				w.live("churn", 90*time.Second, 0, 0, 1, 2)
				for i := range 20 {
					group := []string{"tidemark-ingest", "tidemark-evaluate"}[i%2]
					w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Group: group, Err: err, Count: 1 + i%3})
					w.live("churn", 31*time.Second, 0, 0, 1, 2)
				}
				w.finish(p)
				w.verify(m)
				if got := p.metric("tidemark_ingest_transactions_aborted_total"); got == 0 {
					t.Error("ingest aborted no transaction: the fault did nothing")
				}
				if got := p.metric("tidemark_evaluate_transactions_aborted_total"); got == 0 {
					t.Error("evaluate aborted no transaction: the fault did nothing")
				}
			})
		})
	}
}

func TestNetworkIsCut(t *testing.T) {
	m := overlapping(t)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		p := w.start("one")
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		for _, outage := range []time.Duration{time.Second, 8 * time.Second, 25 * time.Second, 3 * time.Minute} {
			w.cut()
			w.live("churn", outage, 0, 0, 1, 2) // the producers' network is another
			w.mend()
			w.live("churn", 100*time.Second, 0, 0, 1, 2)
		}
		w.finish(p)
		w.verify(m)
	})
}

func TestProcessesComeAndGo(t *testing.T) {
	m := overlapping(t)
	other := watch(t, "loans", time.Minute)
	inWorld(t, []*monitor.Monitor{m, other}, func(w *world) {
		both := func(d time.Duration) {
			for range int(d / (10 * time.Second)) {
				w.live("churn", 5*time.Second, 0, 0, 1, 2)
				w.live("loans", 5*time.Second, 0, 0, 1, 2)
			}
		}
		one := w.start("one")
		both(2 * time.Minute)
		two := w.start("two")
		both(2 * time.Minute)
		three := w.start("three")
		both(2 * time.Minute)
		for _, endpoint := range []string{"churn", "loans"} {
			sizes := len(map[string]*monitor.Monitor{"churn": m, "loans": other}[endpoint].Windows)
			if n := one.series(endpoint) + two.series(endpoint) + three.series(endpoint); n != sizes {
				t.Errorf("%s is shown %d times, want once for each of %d window sizes", endpoint, n, sizes)
			}
		}
		one.end()
		both(2 * time.Minute)
		one = w.start("one")
		both(time.Minute)
		two.end()
		three.end()
		both(2 * time.Minute)
		w.finish(one)
		w.verify(m)
		w.verify(other)
	})
}

func TestSecondProcessOfTheSameName(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		first := w.start("one")
		w.live("churn", 10*time.Second, 0, 0)
		second := w.start("one")
		w.live("churn", 2*time.Minute, 0, 0)
		err := first.group.Wait()
		if !errors.Is(err, ErrFenced) {
			t.Errorf("the first process ended with %v, want it to be fenced", err)
		}
		w.finish(second)
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, %d were sent", got, w.sent["churn"])
		}
	})
}

func TestEveryRowIsCounted(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute), watch(t, "loans", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", 30*time.Second, 0, 0, 1)
		w.publish(
			&kgo.Record{Topic: "capture", Key: []byte("k"), Value: []byte("{")},
			&kgo.Record{Topic: "capture", Value: []byte(`{"endpoint":"churn","time":"yesterday","features":{"x":1}}`)},
			&kgo.Record{Topic: "capture", Value: nil},
			&kgo.Record{Topic: "capture", Value: []byte(`{"features":{"x":1}}`)},
			&kgo.Record{Topic: "capture", Value: []byte(`{"endpoint":"nobody","features":[{"x":1},{"x":2}]}`)},
		)
		w.finish(p)

		reasons := map[string]int{}
		for _, r := range w.committed(w.config.Topics.DeadLetters) {
			for _, h := range r.Headers {
				if h.Key == "tidemark-reason" {
					reasons[string(h.Value)]++
				}
			}
		}
		want := map[string]int{"malformed": 2, "time": 1, "endpoint": 1}
		if len(reasons) != len(want) || reasons["malformed"] != 2 || reasons["time"] != 1 || reasons["endpoint"] != 1 {
			t.Errorf("dead letters %v, want %v", reasons, want)
		}
		in := p.metric("tidemark_ingest_rows_total")
		out := p.metric("tidemark_evaluate_rows_windowed_total") + p.metric("tidemark_evaluate_rows_late_total") +
			p.metric("tidemark_ingest_rows_dead_total") + p.metric("tidemark_ingest_rows_unmonitored_total", "nobody")
		if in != out || in != float64(w.sent["churn"]+4+2) {
			t.Errorf("%v rows in, %v windowed, late, dead or unmonitored; %d were sent", in, out, w.sent["churn"]+4+2)
		}
	})
}

// A stale epoch may also be that of a transaction that took too long, of which the error must not accuse another process.
func TestFencedNamesBothCauses(t *testing.T) {
	c := &Config{Instance: "one"}
	for cause, want := range map[error]string{
		kerr.FencedInstanceID: `fenced: another process runs as instance "one": stop it, or start this one with --instance NAME: ` + kerr.FencedInstanceID.Error(),
		kerr.InvalidProducerEpoch: `fenced: another process runs as instance "one": stop it, or start this one with --instance NAME; if there is none, ` +
			`this one was stopped or cut off within a transaction for longer than 10s, and nothing is lost: start it again: ` + kerr.InvalidProducerEpoch.Error(),
	} {
		if got := c.fenced(fmt.Errorf("end transaction: %w", cause)); !errors.Is(got, ErrFenced) || got.Error() != want {
			t.Errorf("%v gives %v, want %s", cause, got, want)
		}
	}
	if got := c.fenced(kerr.ConcurrentTransactions); got != nil {
		t.Errorf("%v is read as fenced", got)
	}
}
