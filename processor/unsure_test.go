package processor

import (
	"context"
	"iter"
	"sync"
	"time"

	"tidemark/store"
)

// unsure is a store that is out of order at times, and some of whose answers are lost.
type unsure struct {
	bucket
	mu    sync.Mutex
	until time.Time
	puts  int
}

func (u *unsure) down(d time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.until = time.Now().Add(d)
}

// fails says whether a request fails, and whether a put, which does so each fifth time, is carried out nevertheless.
func (u *unsure) fails(put bool) (before, after bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if put {
		u.puts++
	}
	return time.Now().Before(u.until), put && u.puts%5 == 0
}

func (u *unsure) Put(ctx context.Context, key string, content []byte, metadata map[string]string) error {
	before, after := u.fails(true)
	if before {
		return errDown
	}
	if err := u.Memory.Put(ctx, key, content, metadata); err != nil || !after {
		return err
	}
	return errDown
}

func (u *unsure) Head(ctx context.Context, key string) (store.Object, error) {
	if before, _ := u.fails(false); before {
		return store.Object{}, errDown
	}
	return u.Memory.Head(ctx, key)
}

func (u *unsure) List(ctx context.Context, prefix, after string) iter.Seq2[store.Object, error] {
	if before, _ := u.fails(false); before {
		return func(yield func(store.Object, error) bool) { yield(store.Object{}, errDown) }
	}
	return u.Memory.List(ctx, prefix, after)
}
