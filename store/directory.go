package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Directory keeps each object in a file. A new file is written beside, synced, and then given its name by link(2),
// which fails when the name is taken; so there is no moment at which a reader sees a part of it, and nothing is
// overwritten.
type Directory struct {
	root     string
	metadata func(content []byte) (map[string]string, error)
}

// The files that a Directory has besides its objects, at its top.
const (
	folderNew  = ".new"  // what is not finished; left there by a crash
	fileLocked = ".lock" // locked while an object is replaced
)

// NewDirectory returns the store in a directory, which Put makes if need be.
func NewDirectory(root string, metadata func(content []byte) (map[string]string, error)) *Directory {
	return &Directory{root, metadata}
}

// String is the directory's path.
func (d *Directory) String() string { return d.root }

func (d *Directory) path(key string) string { return filepath.Join(d.root, filepath.FromSlash(key)) }

// List walks the directory. What is added meanwhile may be missed.
func (d *Directory) List(ctx context.Context, prefix, after string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		parent := ""
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			parent = prefix[:i+1]
		}
		_, err := d.walk(ctx, parent, prefix, after, yield)
		if err != nil {
			yield(Object{}, fmt.Errorf("list %s: %w", d.path(prefix), err))
		}
	}
}

// walk visits the files below a folder, whose key is empty or ends with a slash, in the order of their keys: a folder
// sorts as its name with a slash behind it. It is false when the visitor has seen enough.
func (d *Directory) walk(ctx context.Context, folder, prefix, after string, yield func(Object, error) bool) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	entries, err := os.ReadDir(d.path(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	names := map[string]fs.DirEntry{}
	for _, e := range entries {
		name := folder + e.Name()
		if e.IsDir() {
			name += "/"
		}
		if folder == "" && strings.HasPrefix(name, ".") {
			continue
		}
		if strings.HasPrefix(name, prefix) || strings.HasPrefix(prefix, name) {
			names[name] = e
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name].IsDir() {
			if name < after && !strings.HasPrefix(after, name) {
				continue // all of it is before
			}
			if more, err := d.walk(ctx, name, prefix, after, yield); !more || err != nil {
				return more, err
			}
			continue
		}
		if name <= after || !strings.HasPrefix(name, prefix) {
			continue
		}
		info, err := names[name].Info()
		if err != nil {
			return false, err
		}
		if !yield(Object{Key: name, Size: info.Size()}, nil) {
			return false, nil
		}
	}
	return true, nil
}

// Get reads the file.
func (d *Directory) Get(_ context.Context, key string) ([]byte, Object, error) {
	content, err := os.ReadFile(d.path(key))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, Object{}, ErrNotFound
	case err != nil:
		return nil, Object{}, err
	}
	metadata, err := d.metadata(content)
	if err != nil {
		metadata = nil // what is damaged says nothing of itself
	}
	return content, Object{Key: key, Size: int64(len(content)), ETag: etagOf(content), Metadata: metadata}, nil
}

// Head reads the file, as its metadata is within.
func (d *Directory) Head(ctx context.Context, key string) (Object, error) {
	_, o, err := d.Get(ctx, key)
	return o, err
}

// Put makes the file.
func (d *Directory) Put(_ context.Context, key string, content []byte, metadata map[string]string) error {
	temporary, err := d.write(content, metadata)
	if err != nil {
		return fmt.Errorf("put %s: %w", d.path(key), err)
	}
	defer func() { _ = os.Remove(temporary) }()
	folder := filepath.Dir(d.path(key))
	if err := d.makeFolder(folder); err != nil {
		return fmt.Errorf("put %s: %w", d.path(key), err)
	}
	err = os.Link(temporary, d.path(key))
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	if err == nil {
		err = syncFolder(folder)
	}
	return err
}

// Replace gives the file's name to a new file, while it holds a lock that all processes on this host share.
func (d *Directory) Replace(ctx context.Context, key string, content []byte, metadata map[string]string, etag string) error {
	temporary, err := d.write(content, metadata)
	if err != nil {
		return fmt.Errorf("replace %s: %w", d.path(key), err)
	}
	defer func() { _ = os.Remove(temporary) }()
	lock, err := os.OpenFile(filepath.Join(d.root, fileLocked), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("replace %s: %w", d.path(key), err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	o, err := d.Head(ctx, key)
	if errors.Is(err, ErrNotFound) || err == nil && o.ETag != etag {
		return ErrChanged
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, d.path(key)); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(d.path(key)))
}

// write makes a synced file that has no name among the objects yet.
func (d *Directory) write(content []byte, metadata map[string]string) (name string, err error) {
	if len(metadata) > 0 {
		within, err := d.metadata(content)
		if err != nil {
			return "", fmt.Errorf("read the metadata in the content: %w", err)
		}
		if !maps.Equal(within, metadata) {
			return "", fmt.Errorf("the metadata %v are not those in the content, %v", metadata, within)
		}
	}
	folder := filepath.Join(d.root, folderNew)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(folder, "*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// makeFolder makes a folder whose names survive a crash of the host.
func (d *Directory) makeFolder(folder string) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	if folder != d.root {
		if err := d.makeFolder(filepath.Dir(folder)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(folder))
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
