package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/store"
)

// fill puts objects with ten rows each behind a chain, and returns their keys. The timestamp of a record is its offset, in seconds.
func fill(t *testing.T, a *Archive, id ID, objects int) (keys []string) {
	t.Helper()
	c := NewChain(id, "w")
	action := c.Open(Hint{})
	var content []byte
	for len(keys) < objects || action.Do != Read {
		if action.Do == Read {
			r := NewDecoder(both).NewRecords(action.Start, 1)
			for i := range int64(10) {
				r.Add(Record{Offset: action.Start + i, Timestamp: 1000 * (action.Start + i), Endpoint: "loans", Value: []byte(`{"features":{"income":1}}`)})
			}
			r.Pass(action.Start+12, 1)
			table := r.Table()
			action = c.Cut(r.End, table.Rows, r.Epoch)
			var err error
			if content, err = table.Parquet(action.Info, Small); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, action.Info.key())
		}
		e := Event{Log: Bounds{100, 10000}}
		if action.Do != AskLog {
			var err error
			if e, err = a.Perform(t.Context(), id, action, content); err != nil {
				t.Fatal(err)
			}
		}
		action = c.Step(e)
	}
	return keys
}

func verify(t *testing.T, a *Archive) Report {
	t.Helper()
	report, err := a.Verify(t.Context(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestVerify(t *testing.T) {
	other := partition
	other.Partition = 4
	for _, c := range []struct {
		name   string
		damage func(dir string, keys []string) error
		want   []string // kind and a part of key and detail
	}{
		{"good", func(string, []string) error { return nil }, nil},
		{"first removed", func(dir string, keys []string) error { return os.Remove(filepath.Join(dir, keys[0])) },
			[]string{"missing 00000000000000000100.parquet is not there: no object covers the offsets [100, 112)"}},
		{"removed", func(dir string, keys []string) error { return os.Remove(filepath.Join(dir, keys[2])) },
			[]string{"missing 00000000000000000124.parquet is not there: no object covers the offsets [124, 136)"}},
		{"doubled", func(dir string, keys []string) error {
			content, err := os.ReadFile(filepath.Join(dir, keys[1]))
			return errors.Join(err, os.WriteFile(filepath.Join(dir, partition.key(1, 113)), content, 0o600))
		}, []string{"copy 00000000000000000113.parquet says that it is v1/c/t/i/g0001/p00003/00000000000000000112.parquet"}},
		{"doubled in another partition", func(dir string, keys []string) error {
			content, err := os.ReadFile(filepath.Join(dir, keys[1]))
			return errors.Join(err, os.WriteFile(filepath.Join(dir, other.key(1, 112)), content, 0o600))
		}, []string{"copy p00004/00000000000000000112.parquet says that it is v1/c/t/i/g0001/p00003/00000000000000000112.parquet"}},
		{"truncated", func(dir string, keys []string) error { return os.Truncate(filepath.Join(dir, keys[3]), 400) },
			[]string{"damaged 00000000000000000136.parquet open Parquet"}},
		{"overlap", func(dir string, _ []string) error {
			content := object(t, Info{ID: partition, Generation: 1, Start: 115, End: 124, Epoch: 1})
			return os.WriteFile(filepath.Join(dir, partition.key(1, 115)), content, 0o600)
		}, []string{"overlap 00000000000000000115.parquet begins at offset 115, and the object before it ends at 124"}},
		{"no head", func(dir string, _ []string) error { return os.Remove(filepath.Join(dir, partition.headKey())) },
			[]string{"head p00003/head.json is missing"}},
		{"head", func(dir string, _ []string) error {
			return os.WriteFile(filepath.Join(dir, partition.headKey()), []byte("{}"), 0o600)
		}, []string{"head p00003/head.json cannot be read"}},
		{"stranger", func(dir string, _ []string) error {
			return os.WriteFile(filepath.Join(dir, "v1", "notes.txt"), []byte("x"), 0o600)
		}, []string{"unknown v1/notes.txt"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			a := New(store.NewDirectory(dir, Metadata), DefaultConfig())
			keys := fill(t, a, partition, 5)
			fill(t, a, other, 2)
			if err := c.damage(dir, keys); err != nil {
				t.Fatal(err)
			}
			report := verify(t, a)
			if len(report.Findings) != len(c.want) {
				t.Fatalf("found %+v, want %q", report.Findings, c.want)
			}
			for i, f := range report.Findings {
				kind, rest, _ := strings.Cut(c.want[i], " ")
				key, detail, _ := strings.Cut(rest, " ")
				if f.Kind != kind || !strings.HasSuffix(f.Key, key) || !strings.Contains(f.Detail, detail) {
					t.Errorf("found %+v, want %q", f, c.want[i])
				}
			}
			if c.want == nil {
				want := []ChainReport{
					{ID: partition, Generation: 1, Start: 100, End: 160, Objects: 5, Rows: 50, Bytes: report.Chains[0].Bytes},
					{ID: other, Generation: 1, Start: 100, End: 124, Objects: 2, Rows: 20, Bytes: report.Chains[1].Bytes},
				}
				if diff := cmp.Diff(want, report.Chains); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// object returns a file without rows.
func object(t *testing.T, i Info) []byte {
	t.Helper()
	content, err := (&Table{}).Parquet(i, Small)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// careless is a store that breaks a promise.
type careless struct {
	store.Memory
	overwrites, forgets, invents bool
}

func (c *careless) Put(ctx context.Context, key string, content []byte, metadata map[string]string) error {
	if c.overwrites {
		c.Remove(key)
	}
	if c.forgets {
		metadata = nil
	}
	return c.Memory.Put(ctx, key, content, metadata)
}

func (c *careless) Head(ctx context.Context, key string) (store.Object, error) {
	o, err := c.Memory.Head(ctx, key)
	if c.invents && errors.Is(err, store.ErrNotFound) {
		return c.Memory.Head(ctx, probeKey)
	}
	return o, err
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		store *careless
		want  string
	}{
		{&careless{}, ""},
		{&careless{overwrites: true}, "does not honour If-None-Match"},
		{&careless{forgets: true}, "metadata"},
		{&careless{invents: true}, "was never put"},
	} {
		a := New(c.store, DefaultConfig())
		for round := range 2 {
			err := a.Probe(t.Context(), fmt.Sprint("n", round))
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the probe gives %v, want %q", err, c.want)
			}
		}
	}
	if err := New(store.NewDirectory(t.TempDir(), Metadata), DefaultConfig()).Probe(t.Context(), "n"); err != nil {
		t.Error(err)
	}
}
