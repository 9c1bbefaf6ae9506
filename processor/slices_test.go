package processor

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/monitor"
	"tidemark/windows"
)

// A watermark passes more windows at once than a transaction writes: they are written in several, of which all but the first
// have read nothing. The process is cut off in each of them in turn, and another goes on from there.
func TestManyWindowsCloseAtOnce(t *testing.T) {
	m := watch(t, "churn", time.Second, windows.Spec{Size: 2 * time.Second, Slide: time.Second})
	for strike := int64(1); strike <= 2; strike++ {
		inWorld(t, []*monitor.Monitor{m}, func(w *world) {
			w.capture(0, "churn", time.Now().Add(-5*time.Hour), 1, 0)
			one := w.start("one")
			w.pass(40 * time.Second)
			var transactions atomic.Int64
			w.broker.ControlKey(int16(kmsg.EndTxn), func(r kmsg.Request) (kmsg.Response, error, bool) {
				w.broker.KeepControl()
				if r.(*kmsg.EndTxnRequest).TransactionalID != "tidemark-evaluate-one" || transactions.Load() >= strike || transactions.Add(1) < strike {
					return nil, nil, false
				}
				w.cutOff("one", true)
				return nil, errors.New("lost"), true
			})
			const rows = 6000 // one a second
			begin := time.Now().Add(-rows * time.Second)
			for i := range rows {
				w.capture(0, "churn", begin.Add(time.Duration(i)*time.Second), 1, 0)
			}
			w.endReplay("churn", begin.Add(rows*time.Second))
			w.pass(20 * time.Second)
			one.stop()
			two := w.start("two")
			w.finish(two)
			w.verify(m)
			if transactions.Load() < strike {
				t.Errorf("the process was not cut off in transaction %d", strike)
			}
			unfinished := 0
			for _, r := range w.committed(w.config.Topics.State) {
				if string(r.Key) == keyMeta && strings.Contains(string(r.Value), `"closing"`) {
					unfinished++
				}
			}
			if unfinished == 0 {
				t.Error("no commit left windows for the next one")
			}
		})
	}
}
