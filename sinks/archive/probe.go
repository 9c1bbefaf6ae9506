package archive

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tidemark/store"
)

// probeKey is the object that [Archive.Probe] leaves.
const probeKey = "v1.probe"

// probeWriters put the probe at once.
const probeWriters = 4

// Probe looks whether the store keeps its promises, without which writers would overwrite each other: that of several
// puts of one key one at most succeeds, that an object is not replaced, that its metadata come back, and that what is
// not there is said not to be there. It leaves one small object, which the next probe uses too.
func (a *Archive) Probe(ctx context.Context, nonce string) error {
	info := Info{ID: ID{Cluster: "probe"}, Nonce: nonce, Epoch: -1, Generation: 1}
	content, err := (&Table{}).Parquet(info, a.config.Codec)
	if err != nil {
		return err
	}
	put := func() error { return a.store.Put(ctx, probeKey, content, info.metadata()) }
	results := make([]error, probeWriters)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() { results[i] = put() })
	}
	group.Wait()
	succeeded := 0
	for _, err := range append(results, put()) {
		switch {
		case err == nil:
			succeeded++
		case !errors.Is(err, store.ErrExists):
			return err
		}
	}
	if succeeded > 1 {
		return fmt.Errorf("%s put the object %s %d times although each put was to fail if the object existed: it does not honour If-None-Match, so that archives would overwrite each other; use a store that does", a, probeKey, succeeded)
	}
	e, err := a.look(ctx, probeKey)
	switch {
	case err != nil:
		return err
	case !e.Found || succeeded == 1 && e.Info != info || e.Info.Cluster != info.Cluster:
		return fmt.Errorf("%s gives for the object %s, which it has, %+v: it does not keep metadata, without which the archive cannot be followed; use a store that does", a, probeKey, e)
	}
	if e, err := a.look(ctx, probeKey+".none"); err != nil {
		return err
	} else if e.Found {
		return fmt.Errorf("%s says that there is an object %s.none, which was never put", a, probeKey)
	}
	return nil
}
