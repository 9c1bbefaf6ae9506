package processor

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/monitor"
	"tidemark/sinks/alerts"
)

// meter is a hook of a client that measures what it holds of what it has fetched.
type meter struct{ held, most atomic.Int64 }

func (m *meter) OnNewClient(*kgo.Client) { m.held.Store(0) }

func (m *meter) OnFetchRecordBuffered(r *kgo.Record) {
	held := m.held.Add(int64(len(r.Value)))
	m.most.Store(max(m.most.Load(), held))
}

func (m *meter) OnFetchRecordUnbuffered(r *kgo.Record, _ bool) { m.held.Add(-int64(len(r.Value))) }

// overBatch is what a fetch may be over its limit: the producers of these tests make batches of a mebibyte at most.
const overBatch = 1 << 20

// A receiver that is down holds up the sending of alerts, in bounded memory, and nothing else. When it is back it gets
// every alert.
func TestReceiverIsDown(t *testing.T) {
	m := watch(t, "churn", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		down := func(string) int { return http.StatusServiceUnavailable }
		r := &receiver{start: time.Now(), answer: down}
		var held meter
		p := w.start("one")
		_, stop := w.notify(r, kgo.WithHooks(&held))
		const n, size = 600, 100 << 10 // 60 MB
		for i := range n {
			record, err := alerts.Record(w.config.Topics.Alerts, &monitor.Alert{ID: fmt.Sprintf("a%03d", i), Monitor: "m", Endpoint: "e", Message: strings.Repeat("x", size)})
			if err != nil {
				t.Fatal(err)
			}
			w.publish(record)
		}
		w.live("churn", 5*time.Minute, 0, 0, 1, 2)
		if most := held.most.Load(); most == 0 || most > maxFetchedAlerts+overBatch {
			t.Errorf("%d bytes of alerts were held, want up to %d", most, maxFetchedAlerts)
		}
		if got := r.taken(down); len(got) < 5 || strings.HasPrefix(got[len(got)-1], "a001") {
			t.Errorf("the receiver was asked %q, want the first alert again and again", got)
		}
		w.pass(15 * time.Minute)
		w.verify(m)

		r.taken(func(string) int { return http.StatusOK })
		w.pass(2 * time.Minute)
		stop()
		p.end()
		if len(r.got) != n {
			t.Errorf("the receiver got %d alerts, want all %d", len(r.got), n)
		}
	})
}

// Brokers that can be read and take nothing hold up the windows, in bounded memory, and not the archive. When they take
// records again, every row is in its window.
func TestBrokersTakeNothing(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		var refuse atomic.Bool
		w.broker.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			w.broker.KeepControl()
			if produce := r.(*kmsg.ProduceRequest); refuse.Load() && produce.TransactionID != nil {
				return nil, errors.New("refused"), true
			}
			return nil, nil, false
		})
		b := &bucket{}
		var held meter
		w.ingest = []kgo.Opt{kgo.WithHooks(&held)}
		p := w.start("one")
		a := w.archiver(b, "one", nil)
		w.live("number", 90*time.Second, 0, 0, 1, 2)
		reported := len(w.reports())
		rows := p.metric("tidemark_ingest_rows_total")

		refuse.Store(true)
		pad := bytes.Repeat([]byte(" "), 100<<10)
		for range 60 { // 180 MB
			w.padded("number", pad, 10)
			w.pass(time.Second)
		}
		w.pass(20 * time.Second)
		if most := held.most.Load(); most == 0 || most > maxFetched+overBatch {
			t.Errorf("%d bytes of captures were held, want up to %d", most, maxFetched)
		}
		if n := p.metric("tidemark_ingest_rows_total"); n != rows {
			t.Errorf("%v rows are committed by brokers that take nothing", n-rows)
		}
		if n := len(w.reports()); n != reported {
			t.Errorf("%d reports are written by brokers that take nothing", n-reported)
		}
		if n := a.metric("tidemark_archive_rows_total"); n != float64(w.sent["number"]) {
			t.Errorf("%v rows are archived, want all %d", n, w.sent["number"])
		}

		refuse.Store(false)
		w.live("number", time.Minute, 0, 0, 1, 2)
		w.finish(p)
		a.end()
		w.verify(m)
	})
}

// padded captures rows that are long.
func (w *world) padded(endpoint string, pad []byte, rows int) {
	w.t.Helper()
	now := time.Now()
	var records []*kgo.Record
	for i := range rows * int(w.config.Topics.Partitions) {
		value := fmt.Appendf(nil, `{"endpoint":%q,"time":%d,"features":{"x":0,"kind":"a"}%s}`, endpoint, now.UnixMilli(), pad)
		records = append(records, &kgo.Record{Topic: "capture", Partition: int32(i) % w.config.Topics.Partitions, Value: value})
	}
	w.publish(records...)
	w.noted(endpoint, now, len(records))
}
