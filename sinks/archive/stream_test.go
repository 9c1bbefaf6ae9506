package archive

import (
	"bytes"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"

	"tidemark/store"
)

// A record in Arrow's format is a row for each of its rows, with times and ids of their own; one that cannot be used is kept
// as it came. Replayed, the rows are flat captures.
func TestStreams(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "event_id", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "event_time", Type: arrow.FixedWidthTypes.Timestamp_ms, Nullable: true},
		{Name: "income", Type: arrow.PrimitiveTypes.Int32, Nullable: true}, {Name: "state", Type: arrow.BinaryTypes.LargeString, Nullable: true},
		{Name: "inference_id", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "score", Type: arrow.PrimitiveTypes.Float32},
	}, nil)
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(`[
		{"event_id":"a","event_time":"2026-01-02T03:04:05.678Z","income":7,"state":"Ohio","inference_id":"i","score":0.5},
		{"event_id":null,"event_time":null,"income":null,"state":"é","inference_id":null,"score":0.25}]`))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(schema))
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole := out.Bytes()
	r := NewDecoder(both).NewRecords(10, -1)
	records := []Record{
		{Offset: 10, Timestamp: 1767323045123, Endpoint: "loans", Value: whole},
		{Offset: 11, Timestamp: 1767323045123, Endpoint: "nobody", Value: whole},
		{Offset: 12, Timestamp: 1767323045123, Endpoint: "loans", Value: whole[:50]},
	}
	for _, record := range records {
		r.Add(record)
		r.Pass(record.Offset+1, -1)
	}
	table := r.Table()
	content, err := table.Parquet(Info{ID: partition, Generation: 1, Start: 10, End: 13, Rows: table.Rows, Epoch: -1}, Small)
	if err != nil {
		t.Fatal(err)
	}
	_, rows := readBack(t, content)
	common := "timestamp=2026-01-02T03:04:05.123Z "
	if diff := cmp.Diff([]string{
		"offset=10 row=0 " + common + "event_time=2026-01-02T03:04:05.678Z event_id=a inference_id=i endpoint=loans variant=default status=ok income=7 state=Ohio score=0.5",
		"offset=10 row=1 " + common + "event_time=2026-01-02T03:04:05.123Z endpoint=loans variant=default status=ok state=é score=0.25",
		"offset=11 row=0 " + common + "event_time=2026-01-02T03:04:05.123Z event_id=a inference_id=i endpoint=nobody variant=default status=unmonitored raw=" + string(whole),
		"offset=12 row=0 " + common + "endpoint=loans status=dead error=" + message(parseError(string(whole[:50]))) + " raw=" + string(whole[:50]),
	}, rows); diff != "" {
		t.Error(diff)
	}

	a := New(&store.Memory{}, DefaultConfig())
	stored(t, a, partition, both, records...)
	flat := func(offset int64, value string) Record {
		return Record{offset, 1767323045123, "loans", "default", []byte(value), ""}
	}
	records[1].Variant = "default"
	if diff := cmp.Diff([]Record{
		flat(10, `{"id":"a","time":"2026-01-02T03:04:05.678Z","features":{"income":7,"state":"Ohio"},"predictions":{"score":0.5}}`),
		flat(10, `{"id":"","time":"2026-01-02T03:04:05.123Z","features":{"state":"é"},"predictions":{"score":0.25}}`),
		records[1], records[2],
	}, replayed(t, a)); diff != "" {
		t.Error(diff)
	}
}
