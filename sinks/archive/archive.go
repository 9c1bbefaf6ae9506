// Package archive keeps the records of capture topics as Parquet objects in a store: each record once, for as long as
// the store keeps its promises, whatever happens to the processes that write.
//
// The objects of a partition are a chain: each covers the offsets [START, END), and its END is the START of the next.
// START is in the key; all else that an object says of itself is in its metadata, and again in its Parquet footer. An
// object is put once, on the condition that there is none of its key, and never changed but by expiry. There is no lock and no
// coordinator: a writer that finds a START taken reads the winner's END and goes on from there. chain.go has the
// decisions, without any I/O.
package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tidemark/store"
)

// Archive is a store with chains in it.
type Archive struct {
	store  store.Store
	config Config
}

// New returns the archive in a store that was opened with [Metadata].
func New(s store.Store, c Config) *Archive { return &Archive{s, c} }

// Open opens the store of a configuration. It does not connect.
func Open(ctx context.Context, c Config) (*Archive, error) {
	s, err := store.Open(ctx, c.Config, Metadata)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return New(s, c), nil
}

// String is where the archive is.
func (a *Archive) String() string { return a.store.String() }

// Perform carries out an action of a chain on the store: all but [AskLog], [Read] and [Stop]. content is that of the
// object to put. After an error the action may have been carried out or not, and is to be carried out again.
func (a *Archive) Perform(ctx context.Context, id ID, action Action, content []byte) (Event, error) {
	switch action.Do {
	case ReadHead:
		content, _, err := a.store.Get(ctx, id.headKey())
		if errors.Is(err, store.ErrNotFound) {
			return Event{}, nil
		}
		if err != nil {
			return Event{}, err
		}
		head, err := parseHead(content)
		if err != nil {
			return Event{}, fmt.Errorf("%s is not as it should be: %w", id.headKey(), err)
		}
		return Event{Found: true, Head: head}, nil
	case WriteHead:
		content, err := json.Marshal(action.Head)
		if err == nil {
			err = a.store.Put(ctx, id.headKey(), content, nil)
		}
		if errors.Is(err, store.ErrExists) {
			err = nil
		}
		return Event{}, err
	case Look:
		return a.look(ctx, id.key(action.Generation, action.Start))
	case List:
		return a.list(ctx, id, action.Generation, action.Start)
	case Put:
		err := a.store.Put(ctx, action.Info.key(), content, action.Info.metadata())
		if errors.Is(err, store.ErrExists) {
			return Event{Exists: true}, nil
		}
		return Event{}, err
	}
	return Event{}, fmt.Errorf("action %d is not one for the store", action.Do)
}

func (a *Archive) look(ctx context.Context, key string) (Event, error) {
	o, err := a.store.Head(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return Event{}, nil
	}
	if err != nil {
		return Event{}, err
	}
	info, err := parseInfo(o.Metadata)
	if err != nil {
		return Event{}, fmt.Errorf("%s: %w: run `tidemark archive verify`", key, err)
	}
	return Event{Found: true, Info: info}, nil
}

// list finds the last object from a START on.
func (a *Archive) list(ctx context.Context, id ID, generation int32, from int64) (Event, error) {
	after := ""
	if from > 0 {
		after = id.key(generation, from-1)
	}
	e := Event{}
	for o, err := range a.store.List(ctx, id.folder(generation), after) {
		if err != nil {
			return Event{}, err
		}
		if _, _, start, ok := parseKey(o.Key); ok {
			e.Found, e.Start = true, start
		}
	}
	return e, nil
}

// Config is the configuration.
func (a *Archive) Config() Config { return a.config }
