package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"tidemark/testbed"
)

// metadataOf reads metadata from the last line of an object, as JSON.
func metadataOf(content []byte) (map[string]string, error) {
	var m map[string]string
	err := json.Unmarshal(content[bytes.LastIndexByte(content, '\n')+1:], &m)
	return m, err
}

// object returns a content that holds the metadata.
func object(text string, metadata map[string]string) []byte {
	line, err := json.Marshal(metadata)
	if err != nil {
		panic(err)
	}
	return append([]byte(text+"\n"), line...)
}

// startS3 starts a server and returns the configuration of a new bucket on it.
func startS3(t *testing.T) Config {
	server := testbed.StartSeaweedFS(t)
	t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	c := Config{URL: "s3://conformance/some/prefix", Endpoint: server.URL, PathStyle: true}
	s, err := newS3(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &s.bucket}); err != nil {
		t.Fatal(err)
	}
	return c
}

// Every kind of store keeps the same promises.
func TestConformance(t *testing.T) {
	t.Run("memory", func(t *testing.T) { conform(t, &Memory{}) })
	t.Run("directory", func(t *testing.T) { conform(t, NewDirectory(filepath.Join(t.TempDir(), "a", "b"), metadataOf)) })
	t.Run("S3", func(t *testing.T) {
		c := startS3(t)
		s, err := Open(t.Context(), c, metadataOf)
		if err != nil {
			t.Fatal(err)
		}
		conform(t, s)
		t.Run("bucket", func(t *testing.T) {
			c.URL = "s3://no-such-bucket"
			s, err := Open(t.Context(), c, metadataOf)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Put(t.Context(), "x", []byte("x"), nil); err == nil || !bytes.Contains([]byte(err.Error()), []byte("no-such-bucket")) {
				t.Errorf("a put into a bucket that is not there gives %v", err)
			}
		})
	})
}

