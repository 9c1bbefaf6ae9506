package processor

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/sinks/archive"
)

// Every committed record is archived once, with its values, over a restart and with control and aborted records
// between; END is where the log ends.
func TestArchive(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b, want := &bucket{}, map[string]archivedRow{}
		w.send(0, 50, want)
		p := w.archiver(b, "a", nil)
		w.pass(5 * time.Second)
		if n := len(objects(w, b)); n != 0 {
			t.Errorf("%d objects before any is due", n)
		}
		w.pass(10 * time.Second)
		if n := len(objects(w, b)); n != 3 {
			t.Errorf("%d objects when the first are due, want 3", n)
		}
		w.sendInTransaction(100, 20, true, want)
		w.sendInTransaction(200, 20, false, want)
		w.pass(time.Second)
		p.end() // what was read is archived
		if read, all := p.metric("tidemark_archive_rows_total", "ok"), float64(len(want)); read != all {
			t.Errorf("%v rows counted, want %v", read, all)
		}
		w.send(300, 10, want)
		p = w.archiver(b, "a", nil)
		w.pass(15 * time.Second)
		if lag := p.metric("tidemark_archive_lag_records"); lag != 0 {
			t.Errorf("lag %v with nothing left to archive", lag)
		}
		p.end()
		got, report := w.archiveRows(b)
		w.compareRows(want, got)
		ends, err := kadm.NewClient(w.client).ListEndOffsets(context.Background(), "capture")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range report.Chains {
			if end, _ := ends.Lookup("capture", c.Partition); c.Start != 0 || c.End != end.Offset {
				t.Errorf("the chain of partition %d covers [%d, %d), the log ends at %d", c.Partition, c.Start, c.End, end.Offset)
			}
		}
		if len(report.Chains) != 3 {
			t.Errorf("%d chains", len(report.Chains))
		}
	})
}

// Two processes that do not know of each other, as each is alone in its group, write one chain.
func TestArchiveTwoWriters(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b, want := &bucket{}, map[string]archivedRow{}
		first := w.archiver(b, "one", func(_ *archive.Config, a *Archive) { a.group = "one" })
		one := first
		two := w.archiver(b, "two", func(c *archive.Config, a *Archive) { a.group, c.Every = "two", 11*time.Second })
		random := rand.New(rand.NewPCG(1, 2))
		for i := range 60 {
			switch i {
			case 20:
				b.down.Store(true)
			case 22:
				b.down.Store(false)
			case 30: // now the other is the faster one
				one.end()
				one = w.archiver(b, "one", func(c *archive.Config, a *Archive) { a.group, c.Every = "one", 12*time.Second })
			}
			w.send(100*i, 10, want)
			w.pass(time.Duration(random.Int64N(int64(10 * time.Second))))
		}
		one.end()
		two.end()
		got, _ := w.archiveRows(b)
		w.compareRows(want, got)
		for _, p := range []*process{first, two} {
			if p.metric("tidemark_archive_objects_total") == 0 {
				t.Error("one of the two put nothing")
			}
		}
		if one.metric("tidemark_archive_adoptions_total")+two.metric("tidemark_archive_adoptions_total") == 0 {
			t.Error("the two never met")
		}
	})
}

// In one group the partitions are shared out, and taken over when a process ends.
func TestArchiveGroup(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b, want := &bucket{}, map[string]archivedRow{}
		one := w.archiver(b, "one", nil)
		w.send(0, 10, want)
		w.pass(7 * time.Second)
		two := w.archiver(b, "two", nil)
		w.pass(20 * time.Second)
		w.send(100, 10, want)
		w.pass(20 * time.Second)
		for _, p := range []*process{one, two} {
			if p.metric("tidemark_archive_objects_total") == 0 {
				t.Error("one of the two put nothing")
			}
		}
		one.end()
		w.send(200, 10, want)
		w.pass(sessionTimeout + 30*time.Second)
		two.end()
		got, _ := w.archiveRows(b)
		w.compareRows(want, got)
	})
}

// While the store is down no more than one and a half times the size of an object is held, and what was fetched with it; then all
// is archived.
func TestArchiveStoreDown(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b, want := &bucket{}, map[string]archivedRow{}
		p := w.archiver(b, "a", func(c *archive.Config, _ *Archive) { c.Size = 64 << 10 })
		w.send(0, 10, want)
		w.pass(15 * time.Second)
		b.down.Store(true)
		for i := range 20 {
			w.send(1000*(1+i), 100, want)
			w.pass(10 * time.Second)
		}
		if held := p.metric("tidemark_archive_buffered_bytes"); held < 3*32<<10 || held > 7*32<<10 {
			t.Errorf("%v bytes are held", held)
		}
		if n := p.metric("tidemark_archive_failures_total", "put"); n < 10 || n > 60 {
			t.Errorf("%v puts failed in 200 seconds", n)
		}
		b.down.Store(false)
		w.pass(3 * time.Minute)
		p.end()
		got, _ := w.archiveRows(b)
		w.compareRows(want, got)
	})
}

