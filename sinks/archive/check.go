package archive

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// Metadata reads from a file what its object's metadata are to be.
func Metadata(content []byte) (m map[string]string, err error) {
	err = openParquet(content, func(r *file.Reader) error {
		m = metadataOf(r)
		return nil
	})
	return m, err
}

func metadataOf(r *file.Reader) map[string]string {
	m := map[string]string{}
	pairs := r.MetaData().KeyValueMetadata()
	for i, key := range pairs.Keys() {
		if strings.HasPrefix(key, "tidemark-") {
			m[key] = pairs.Values()[i]
		}
	}
	return m
}

// openParquet opens a file, which may be damaged in any way.
func openParquet(content []byte, do func(r *file.Reader) error) error {
	return openParquetWith(memory.DefaultAllocator, content, do)
}

func openParquetWith(from memory.Allocator, content []byte, do func(r *file.Reader) error) (err error) {
	defer func() {
		if p := recover(); p != nil { // the reader's way to refuse some damage
			err = fmt.Errorf("read Parquet: %v", p)
		}
	}()
	props := parquet.NewReaderProperties(from)
	props.BufferedStreamEnabled, props.BufferSize = true, 4<<10 // else each column is copied first
	r, err := file.NewParquetReader(bytes.NewReader(content), file.WithReadProps(props))
	if err != nil {
		return fmt.Errorf("open Parquet: %w", err)
	}
	defer r.Close()
	return do(r)
}

// check compares a file with what is said of it, and reads every page.
func check(content []byte, info Info) error { return checkWith(memory.DefaultAllocator, content, info) }

func checkWith(from memory.Allocator, content []byte, info Info) error {
	return openParquetWith(from, content, func(r *file.Reader) (err error) {
		if want, m := info.metadata(), metadataOf(r); !maps.Equal(want, m) {
			return fmt.Errorf("its footer does not agree: %s", difference(want, m))
		}
		if r.NumRows() != info.Rows {
			return fmt.Errorf("it has %d rows, and says %d", r.NumRows(), info.Rows)
		}
		if info.Gap && info.Rows > 0 {
			return fmt.Errorf("it is a gap, and has %d rows", info.Rows)
		}
		last := position{offset: info.Start - 1}
		for i := range r.NumRowGroups() {
			group := r.RowGroup(i)
			if err := readPages(group); err != nil {
				return fmt.Errorf("row group %d: %w", i, err)
			}
			if last, err = checkOrder(group, last, info); err != nil {
				return fmt.Errorf("row group %d: %w", i, err)
			}
		}
		return nil
	})
}

// difference names a key whose value is not what is wanted.
func difference(want, got map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			return fmt.Sprintf("%s is %q, want %q", key, got[key], want[key])
		}
	}
	return fmt.Sprintf("it has keys %v", slices.Sorted(maps.Keys(got)))
}

// readPages decompresses every page.
func readPages(group *file.RowGroupReader) error {
	for column := range group.NumColumns() {
		pages, err := group.GetColumnPageReader(column)
		if err != nil {
			return fmt.Errorf("column %d: %w", column, err)
		}
		for pages.Next() { //revive:disable-line:empty-block // Next reads the page, and gives up the one before.
		}
		err = pages.Err()
		_ = pages.Close()
		if err != nil {
			return fmt.Errorf("column %d: %w", column, err)
		}
	}
	return nil
}

// position is a row's place in the topic.
type position struct {
	offset int64
	row    int32
}

// checkOrder looks whether the rows of a group are within the object's offsets and in order behind the last row: each
// record's rows together, and counted from 0.
func checkOrder(group *file.RowGroupReader, last position, info Info) (position, error) {
	offsets, err := readColumn[int64](group, 0)
	if err != nil {
		return last, err
	}
	rows, err := readColumn[int32](group, 1)
	if err != nil {
		return last, err
	}
	for i, offset := range offsets {
		p := position{offset, rows[i]}
		next := p.offset == last.offset && p.row == last.row+1 || p.offset > last.offset && p.row == 0
		if !next || offset < info.Start || offset >= info.End {
			return last, fmt.Errorf("row %d is of offset %d (row %d of the record), behind offset %d (row %d); the object covers [%d, %d)",
				i, p.offset, p.row, last.offset, last.row, info.Start, info.End)
		}
		last = p
	}
	return last, nil
}

// readColumn reads a column that has no nulls.
func readColumn[T int32 | int64](group *file.RowGroupReader, column int) ([]T, error) {
	reader, err := group.Column(column)
	if err != nil {
		return nil, err
	}
	values := make([]T, group.NumRows())
	for read := 0; read < len(values); {
		n := 0
		switch r := reader.(type) {
		case *file.Int64ColumnChunkReader:
			_, n, err = r.ReadBatch(int64(len(values)-read), any(values[read:]).([]int64), nil, nil)
		case *file.Int32ColumnChunkReader:
			_, n, err = r.ReadBatch(int64(len(values)-read), any(values[read:]).([]int32), nil, nil)
		}
		if err != nil || n == 0 {
			return nil, fmt.Errorf("column %d ends after %d of %d rows or is of type %v: %w", column, read, len(values), reader.Type(), err)
		}
		read += n
	}
	return values, nil
}

// spareMemory is an allocator that gives out again what was given back: what is read of one column is not needed when the next
// is read. It is not for concurrent use; its zero value is ready.
type spareMemory struct{ blocks [][]byte }

// maxSpareBlocks is how many blocks are kept: those that a column takes.
const maxSpareBlocks = 4

// Allocate returns memory, which may have been used.
func (m *spareMemory) Allocate(size int) []byte {
	for i, b := range m.blocks {
		if cap(b) >= size {
			m.blocks = slices.Delete(m.blocks, i, i+1)
			return b[:size]
		}
	}
	return make([]byte, size, size+size/4)
}

// Reallocate returns memory of another size with what was in it.
func (m *spareMemory) Reallocate(size int, b []byte) []byte {
	if size <= cap(b) {
		return b[:size]
	}
	larger := m.Allocate(size)
	copy(larger, b)
	m.Free(b)
	return larger
}

// Free takes memory back.
func (m *spareMemory) Free(b []byte) {
	if m.blocks = append(m.blocks, b); len(m.blocks) > maxSpareBlocks {
		least := slices.MinFunc(m.blocks, func(x, y []byte) int { return cap(x) - cap(y) })
		i := slices.IndexFunc(m.blocks, func(x []byte) bool { return cap(x) == cap(least) })
		m.blocks = slices.Delete(m.blocks, i, i+1)
	}
}
