package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Memory is a store for tests. Its zero value is empty and ready.
type Memory struct {
	mu      sync.Mutex
	objects map[string]memoryObject
}

type memoryObject struct {
	content  []byte
	metadata map[string]string
}

// String is "memory".
func (m *Memory) String() string { return "memory" }

// List returns the objects as they are when it begins.
func (m *Memory) List(_ context.Context, prefix, after string) iter.Seq2[Object, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []Object
	for _, key := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(key, prefix) && key > after {
			found = append(found, Object{Key: key, Size: int64(len(m.objects[key].content))})
		}
	}
	return func(yield func(Object, error) bool) {
		for _, o := range found {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// Get returns a copy of the content.
func (m *Memory) Get(_ context.Context, key string) ([]byte, Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	if !ok {
		return nil, Object{}, ErrNotFound
	}
	return bytes.Clone(o.content), o.describe(key), nil
}

// Head returns the object without its content.
func (m *Memory) Head(ctx context.Context, key string) (Object, error) {
	_, o, err := m.Get(ctx, key)
	return o, err
}

// Put makes an object of a copy of the content.
func (m *Memory) Put(_ context.Context, key string, content []byte, metadata map[string]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[key]; ok {
		return ErrExists
	}
	if m.objects == nil {
		m.objects = map[string]memoryObject{}
	}
	m.objects[key] = memoryObject{bytes.Clone(content), maps.Clone(metadata)}
	return nil
}

// Replace changes an object.
func (m *Memory) Replace(_ context.Context, key string, content []byte, metadata map[string]string, etag string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o, ok := m.objects[key]; !ok || etagOf(o.content) != etag {
		return ErrChanged
	}
	m.objects[key] = memoryObject{bytes.Clone(content), maps.Clone(metadata)}
	return nil
}

// Remove takes an object away, as no Store should: it is for tests of what notices.
func (m *Memory) Remove(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
}

func (o memoryObject) describe(key string) Object {
	return Object{Key: key, Size: int64(len(o.content)), ETag: etagOf(o.content), Metadata: maps.Clone(o.metadata)}
}

func etagOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}
