package processor

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/sinks/alerts"
	"tidemark/sinks/webhook"
)

// receiver answers what the webhook sends.
type receiver struct {
	mu     sync.Mutex
	answer func(id string) int
	got    []string // "id at second"
	start  time.Time
}

func (r *receiver) RoundTrip(request *http.Request) (*http.Response, error) {
	id := request.Header.Get("Idempotency-Key")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, fmt.Sprintf("%s at %.0f", id, time.Since(r.start).Seconds()))
	return &http.Response{StatusCode: r.answer(id), Status: "status", Body: http.NoBody, Request: request}, nil
}

// taken returns what it got so far, while the role runs, and has it answer otherwise from now on.
func (r *receiver) taken(answer func(string) int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got, r.answer = nil, answer
	return got
}

// notify runs the role until stop is called, which waits for its end.
func (w *world) notify(r *receiver, options ...kgo.Opt) (metrics *process, stop func()) {
	config := w.config
	config.Instance = "one"
	ctx, cancel := context.WithCancel(context.Background())
	c := webhook.Config{URL: "http://receiver/"}
	c.Complete()
	p := &process{w: w, metrics: prometheus.NewRegistry()}
	n := NewNotify(&config, webhook.New(c, r), func(bool) {}, slog.New(slog.DiscardHandler), p.metrics, append(options, kgo.Dialer(w.dialProcess))...)
	done := make(chan error)
	go func() { done <- n.Run(ctx) }()
	return p, func() {
		w.t.Helper()
		cancel()
		if err := <-done; err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) alert(id string) {
	w.t.Helper()
	record, err := alerts.Record(w.config.Topics.Alerts, &monitor.Alert{ID: id, Incident: id, Monitor: "m", Endpoint: "e"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.publish(record)
}

func (r *receiver) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(r.got, want) {
		t.Errorf("received %q, want %q", r.got, want)
	}
	r.got = nil
}

// An alert is sent again until it is taken, with longer and longer pauses, and those behind it wait. One that was taken
// is not sent again after a restart.
func TestNotifyRepeats(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		failures := 3
		r := &receiver{start: time.Now(), answer: func(id string) int {
			if id == "b" && failures > 0 {
				failures--
				return http.StatusServiceUnavailable
			}
			return http.StatusNoContent
		}}
		for _, id := range []string{"a", "b", "c"} {
			w.alert(id)
		}
		p, stop := w.notify(r)
		w.pass(30 * time.Second)
		r.expect(t, "a at 0", "b at 0", "b at 1", "b at 3", "b at 7", "c at 7")
		if sent, retries := p.metric("tidemark_notify_alerts_total", "sent"), p.metric("tidemark_notify_retries_total"); sent != 3 || retries != 3 {
			t.Errorf("%v sent and %v retries, want 3 and 3", sent, retries)
		}
		stop()
		w.alert("d")
		_, stop = w.notify(r)
		w.pass(time.Second)
		stop()
		r.expect(t, "d at 30")
	})
}

// A process that ends between the answer and the commit leaves the alert to the next one, which sends it again under the
// same ID.
func TestNotifyAtLeastOnce(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		r := &receiver{start: time.Now(), answer: func(string) int {
			w.cut() // the receiver has the alert, and the commit does not reach the broker
			return http.StatusOK
		}}
		w.alert("a")
		_, stop := w.notify(r)
		w.pass(time.Second)
		stop()
		r.expect(t, "a at 0")
		w.mend()
		r.answer = func(string) int { return http.StatusOK }
		_, stop = w.notify(r)
		w.pass(20 * time.Second)
		stop()
		if len(r.got) != 1 || r.got[0][:2] != "a " {
			t.Errorf("received %q, want a once more", r.got)
		}
	})
}

func TestNotifyPassesOverWhatIsRefused(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		r := &receiver{start: time.Now(), answer: func(id string) int {
			return map[string]int{"a": http.StatusUnprocessableEntity, "b": http.StatusOK}[id]
		}}
		w.alert("a")
		w.publish(&kgo.Record{Topic: w.config.Topics.Alerts, Value: []byte("no alert")})
		w.alert("b")
		p, stop := w.notify(r)
		w.pass(time.Second)
		r.expect(t, "a at 0", "b at 0")
		for _, result := range []string{"sent", "refused", "undecoded"} {
			if n := p.metric("tidemark_notify_alerts_total", result); n != 1 {
				t.Errorf("%v %s, want 1", n, result)
			}
		}
		stop()
	})
}