func conform(t *testing.T, s Store) {
	t.Run("empty", func(t *testing.T) {
		if keys := list(t, s, "none/", ""); keys != nil {
			t.Errorf("List gives %v", keys)
		}
		if _, _, err := s.Get(t.Context(), "none/x"); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get gives %v", err)
		}
		if _, err := s.Head(t.Context(), "none/x"); !errors.Is(err, ErrNotFound) {
			t.Errorf("Head gives %v", err)
		}
		if err := s.Replace(t.Context(), "none/x", []byte("x"), nil, "etag"); !errors.Is(err, ErrChanged) {
			t.Errorf("Replace gives %v", err)
		}
	})
	t.Run("put", func(t *testing.T) {
		metadata := map[string]string{"tidemark-start": "12", "tidemark-nonce": "ab=="}
		first := object("first", metadata)
		if err := s.Put(t.Context(), "put/a", first, metadata); err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), "put/a", object("second", metadata), metadata); !errors.Is(err, ErrExists) {
			t.Fatalf("a second Put gives %v", err)
		}
		head, err := s.Head(t.Context(), "put/a")
		if err != nil {
			t.Fatal(err)
		}
		content, got, err := s.Get(t.Context(), "put/a")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(first), string(content)); diff != "" {
			t.Error(diff)
		}
		want := Object{Key: "put/a", Size: int64(len(first)), ETag: head.ETag, Metadata: metadata}
		if diff := cmp.Diff([]Object{want, want}, []Object{head, got}); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("replace", func(t *testing.T) {
		if err := s.Put(t.Context(), "replace", []byte("one"), nil); err != nil {
			t.Fatal(err)
		}
		old, err := s.Head(t.Context(), "replace")
		if err != nil {
			t.Fatal(err)
		}
		metadata := map[string]string{"n": "2"}
		if err := s.Replace(t.Context(), "replace", object("two", metadata), metadata, old.ETag); err != nil {
			t.Fatal(err)
		}
		if err := s.Replace(t.Context(), "replace", []byte("three"), nil, old.ETag); !errors.Is(err, ErrChanged) {
			t.Fatalf("Replace of what has changed gives %v", err)
		}
		content, o, err := s.Get(t.Context(), "replace")
		if err != nil || string(content) != string(object("two", metadata)) || !maps.Equal(o.Metadata, metadata) || o.ETag == old.ETag {
			t.Errorf("after Replace: %q %+v %v", content, o, err)
		}
	})
	t.Run("race", func(t *testing.T) {
		for round := range 3 {
			key := fmt.Sprintf("race/%d", round)
			const writers = 8
			results := make([]error, writers)
			var group sync.WaitGroup
			for i := range writers {
				metadata := map[string]string{"writer": fmt.Sprint(i)}
				group.Go(func() { results[i] = s.Put(t.Context(), key, object("", metadata), metadata) })
			}
			group.Wait()
			winner := -1
			for i, err := range results {
				switch {
				case err == nil && winner < 0:
					winner = i
				case err == nil:
					t.Errorf("writers %d and %d both put %s", winner, i, key)
				case !errors.Is(err, ErrExists):
					t.Errorf("writer %d: %v", i, err)
				}
			}
			o, err := s.Head(t.Context(), key)
			if err != nil || winner < 0 || o.Metadata["writer"] != fmt.Sprint(winner) {
				t.Errorf("%d won, and the object is %+v, %v", winner, o, err)
			}
		}
	})
	t.Run("list", func(t *testing.T) {
		// More than a page of S3.
		var want []string
		for i := range 1005 {
			want = append(want, fmt.Sprintf("list/many/%04d", i))
		}
		want = append(want, "list/a/x", "list/a0", "list/aa/b/c", "list/b")
		limit := make(chan struct{}, 8)
		var group sync.WaitGroup
		for _, key := range want {
			group.Go(func() {
				limit <- struct{}{}
				defer func() { <-limit }()
				if err := s.Put(t.Context(), key, []byte("x"), nil); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		slices.Sort(want)
		if diff := cmp.Diff(want, list(t, s, "list/", "")); diff != "" {
			t.Error(diff)
		}
		for _, c := range []struct {
			prefix, after string
			first, n      int
		}{
			{"list/a/", "list/a/w", 0, 1},
			{"list/many/", "list/many/0998", slices.Index(want, "list/many/0999"), 6},
			{"list/many/100", "", slices.Index(want, "list/many/1000"), 5},
			{"list/a", "", 0, 3},
			{"list/many/", "list/many/1004", 0, 0},
		} {
			got := list(t, s, c.prefix, c.after)
			if diff := cmp.Diff(want[c.first:c.first+c.n], got); diff != "" && len(got)+c.n > 0 {
				t.Errorf("List(%q, %q): %s", c.prefix, c.after, diff)
			}
		}
		for o, err := range s.List(t.Context(), "list/many/", "list/many/0004") {
			if err != nil || o.Key != "list/many/0005" || o.Size != 1 {
				t.Errorf("the first is %+v, %v", o, err)
			}
			break
		}
	})
}

func list(t *testing.T, s Store, prefix, after string) (keys []string) {
	t.Helper()
	for o, err := range s.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

// A directory holds nothing but its objects when all is done, and does not keep what it could not describe.
func TestDirectoryLeavesNothing(t *testing.T) {
	root := t.TempDir()
	d := NewDirectory(root, metadataOf)
	metadata := map[string]string{"a": "1"}
	if err := d.Put(t.Context(), "x/y", object("", metadata), metadata); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), "x/y", object("", metadata), metadata); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), "x/z", object("", metadata), map[string]string{"a": "2"}); err == nil {
		t.Error("metadata that the content does not hold are taken")
	}
	left, err := os.ReadDir(filepath.Join(root, folderNew))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if diff := cmp.Diff([]string{"x/y"}, list(t, d, "", "")); diff != "" {
		t.Error(diff)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   []string
	}{
		{Config{URL: "s3://b/p", Endpoint: "http://localhost:1", Region: "r", PathStyle: true, SSE: "kms", KMSKey: "k"}, nil},
		{Config{URL: "s3://b"}, nil},
		{Config{URL: "file:///a/b"}, nil},
		{Config{URL: "./a"}, nil},
		{Config{URL: "file://a"}, []string{"url"}},
		{Config{URL: "s3://"}, []string{"url"}},
		{Config{URL: "gs://b"}, []string{"url"}},
		{Config{URL: "s3:/b"}, []string{"url"}},
		{Config{URL: "./a", Region: "r", SSE: "s3"}, []string{"region", "sse"}},
		{Config{URL: "s3://b", Endpoint: "localhost", SSE: "aes"}, []string{"endpoint", "sse"}},
		{Config{URL: "s3://b", SSE: "s3", KMSKey: "k"}, []string{"kms_key"}},
		{Config{URL: "s3://b", KMSKey: "k"}, []string{"kms_key"}},
	} {
		var got []string
		c.config.Check(func(path, _ string) { got = append(got, path) })
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%+v: %s", c.config, diff)
		}
	}
}
