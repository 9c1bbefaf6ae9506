// Package store keeps objects under keys: in a directory, in S3, or in memory for tests. All three give the two
// promises that the archive is built on: of several writers that put the same key exactly one succeeds, and an object
// is there whole or not at all.
package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// Object is what is known of an object without its content.
type Object struct {
	Key      string
	Size     int64
	ETag     string            // changes with the content; empty in a List
	Metadata map[string]string // keys in lower case; empty in a List
}

// Errors of a Store. Any other error may pass: the request may be made again, and a put whose answer was lost may have
// been carried out.
var (
	ErrNotFound = errors.New("no such object")
	ErrExists   = errors.New("the object exists")
	ErrChanged  = errors.New("the object has changed")
)

// Store keeps objects. Keys are parts joined by slashes. It is for concurrent use.
type Store interface {
	// String is where the objects are, as in a configuration.
	String() string
	// List returns the objects whose key begins with prefix and is behind after, in the order of their keys. Servers
	// differ in where a slash sorts, so after should be in the folder that prefix names, or be empty.
	List(ctx context.Context, prefix, after string) iter.Seq2[Object, error]
	// Get returns an object's content, or ErrNotFound.
	Get(ctx context.Context, key string) ([]byte, Object, error)
	// Head returns an object without its content, or ErrNotFound.
	Head(ctx context.Context, key string) (Object, error)
	// Put makes an object. When there is one of that key it changes nothing and returns ErrExists.
	Put(ctx context.Context, key string, content []byte, metadata map[string]string) error
	// Replace changes an object that has the given ETag. When it has another it changes nothing and returns ErrChanged.
	Replace(ctx context.Context, key string, content []byte, metadata map[string]string, etag string) error
}

// Config says where objects are kept.
type Config struct {
	URL       string `yaml:"url"`        // s3://bucket/prefix, file:///directory or a path
	Endpoint  string `yaml:"endpoint"`   // of an S3 server other than AWS, such as http://localhost:8333
	Region    string `yaml:"region"`     // by default that of the environment, or us-east-1 with an endpoint
	PathStyle bool   `yaml:"path_style"` // the bucket is in the path, not in the host name
	SSE       string `yaml:"sse"`        // server-side encryption: s3 or kms; by default the bucket's
	KMSKey    string `yaml:"kms_key"`    // of sse: kms; by default the account's
}

// Directory returns the path of a configuration that names a directory.
func (c *Config) Directory() (path string, ok bool) {
	if path, ok := strings.CutPrefix(c.URL, "file://"); ok {
		return path, true
	}
	return c.URL, !strings.Contains(c.URL, ":/")
}

// Check reports every fault with the path of its field.
func (c *Config) Check(fault func(path, message string)) {
	if path, ok := c.Directory(); ok {
		if path == "" || strings.HasPrefix(c.URL, "file://") && !strings.HasPrefix(path, "/") {
			fault("url", fmt.Sprintf("is %q: give s3://bucket/prefix, file:///directory or a path such as ./archive", c.URL))
		}
		for _, s := range []struct {
			name string
			set  bool
		}{{"endpoint", c.Endpoint != ""}, {"region", c.Region != ""}, {"path_style", c.PathStyle}, {"sse", c.SSE != ""}, {"kms_key", c.KMSKey != ""}} {
			if s.set {
				fault(s.name, "is for S3 only, and url names a directory: remove it, or give url as s3://bucket/prefix")
			}
		}
		return
	}
	if bucket, _, ok := c.bucket(); !ok || bucket == "" {
		fault("url", fmt.Sprintf("is %q: give s3://bucket/prefix, file:///directory or a path such as ./archive", c.URL))
	}
	if c.Endpoint != "" && !strings.HasPrefix(c.Endpoint, "http://") && !strings.HasPrefix(c.Endpoint, "https://") {
		fault("endpoint", fmt.Sprintf("is %q: give the server's URL, such as http://localhost:8333", c.Endpoint))
	}
	switch c.SSE {
	case "", "kms":
	case "s3":
		if c.KMSKey != "" {
			fault("kms_key", "is for sse: kms only: remove it, or set sse to kms")
		}
	default:
		fault("sse", fmt.Sprintf("is %q: use s3 or kms", c.SSE))
	}
	if c.SSE == "" && c.KMSKey != "" {
		fault("kms_key", "is for sse: kms only: set sse to kms")
	}
}

// bucket returns the parts of an S3 URL; a prefix that is not empty ends with a slash.
func (c *Config) bucket() (bucket, prefix string, ok bool) {
	rest, ok := strings.CutPrefix(c.URL, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return bucket, prefix, ok
}

// Open returns the store of a checked configuration. It does not connect. A directory has no room for metadata beside
// its files, so there metadata reads them from an object's content; an object with metadata that its content does not
// hold is refused.
func Open(ctx context.Context, c Config, metadata func(content []byte) (map[string]string, error)) (Store, error) {
	if path, ok := c.Directory(); ok {
		return NewDirectory(path, metadata), nil
	}
	return newS3(ctx, c)
}
