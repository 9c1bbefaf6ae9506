package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/spf13/cobra"

	"tidemark/capture"
	"tidemark/sinks/archive"
)

func encodingsCommand() *cobra.Command {
	rows := 0
	c := &cobra.Command{
		Use:   "encodings",
		Short: "Search how each column of the archive takes the least space",
		Long: `Write each column of an archive of the reference job's captures with every encoding that its type may have, four
levels of zstd and pages of three sizes, in one row group, and print the smallest beside what the archive's codecs take.`,
		Example: `  bench encodings --rows 10000`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return searchEncodings(c.Context(), rows, c.OutOrStdout()) },
	}
	c.Flags().IntVar(&rows, "rows", 105_000, "`rows` of the file: 64 MiB of captures")
	return c
}

// encoding is a way to write a column.
type encoding struct {
	as         parquet.Encoding
	dictionary bool
	level      int
	page       int64
}

func (e encoding) String() string {
	name := strings.ToLower(e.as.String())
	if e.dictionary {
		name = "dictionary"
	}
	return fmt.Sprintf("%s, zstd %d, pages of %d KiB", name, e.level, e.page>>10)
}

// encodingsOf are all that are tried for a type.
func encodingsOf(t arrow.DataType) (all []encoding) {
	as := []parquet.Encoding{parquet.Encodings.Plain}
	switch t.ID() {
	case arrow.FLOAT64:
		as = append(as, parquet.Encodings.ByteStreamSplit)
	case arrow.INT32, arrow.INT64, arrow.TIMESTAMP:
		as = append(as, parquet.Encodings.DeltaBinaryPacked, parquet.Encodings.ByteStreamSplit)
	case arrow.STRING, arrow.BINARY:
		as = append(as, parquet.Encodings.DeltaLengthByteArray, parquet.Encodings.DeltaByteArray)
	}
	for _, level := range []int{1, 3, 7, 11} {
		for _, page := range []int64{64 << 10, 1 << 20, 8 << 20} {
			for _, how := range as {
				all = append(all, encoding{how, false, level, page})
			}
			all = append(all, encoding{parquet.Encodings.Plain, true, level, page})
		}
	}
	return all
}

// searchEncodings prints for each column what was found.
func searchEncodings(ctx context.Context, rows int, out io.Writer) error {
	w := workload{records: rows, features: 20, endpoints: 1, rate: 1000}
	sizes := map[archive.Codec]map[string]int64{}
	var plain arrow.Table
	for _, codec := range []archive.Codec{archive.Fast, archive.Small} {
		content, err := w.archived(codec)
		if err != nil {
			return err
		}
		if sizes[codec], err = columnSizes(content); err != nil {
			return err
		}
		if plain, err = pqarrow.ReadTable(ctx, bytes.NewReader(content), nil, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator); err != nil {
			return err
		}
	}
	per := func(bytes int64) float64 { return float64(bytes) / float64(rows) }
	fast, small, best := int64(0), int64(0), int64(0)
	fmt.Fprintf(out, "bytes a row\n%-14s %8s %8s %8s  smallest\n", "column", "fast", "small", "smallest")
	for i, field := range plain.Schema().Fields() {
		name := field.Name
		if plain.Column(i).NullN() == rows {
			continue // whatever is done with nothing, it takes next to nothing
		}
		least, how := int64(-1), encoding{}
		for _, e := range encodingsOf(field.Type) {
			size, err := e.size(field, plain.Column(i))
			if err != nil {
				return fmt.Errorf("column %s, %v: %w", name, e, err)
			}
			if least < 0 || size < least {
				least, how = size, e
			}
		}
		fmt.Fprintf(out, "%-14s %8.2f %8.2f %8.2f  %v\n", name, per(sizes[archive.Fast][name]), per(sizes[archive.Small][name]), per(least), how)
		fast, small, best = fast+sizes[archive.Fast][name], small+sizes[archive.Small][name], best+least
	}
	fmt.Fprintf(out, "%-14s %8.2f %8.2f %8.2f  small takes %.1f %% more\n", "all", per(fast), per(small), per(best), 100*(float64(small)/float64(best)-1))
	return nil
}

// archived is the archive's file of the workload's captures.
func (w *workload) archived(codec archive.Codec) ([]byte, error) {
	schema := &capture.Schema{}
	for i, name := range w.names() {
		c := capture.Column{Name: name, Role: capture.Feature, Kind: capture.Numeric}
		if name == "score" {
			c.Role = capture.Prediction
		} else if i >= w.features {
			c.Kind = capture.Categorical
		}
		schema.Columns = append(schema.Columns, c)
	}
	source := archive.Source{Endpoint: "bench", Variant: "default", Schemas: func(string, string) []*capture.Schema { return []*capture.Schema{schema} }}
	records := archive.NewDecoder(source).NewRecords(0, 0)
	err := w.each(func(i int, r *row) error {
		value, _ := r.appendCapture(make([]byte, 0, 640), i)
		records.Add(archive.Record{Offset: int64(i), Timestamp: r.time, Value: value})
		records.Pass(int64(i)+1, 0)
		return nil
	})
	if err != nil {
		return nil, err
	}
	table := records.Table()
	return table.Parquet(archive.Info{End: records.End, Rows: table.Rows}, codec)
}

// columnSizes are those of a file's columns.
func columnSizes(content []byte) (map[string]int64, error) {
	r, err := file.NewParquetReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	sizes := map[string]int64{}
	for g := range r.NumRowGroups() {
		for i := range r.MetaData().Schema.NumColumns() {
			c, err := r.MetaData().RowGroup(g).ColumnChunk(i)
			if err != nil {
				return nil, err
			}
			sizes[c.PathInSchema().String()] += c.TotalCompressedSize()
		}
	}
	return sizes, nil
}

// size is what a column takes.
func (e encoding) size(field arrow.Field, column *arrow.Column) (int64, error) {
	properties := []parquet.WriterProperty{
		parquet.WithVersion(parquet.V2_LATEST), parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(e.level), parquet.WithStats(false),
		parquet.WithDictionaryDefault(e.dictionary), parquet.WithDataPageSize(e.page), parquet.WithDictionaryPageSizeLimit(64 << 20),
	}
	if !e.dictionary {
		properties = append(properties, parquet.WithEncoding(e.as))
	}
	schema := arrow.NewSchema([]arrow.Field{field}, nil)
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(properties...), pqarrow.DefaultWriterProps())
	if err != nil {
		return 0, err
	}
	rows := int64(column.Len())
	if err := w.WriteTable(array.NewTable(schema, []arrow.Column{*column}, rows), rows); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	sizes, err := columnSizes(out.Bytes())
	return sizes[field.Name], err
}
