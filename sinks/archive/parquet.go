package archive

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// maxCells bounds a row group, so that a file of many columns takes no more memory than one of few.
const maxCells = 6 << 20

// rowBytes is what a value takes in a file, about.
const rowBytes = 5

// Parquet writes the rows as a file that says of itself what info says, opens it again and compares.
func (t *Table) Parquet(info Info, codec Codec) ([]byte, error) {
	c := layOut(t.schemas)
	c.choose(t.chunks, codec)
	var out bytes.Buffer
	out.Grow(int(t.Rows) * c.width * rowBytes)
	w, err := pqarrow.NewFileWriter(c.arrow, &out, c.properties(codec), pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, fmt.Errorf("write Parquet: %w", err)
	}
	group := min(chunkRows, max(1024, maxCells/c.width))
	for _, k := range t.chunks {
		for from := 0; from < len(k.of); from += group {
			record := c.record(k, from, min(from+group, len(k.of)))
			err := w.Write(record)
			record.Release()
			if err != nil {
				return nil, fmt.Errorf("write Parquet: %w", err)
			}
		}
	}
	metadata := info.metadata()
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if err := w.AppendKeyValueMetadata(key, metadata[key]); err != nil {
			return nil, fmt.Errorf("write Parquet footer: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("close Parquet: %w", err)
	}
	if err := check(out.Bytes(), info); err != nil {
		return nil, fmt.Errorf("the file that was written does not read back: %w", err)
	}
	return out.Bytes(), nil
}

// properties are how each column is encoded: what comes again by a dictionary, numbers that rise by their differences, ids with
// their lengths apart, and all compressed by zstd. Of other numbers fast splits the bytes, since the first ones of each are alike;
// small leaves them whole, as zstd then finds numbers that came before. `bench encodings` is where this comes from.
func (c *columns) properties(codec Codec) *parquet.WriterProperties {
	options := []parquet.WriterProperty{
		parquet.WithVersion(parquet.V2_LATEST), parquet.WithCreatedBy("tidemark"), parquet.WithDictionaryDefault(false), parquet.WithBatchSize(8192),
	}
	numbers, level := parquet.Encodings.ByteStreamSplit, 1
	if codec == Small {
		numbers, level = parquet.Encodings.Plain, 3
		options = append(options, parquet.WithDataPageSize(8<<20))
	}
	if codec != plain {
		options = append(options, parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(level))
	}
	for _, f := range c.arrow.Fields() {
		switch f.Type.ID() {
		case arrow.DICTIONARY:
			options = append(options, parquet.WithDictionaryFor(f.Name, true), parquet.WithStatsFor(f.Name, f.Name == endpointColumn))
		case arrow.INT64, arrow.INT32, arrow.TIMESTAMP:
			options = append(options, parquet.WithEncodingFor(f.Name, parquet.Encodings.DeltaBinaryPacked))
		case arrow.FLOAT64:
			options = append(options, parquet.WithEncodingFor(f.Name, numbers))
		case arrow.STRING: // whatever its smallest and largest text, nobody looks for rows by it
			options = append(options, parquet.WithEncodingFor(f.Name, parquet.Encodings.DeltaLengthByteArray), parquet.WithStatsFor(f.Name, false))
		default:
			options = append(options, parquet.WithStatsFor(f.Name, false))
		}
	}
	for i := range c.typed {
		if t := &c.typed[i]; t.few {
			options = append(options, parquet.WithDictionaryFor(t.name, true))
		}
	}
	return parquet.NewWriterProperties(options...)
}

// Metadata reads from a file what its object's metadata are to be.
func Metadata(content []byte) (map[string]string, error) {
	var m map[string]string
	err := openParquet(content, func(r *file.Reader) error {
		m = map[string]string{}
		pairs := r.MetaData().KeyValueMetadata()
		for i, key := range pairs.Keys() {
			if strings.HasPrefix(key, "tidemark-") {
				m[key] = pairs.Values()[i]
			}
		}
		return nil
	})
	return m, err
}

// openParquet opens a file, which may be damaged in any way.
func openParquet(content []byte, do func(r *file.Reader) error) (err error) {
	defer func() {
		if p := recover(); p != nil { // the reader's way to refuse some damage
			err = fmt.Errorf("read Parquet: %v", p)
		}
	}()
	r, err := file.NewParquetReader(bytes.NewReader(content), file.WithReadProps(parquet.NewReaderProperties(memory.DefaultAllocator)))
	if err != nil {
		return fmt.Errorf("open Parquet: %w", err)
	}
	defer r.Close()
	return do(r)
}

// check compares a file with what is said of it, and reads every page.
func check(content []byte, info Info) error {
	m, err := Metadata(content)
	if err != nil {
		return err
	}
	if want := info.metadata(); !maps.Equal(want, m) {
		return fmt.Errorf("its footer does not agree: %s", difference(want, m))
	}
	return openParquet(content, func(r *file.Reader) error {
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
