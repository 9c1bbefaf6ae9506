package processor

import (
	"testing"
	"time"

	"tidemark/monitor"
)

// Partitions that were given away while nothing came are no reason to read what comes later twice.
func TestQuietRebalanceAbortsNothing(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		one := w.start("one", "ingest")
		w.pass(30 * time.Second)
		two := w.start("two", "ingest")
		w.pass(30 * time.Second)
		for partition := range int32(3) {
			w.capture(partition, "churn", time.Now(), 10, 50)
		}
		w.pass(10 * time.Second)
		for _, p := range []*process{one, two} {
			if p.metric("tidemark_ingest_rows_total") == 0 {
				t.Error("a process has read nothing: partitions were not parted")
			}
			if aborts := p.metric("tidemark_ingest_transactions_aborted_total"); aborts > 0 {
				t.Errorf("%v transactions were aborted", aborts)
			}
		}
		one.end()
		two.end()
	})
}
