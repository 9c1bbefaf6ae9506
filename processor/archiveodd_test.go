package processor

import (
	"testing"
	"time"

	"tidemark/monitor"
	"tidemark/sinks/archive"
)

// A batch that decompresses to more than may be held is a row that says so; the chain goes on behind it.
func TestArchiveDecompressionBomb(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b, want := &bucket{}, map[string]archivedRow{}
		p := w.archiver(b, "a", nil)
		w.send(0, 10, want)
		offset := w.bomb(1)
		w.send(100, 10, want)
		w.pass(15 * time.Second)
		if dead := p.metric("tidemark_archive_rows_total", archive.StatusDead); dead != 1 {
			t.Errorf("%v dead rows, want 1", dead)
		}
		p.end()
		got, _ := w.archiveRows(b)
		row := got["(null)"]
		if row.partition != 1 || row.offset != offset || row.status != archive.StatusDead {
			t.Errorf("row %+v, want a dead one at offset %d", row, offset)
		}
		delete(got, "(null)")
		w.compareRows(want, got)
	})
}

// A topic that is deleted and made again has another chain; what had been read of the old one is archived.
func TestArchiveTopicIsMadeAgain(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b, want := &bucket{}, map[string]archivedRow{}
		p := w.archiver(b, "a", nil)
		w.send(0, 10, want)
		w.pass(3 * time.Second)
		if err := w.broker.DeleteTopic("capture"); err != nil {
			t.Fatal(err)
		}
		w.pass(20 * time.Second)
		if err := w.broker.CreateTopic("capture", 2, nil); err != nil {
			t.Fatal(err)
		}
		w.redial()
		w.config.Topics.Partitions = 2
		w.send(500, 10, want)
		w.pass(time.Minute)
		p.end()
		got, report := w.archiveRows(b)
		w.compareRows(want, got)
		if len(report.Chains) != 5 {
			t.Errorf("%d chains, want three of the old topic and two of the new", len(report.Chains))
		}
	})
}
