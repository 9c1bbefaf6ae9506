package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/parquet/file"

	"tidemark/store"
)

// Expiry is what [Archive.Expire] took away of a partition, or would.
type Expiry struct {
	ID
	Objects int64     `json:"objects"`
	Rows    int64     `json:"rows"`
	Bytes   int64     `json:"bytes"`           // of the objects that held them
	Newest  time.Time `json:"newest,omitzero"` // Kafka's timestamp of the newest of the rows
	Floor   int64     `json:"floor"`           // START of the first object that has its rows
}

// Expire takes the rows away of objects of which all records have a Kafka timestamp before a time: from the start of each
// partition's chain up to the first object with one that has not.
//
// The objects stay. Each is replaced by one without rows that covers the same offsets, on the condition that it has not changed: a
// key that was free again would be put anew by a writer that is late, and the chain would have rows twice. So writers, of which any
// number may work meanwhile, go on behind the last object whether it has rows or not, and [Archive.Verify] finds nothing missing.
// Then the head's floor is moved, so that nothing before it is looked at again. One that is stopped in between is run again.
//
// With dry it changes nothing. progress is told each object's key.
func (a *Archive) Expire(ctx context.Context, before, now time.Time, dry bool, progress func(key string)) ([]Expiry, error) {
	ids, err := a.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	all := []Expiry{}
	for _, id := range ids {
		x := expirer{archive: a, before: before, now: now, dry: dry, progress: progress, expiry: Expiry{ID: id}}
		err := x.partition(ctx)
		if x.expiry.Objects > 0 {
			all = append(all, x.expiry) // what was taken away before the error, too
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

type expirer struct {
	archive     *Archive
	before, now time.Time
	dry         bool
	progress    func(key string)
	expiry      Expiry
}

func (x *expirer) partition(ctx context.Context) error {
	id := x.expiry.ID
	content, o, err := x.archive.store.Get(ctx, id.headKey())
	if err != nil {
		return fmt.Errorf("%s: %w: run `tidemark archive verify`", id.headKey(), err)
	}
	head, err := parseHead(content)
	if err != nil {
		return fmt.Errorf("%s: %w: run `tidemark archive verify`", id.headKey(), err)
	}
	x.expiry.Floor = head.Floor
	floor, err := x.walk(ctx, head)
	if err != nil || floor <= head.Floor {
		return err
	}
	x.expiry.Floor = floor
	if x.dry {
		return nil
	}
	head.Floor = floor
	if content, err = json.Marshal(head); err != nil {
		return err
	}
	return changed(id.headKey(), x.archive.store.Replace(ctx, id.headKey(), content, nil, o.ETag))
}

// walk goes through the objects of a partition, generation by generation, and returns the floor of the last.
func (x *expirer) walk(ctx context.Context, head Head) (floor int64, err error) {
	id := x.expiry.ID
	folder, _, _ := strings.Cut(id.folder(0), "g0000/")
	for o, err := range x.archive.store.List(ctx, folder, "") {
		if err != nil {
			return 0, err
		}
		found, generation, start, ok := parseKey(o.Key)
		if !ok || found != id || generation == 0 || generation == head.Generation && start < head.Floor {
			continue
		}
		if generation == head.Generation {
			floor = start // at the last object if all expire: it tells writers where to go on
		}
		x.progress(o.Key)
		expired, err := x.object(ctx, o.Key)
		if err != nil || !expired {
			return floor, err
		}
	}
	return floor, nil
}

// object takes the rows of an object away if all of them are old, or says that they are not.
func (x *expirer) object(ctx context.Context, key string) (expired bool, err error) {
	o, err := x.archive.store.Head(ctx, key)
	if err != nil {
		return false, fmt.Errorf("%s: %w", key, err)
	}
	info, err := parseInfo(o.Metadata)
	if err == nil && info.key() != key {
		err = fmt.Errorf("it says that it is %s", info.key())
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w: run `tidemark archive verify`", key, err)
	}
	if info.Rows == 0 {
		return true, nil // a gap, control records alone, or expired before
	}
	content, o, err := x.archive.store.Get(ctx, key)
	if err != nil {
		return false, fmt.Errorf("%s: %w", key, err)
	}
	newest, err := newest(content)
	if err != nil {
		return false, fmt.Errorf("%s: %w: run `tidemark archive verify`", key, err)
	}
	if !newest.Before(x.before) {
		return false, nil
	}
	blank := info
	blank.Rows, blank.Expired, blank.ExpiredRows = 0, x.now.UTC().Format(time.RFC3339), info.Rows
	if !x.dry {
		empty, err := (&Table{}).Parquet(blank, Small)
		if err == nil {
			err = changed(key, x.archive.store.Replace(ctx, key, empty, blank.metadata(), o.ETag))
		}
		if err != nil {
			return false, err
		}
	}
	e := &x.expiry
	e.Objects, e.Rows, e.Bytes = e.Objects+1, e.Rows+info.Rows, e.Bytes+o.Size
	if newest.After(e.Newest) {
		e.Newest = newest
	}
	return true, nil
}

func changed(key string, err error) error {
	if errors.Is(err, store.ErrChanged) {
		return fmt.Errorf("%s was changed meanwhile, by an operator or another expiry: run this again: %w", key, err)
	}
	return err
}

// newest is the latest Kafka timestamp in a file.
func newest(content []byte) (at time.Time, err error) {
	err = openParquet(content, func(r *file.Reader) error {
		for i := range r.NumRowGroups() {
			timestamps, err := readColumn[int64](r.RowGroup(i), 2)
			if err != nil {
				return fmt.Errorf("row group %d: %w", i, err)
			}
			for _, ms := range timestamps {
				if t := time.UnixMilli(ms).UTC(); t.After(at) {
					at = t
				}
			}
		}
		return nil
	})
	return at, err
}
