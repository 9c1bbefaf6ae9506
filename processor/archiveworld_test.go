package processor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/sinks/archive"
	"tidemark/store"
)

var errDown = errors.New("the store is down")

// bucket is a store in memory that can be out of order.
type bucket struct {
	store.Memory
	down atomic.Bool
}

func (b *bucket) Put(ctx context.Context, key string, content []byte, metadata map[string]string) error {
	if b.down.Load() {
		return errDown
	}
	return b.Memory.Put(ctx, key, content, metadata)
}

func (b *bucket) Head(ctx context.Context, key string) (store.Object, error) {
	if b.down.Load() {
		return store.Object{}, errDown
	}
	return b.Memory.Head(ctx, key)
}

func (b *bucket) List(ctx context.Context, prefix, after string) iter.Seq2[store.Object, error] {
	if b.down.Load() {
		return func(yield func(store.Object, error) bool) { yield(store.Object{}, errDown) }
	}
	return b.Memory.List(ctx, prefix, after)
}

// archiver runs the role alone, as an instance.
func (w *world) archiver(b store.Store, instance string, change func(*archive.Config, *Archive)) *process {
	ctx, p, config, log := w.process(instance)
	settings := archive.DefaultConfig()
	settings.Every, settings.Codec = 10*time.Second, "" // not compressed, see archive.Codec
	role := NewArchive(config, nil, w.monitors, func(bool) {}, log, p.metrics, kgo.Dialer(w.dialProcess))
	if change != nil {
		change(&settings, role)
	}
	role.to = archive.New(b, settings)
	p.group.Go(func() error { return role.Run(ctx) })
	return p
}

// archived is what an archive has of a record.
type archivedRow struct {
	partition int32
	offset    int64
	id        string
	x         float64
	status    string
}

// rows reads an archive, which must be without findings, by event id.
func (w *world) archiveRows(b *bucket) (rows map[string]archivedRow, report archive.Report) {
	w.t.Helper()
	report, err := archive.New(b, archive.DefaultConfig()).Verify(context.Background(), func(string) {})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(report.Findings) > 0 {
		w.t.Fatalf("findings: %+v", report.Findings)
	}
	rows = map[string]archivedRow{}
	for o, err := range b.Memory.List(context.Background(), "v1/", "") {
		if err != nil {
			w.t.Fatal(err)
		}
		if !strings.HasSuffix(o.Key, ".parquet") {
			continue
		}
		content, o, err := b.Get(context.Background(), o.Key)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, row := range w.parquetRows(content) {
			if _, twice := rows[row.id]; twice {
				w.t.Errorf("%s is there twice", row.id)
			}
			if _, err := fmt.Sscan(o.Metadata["tidemark-partition"], &row.partition); err != nil {
				w.t.Fatal(err)
			}
			rows[row.id] = row
		}
	}
	return rows, report
}

func (w *world) parquetRows(content []byte) (rows []archivedRow) {
	w.t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(content))
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Close()
	reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		w.t.Fatal(err)
	}
	table, err := reader.ReadTable(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for chunks := array.NewTableReader(table, -1); chunks.Next(); {
		record := chunks.RecordBatch()
		column := func(name string) int {
			places := record.Schema().FieldIndices(name)
			if len(places) != 1 {
				return -1
			}
			return places[0]
		}
		for i := range int(record.NumRows()) {
			row := archivedRow{
				offset: record.Column(column("offset")).(*array.Int64).Value(i),
				status: record.Column(column("status")).(*array.String).Value(i),
				id:     record.Column(column("event_id")).ValueStr(i),
			}
			if place := column("x"); place >= 0 {
				row.x = record.Column(place).(*array.Float64).Value(i)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// send publishes n records to each of three partitions, in transactions of their own if asked so, and returns what
// an archive of them must hold.
func (w *world) send(from, n int, want map[string]archivedRow) {
	w.t.Helper()
	for partition := range w.config.Topics.Partitions {
		var records []*kgo.Record
		for i := range n {
			id := fmt.Sprintf("p%d-%d", partition, from+i)
			value := fmt.Appendf(nil, `{"endpoint":"number","id":%q,"time":%d,"features":{"x":%d,"kind":"a"}}`, id, time.Now().UnixMilli(), from+i)
			records = append(records, &kgo.Record{Topic: "capture", Partition: partition, Value: value})
		}
		w.publish(records...)
		for i, r := range records {
			id := fmt.Sprintf("p%d-%d", partition, from+i)
			want[id] = archivedRow{partition, r.Offset, id, float64(from + i), archive.StatusOK}
		}
	}
}

// sendInTransaction commits or aborts the records of one transaction.
func (w *world) sendInTransaction(from, n int, commit bool, want map[string]archivedRow) {
	w.t.Helper()
	client := w.dial(kgo.TransactionalID("sender"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	plain := w.client
	w.client = client
	sent := map[string]archivedRow{}
	w.send(from, n, sent)
	w.client = plain
	if err := client.EndTransaction(context.Background(), kgo.TransactionEndTry(commit)); err != nil {
		w.t.Fatal(err)
	}
	if commit {
		maps.Copy(want, sent)
	}
}

func (w *world) compareRows(want, got map[string]archivedRow) {
	w.t.Helper()
	for id, row := range want {
		if got[id] != row {
			w.t.Errorf("archived %+v, want %+v", got[id], row)
		}
	}
	if len(got) != len(want) {
		w.t.Errorf("%d rows archived, want %d", len(got), len(want))
	}
}

func objects(w *world, b *bucket) (keys []string) {
	for o, err := range b.Memory.List(context.Background(), "v1/", "") {
		if err != nil {
			w.t.Fatal(err)
		}
		if strings.HasSuffix(o.Key, ".parquet") {
			keys = append(keys, o.Key)
		}
	}
	return keys
}