// A store that is down when the process ends does not hold it up, and what was not archived is archived by the next.
func TestArchiveEndsWhileStoreIsDown(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b, want := &bucket{}, map[string]archivedRow{}
		p := w.archiver(b, "a", nil)
		w.pass(5 * time.Second)
		w.send(0, 10, want)
		w.pass(2 * time.Second)
		b.down.Store(true)
		begun := time.Now()
		p.end()
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("ending took %v", took)
		}
		b.down.Store(false)
		p = w.archiver(b, "a", nil)
		w.pass(15 * time.Second)
		p.end()
		got, _ := w.archiveRows(b)
		w.compareRows(want, got)
	})
}

// What Kafka deleted before it was archived is an object that says so.
func TestArchiveGap(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b, want := &bucket{}, map[string]archivedRow{}
		p := w.archiver(b, "a", nil)
		w.send(0, 10, want)
		w.pass(15 * time.Second)
		b.down.Store(true)
		p.end()
		w.send(100, 10, map[string]archivedRow{}) // offsets 10 to 19, of which none is left
		w.deleteRecords(20)
		w.send(200, 10, want)
		b.down.Store(false)
		p = w.archiver(b, "a", nil)
		w.pass(15 * time.Second)
		if lost := p.metric("tidemark_archive_offsets_lost_total"); lost != 30 {
			t.Errorf("%v offsets counted as lost, want 30", lost)
		}
		p.end()
		got, report := w.archiveRows(b)
		w.compareRows(want, got)
		for _, c := range report.Chains {
			if c.Lost != 10 || c.Objects != 3 || c.End != 30 {
				t.Errorf("the chain is %+v", c)
			}
		}
	})
}

func (w *world) deleteRecords(before int64) {
	w.t.Helper()
	offsets := kadm.Offsets{}
	for partition := range w.config.Topics.Partitions {
		offsets.AddOffset("capture", partition, before, -1)
	}
	answers, err := kadm.NewClient(w.client).DeleteRecords(context.Background(), offsets)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// A chain that is not as it should be stops its partition only, and goes on once it is mended.
func TestArchiveForeignObject(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b, want := &bucket{}, map[string]archivedRow{}
		p := w.archiver(b, "a", nil)
		w.send(0, 10, want)
		w.pass(15 * time.Second)
		p.end()
		keys := objects(w, b)
		content, o, err := b.Get(context.Background(), keys[1])
		if err != nil {
			t.Fatal(err)
		}
		foreign := strings.Replace(keys[1], "/00000000000000000000.", "/00000000000000000010.", 1)
		if err := b.Memory.Put(context.Background(), foreign, content, o.Metadata); err != nil {
			t.Fatal(err)
		}
		w.send(100, 10, want)
		p = w.archiver(b, "a", nil)
		w.pass(30 * time.Second)
		if stops, rows := p.metric("tidemark_archive_stops_total"), p.metric("tidemark_archive_rows_total", "ok"); stops != 1 || rows != 20 {
			t.Errorf("%v stops, %v rows; want 1 and 20", stops, rows)
		}
		b.Remove(foreign)
		w.pass(2 * archiveRetry)
		p.end()
		got, _ := w.archiveRows(b)
		w.compareRows(want, got)
	})
}

// Records that cannot be read, and those of endpoints that nobody watches, are rows too.
func TestArchiveOddRecords(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b := &bucket{}
		value, err := json.Marshal(map[string]any{"endpoint": "nobody", "features": map[string]any{"z": 1}})
		if err != nil {
			t.Fatal(err)
		}
		w.publish(
			&kgo.Record{Topic: "capture", Value: []byte("nonsense")},
			&kgo.Record{Topic: "capture", Value: value},
			&kgo.Record{Topic: "capture", Value: []byte(`{"features":{"x":1,"kind":"a"}}`)}, // the only endpoint
			&kgo.Record{Topic: "capture", Headers: []kgo.RecordHeader{{Key: headerEndpoint, Value: []byte("number")}, {Key: headerWatermark, Value: []byte("5")}}},
		)
		p := w.archiver(b, "a", nil)
		w.pass(15 * time.Second)
		p.end()
		for status, want := range map[string]float64{"ok": 1, "dead": 1, "unmonitored": 1, "partial": 0} {
			if got := p.metric("tidemark_archive_rows_total", status); got != want {
				t.Errorf("%v rows are %s, want %v", got, status, want)
			}
		}
	})
}
