package processor

import (
	"bytes"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/profile"
	"tidemark/sinks/archive"
	"tidemark/windows"
)

// stream is a record in Arrow's format with a row for each time, which is null where it is zero.
func stream(t *testing.T, name string, times ...time.Time) *kgo.Record {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "event_time", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: name, Type: arrow.PrimitiveTypes.Float64, Nullable: true}, {Name: "kind", Type: arrow.BinaryTypes.String},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i, at := range times {
		if at.IsZero() {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
		}
		b.Field(1).(*array.Float64Builder).Append(float64(i))
		b.Field(2).(*array.StringBuilder).Append("a")
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	if err := w.Write(b.NewRecordBatch()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &kgo.Record{Topic: "capture", Partition: 2, Offset: 40, Timestamp: noon, Value: out.Bytes()}
}

// Each row of a record is counted in the pane of its own event time, once; one without a time in that of the record. A row
// of a wrong clock moves nothing on, and the others do.
func TestFoldCountsRowsIntoTheirPanes(t *testing.T) {
	m := watch(t, "churn", 20*time.Second)
	f := testFold(m)
	f.skew = time.Minute
	ahead := noon.Add(time.Hour)
	if dead := f.add(stream(t, "x", noon.Add(19999*time.Millisecond), noon.Add(20*time.Second), time.Time{}, noon.Add(-time.Millisecond), ahead), windows.At(noon)); dead != nil {
		t.Fatal(dead)
	}
	d := f.deltas()[0]
	source := windows.Source{Topic: "capture", Partition: 2}
	got := map[windows.Time]int64{}
	for _, p := range d.Panes {
		got[p.Start] = p.Rows
		decoded, err := profile.Decode(m.Layout(), p.Profile)
		if err != nil || decoded.Rows != p.Rows || decoded.Feature("x").Present() != p.Rows {
			t.Errorf("pane %v holds %+v, %v", p.Start, decoded, err)
		}
		if diff := cmp.Diff([]monitor.Range{{Source: source, Start: 40, End: 41}}, p.Ranges); diff != "" {
			t.Errorf("pane %v: %s", p.Start, diff)
		}
	}
	if diff := cmp.Diff(map[windows.Time]int64{
		windows.At(noon): 2, windows.At(noon.Add(20 * time.Second)): 1, windows.At(noon.Add(-20 * time.Second)): 1, windows.At(ahead): 1,
	}, got); diff != "" {
		t.Error(diff)
	}
	if p := d.Sources; len(p) != 1 || p[0].EventTime != windows.At(noon.Add(20*time.Second)) || f.counts.skewed != 1 || f.counts.rows != 5 {
		t.Errorf("progress %+v, %d skewed, %d rows; want progress to 12:00:20, 1 and 5", p, f.counts.skewed, f.counts.rows)
	}
}

// A record that cannot be used is dead as a whole, and all its rows are counted so.
func TestFoldOfAStreamThatDoesNotFit(t *testing.T) {
	f := testFold(watch(t, "churn", time.Minute))
	if dead := f.add(stream(t, "unknown", noon, noon), windows.At(noon)); dead != nil {
		t.Fatalf("an unknown column beside a known one: %v", dead)
	}
	cut := stream(t, "x", noon, noon)
	cut.Value = cut.Value[:len(cut.Value)/2]
	if dead := f.add(cut, windows.At(noon)); dead == nil || dead.Reason != capture.ReasonMalformed {
		t.Errorf("half a record: %v", dead)
	}
	many := stream(t, "kind", noon, noon, noon) // the name twice
	if dead := f.add(many, windows.At(noon)); dead == nil || dead.Reason != capture.ReasonColumns {
		t.Errorf("a column twice: %v", dead)
	}
	if f.counts.rows != 6 || f.counts.dead[capture.ReasonColumns] != 3 || f.counts.dead[capture.ReasonMalformed] != 1 || f.counts.extra != 0 {
		t.Errorf("%d rows, dead %v", f.counts.rows, f.counts.dead)
	}
	if d := f.deltas(); len(d) != 1 || d[0].Panes[0].Rows != 2 || f.counts.extra != 2 {
		t.Errorf("deltas %+v, %d extra values", d, f.counts.extra)
	}
}

// Rows that were read = rows in windows, late and dead; a record may have some of each kind. The archive has all of them, each
// once, where the record was.
func TestStreamsThroughTheRoles(t *testing.T) {
	m := watch(t, "churn", 20*time.Second)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b := &bucket{}
		p, archiver := w.start("a"), w.archiver(b, "b", nil)
		begin := time.Now().Truncate(time.Minute)
		publish := func(seconds ...int) {
			var times []time.Time
			for _, s := range seconds {
				times = append(times, begin.Add(time.Duration(s)*time.Second))
			}
			r := stream(t, "x", times...)
			w.publish(&kgo.Record{Topic: "capture", Value: r.Value})
		}
		publish(0, 5, 19, 21, 25)
		w.pass(5 * time.Minute) // the partition is idle, and the windows close
		publish(1, 301, 22, 39, 302)
		broken := stream(t, "x", begin)
		w.publish(&kgo.Record{Topic: "capture", Value: broken.Value[:40]})
		publish(303)
		w.pass(5 * time.Minute)
		p.end()
		archiver.end()
		late := int64(0)
		for _, d := range w.late() {
			for _, pane := range d.Panes {
				late += pane.Rows
			}
		}
		dead := len(w.committed(w.config.Topics.DeadLetters))
		if windowed := w.windowed("churn"); windowed != 8 || late != 3 || dead != 1 {
			t.Errorf("%d rows windowed, %d late, %d dead; want 8, 3 and 1", windowed, late, dead)
		}
		if read := p.metric("tidemark_ingest_rows_total"); read != 12 {
			t.Errorf("%v rows read, want 12", read)
		}
		report, err := archive.New(b, archive.DefaultConfig()).Verify(t.Context(), func(string) {})
		if err != nil || len(report.Findings) > 0 || len(report.Chains) == 0 || report.Chains[0].Rows != 12 || report.Chains[0].End != 4 {
			t.Errorf("the archive has %+v, %v; want 12 rows of the offsets [0, 4)", report, err)
		}
	})
}
