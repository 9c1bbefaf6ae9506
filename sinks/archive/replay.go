package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"tidemark/capture"
)

// replayRows is how many rows of a file are decoded at a time.
const replayRows = 4096

// Partitions returns the partitions that the archive has chains of, in order.
func (a *Archive) Partitions(ctx context.Context) ([]ID, error) {
	found := map[ID]bool{}
	for o, err := range a.store.List(ctx, root, "") {
		if err != nil {
			return nil, err
		}
		if id, generation, _, ok := parseKey(o.Key); ok && generation > 0 {
			found[id] = true
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(x, y ID) int {
		return cmp.Or(strings.Compare(x.name(), y.name()), strings.Compare(x.key(0, 0), y.key(0, 0)))
	}), nil
}

// Replay calls visit with the records of partitions as captures that Tidemark reads: those of a partition in the order of their
// offsets, and among partitions the one with the earliest timestamp first. A record is what it was where the archive keeps it
// whole, and else one flat capture for each of its rows. One object of each partition is held in memory.
func (a *Archive) Replay(ctx context.Context, ids []ID, schemas func(endpoint, variant string) []*capture.Schema, visit func(ID, Record) error) error {
	type head struct {
		id     ID
		record Record
		next   func() (Record, error, bool)
	}
	var heads []*head
	advance := func(h *head) (bool, error) {
		record, err, ok := h.next()
		h.record = record
		return ok, err
	}
	for _, id := range ids {
		next, stop := iter.Pull2(a.records(ctx, id, schemas))
		defer stop()
		h := &head{id: id, next: next}
		ok, err := advance(h)
		if err != nil {
			return err
		}
		if ok {
			heads = append(heads, h)
		}
	}
	for len(heads) > 0 {
		first := 0
		for i, h := range heads {
			if h.record.Timestamp < heads[first].record.Timestamp {
				first = i
			}
		}
		h := heads[first]
		if err := visit(h.id, h.record); err != nil {
			return err
		}
		ok, err := advance(h)
		if err != nil {
			return err
		}
		if !ok {
			heads = slices.Delete(heads, first, first+1)
		}
	}
	return nil
}

// records yields those of a partition, generation by generation.
func (a *Archive) records(ctx context.Context, id ID, schemas func(endpoint, variant string) []*capture.Schema) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		folder, _, _ := strings.Cut(id.folder(0), "g0000/")
		for o, err := range a.store.List(ctx, folder, "") {
			if err != nil {
				yield(Record{}, err)
				return
			}
			found, generation, _, ok := parseKey(o.Key)
			if !ok || generation == 0 || found != id {
				continue
			}
			content, _, err := a.store.Get(ctx, o.Key)
			if err == nil {
				err = readRecords(ctx, content, schemas, func(r Record) bool { return yield(r, nil) })
			}
			if errors.Is(err, errStopped) {
				return
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("%s: %w: run `tidemark archive verify`", o.Key, err))
				return
			}
		}
	}
}

var errStopped = errors.New("stopped")

// readRecords yields the records of a file.
func readRecords(ctx context.Context, content []byte, schemas func(endpoint, variant string) []*capture.Schema, yield func(Record) bool) error {
	return openParquet(content, func(r *file.Reader) error {
		reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: replayRows}, memory.DefaultAllocator)
		if err != nil {
			return err
		}
		batches, err := reader.GetRecordReader(ctx, nil, nil)
		if err != nil {
			return err
		}
		defer batches.Release()
		w := &rewriter{schemas: schemas, sides: map[[2]string]map[string]bool{}, yield: yield}
		for batches.Next() {
			if err := w.batch(batches.RecordBatch()); err != nil {
				return err
			}
		}
		if err := batches.Err(); err != nil {
			return err
		}
		return w.flush()
	})
}
