package archive

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// rowBytes is what a value takes in a file, about.
const rowBytes = 5

// Parquet writes the rows as a file that says of itself what info says, opens it again and compares.
func (e *Encoder) Parquet(t *Table, info Info) ([]byte, error) {
	c := layOut(t.schemas)
	c.choose(t.chunks, e.codec)
	props := c.properties(e.codec)
	s, err := pqarrow.ToParquet(c.arrow, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, fmt.Errorf("lay out Parquet: %w", err)
	}
	w := e.newWriter(s, props, int(t.Rows)*c.width*rowBytes)
	for _, k := range t.chunks {
		c.write(w, k)
	}
	content, err := w.close(info.metadata())
	if err != nil {
		return nil, fmt.Errorf("write Parquet: %w", err)
	}
	if err := checkWith(&e.read, content, info); err != nil {
		return nil, fmt.Errorf("the file that was written does not read back: %w", err)
	}
	return content, nil
}

// Parquet is [Encoder.Parquet] with an encoder of its own.
func (t *Table) Parquet(info Info, codec Codec) ([]byte, error) {
	return NewEncoder(codec).Parquet(t, info)
}

// properties are how each column is encoded: what comes again by a dictionary, numbers that rise by their differences, ids with
// their lengths apart, and all compressed by zstd. Of other numbers fast splits the bytes, since the first ones of each are alike;
// small leaves them whole, as zstd then finds numbers that came before. `bench encodings` is where this comes from.
func (c *columns) properties(codec Codec) *parquet.WriterProperties {
	options := []parquet.WriterProperty{
		parquet.WithVersion(parquet.V2_LATEST), parquet.WithCreatedBy("tidemark"), parquet.WithEncoding(parquet.Encodings.DeltaLengthByteArray),
	}
	numbers, level := parquet.Encodings.ByteStreamSplit, 1
	if codec == Small {
		numbers, level = parquet.Encodings.Plain, 3
	}
	if codec != plain {
		options = append(options, parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(level))
	}
	for _, f := range c.arrow.Fields() {
		switch f.Type.ID() {
		case arrow.INT64, arrow.INT32, arrow.TIMESTAMP:
			options = append(options, parquet.WithEncodingFor(f.Name, parquet.Encodings.DeltaBinaryPacked))
		case arrow.FLOAT64:
			options = append(options, parquet.WithEncodingFor(f.Name, numbers))
		}
	}
	return parquet.NewWriterProperties(options...)
}
