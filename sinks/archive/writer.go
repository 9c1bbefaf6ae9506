package archive

import (
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// fileWriter makes a Parquet file in memory, one column of a group of rows after the other. The library's own writer would copy each
// value five times; here a page is written as it is compressed, and the library writes the headers and the footer.
type fileWriter struct {
	*Encoder
	out    output
	meta   *metadata.FileMetaDataBuilder
	props  *parquet.WriterProperties
	group  *metadata.RowGroupMetaDataBuilder
	groups int16
	column int16
	chunk  *metadata.ColumnChunkMetaDataBuilder
	pager  file.PageWriter
	err    error // the first
}

// output is the file so far.
type output struct{ bytes []byte }

// Write appends to the file.
func (o *output) Write(p []byte) (int, error) {
	o.bytes = append(o.bytes, p...)
	return len(p), nil
}

// Tell is how long the file is.
func (o *output) Tell() int64 { return int64(len(o.bytes)) }

// pageRows is by how many rows a page of texts grows: a multiple of eight.
const pageRows = 1024

const magic = "PAR1"

// newWriter begins a file of about so many bytes.
func (e *Encoder) newWriter(s *schema.Schema, props *parquet.WriterProperties, size int) *fileWriter {
	w := &fileWriter{Encoder: e, props: props, meta: metadata.NewFileMetadataBuilder(s, props, metadata.NewKeyValueMetadata())}
	w.out.bytes = append(make([]byte, 0, size), magic...)
	return w
}

func (w *fileWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// begin begins a group of rows.
func (w *fileWriter) begin() {
	w.group, w.column = w.meta.AppendRowGroup(), 0
}

// end ends it.
func (w *fileWriter) end(rows int) {
	w.group.SetNumRows(rows)
	w.fail(w.group.Finish(0, w.groups))
	w.groups++
}

// close writes the footer, with what the file says of itself.
func (w *fileWriter) close(pairs map[string]string) ([]byte, error) {
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		w.fail(w.meta.AppendKeyValueMetadata(key, pairs[key]))
	}
	footer, err := w.meta.Finish()
	w.fail(err)
	if w.err != nil {
		return nil, w.err
	}
	n, err := footer.WriteTo(&w.out, nil)
	w.out.bytes = append(binary.LittleEndian.AppendUint32(w.out.bytes, uint32(n)), magic...)
	return w.out.bytes, err
}

// next begins a column of the group.
func (w *fileWriter) next() {
	w.chunk = w.group.NextColumnChunk()
	path := w.chunk.Descr().Path()
	pager, err := file.NewPageWriter(&w.out, w.props.CompressionFor(path), w.props.CompressionLevelFor(path), w.chunk, w.groups, w.column, memory.DefaultAllocator, false, nil, nil)
	w.fail(err)
	w.pager = pager
	w.column++
	w.page = w.page[:0]
}

// done ends a column of which so many rows are null.
func (w *fileWriter) done(dictionary bool, nulls int, least, most []byte) {
	stats := metadata.EncodedStatistics{HasNullCount: true, NullCount: int64(nulls), Signed: w.chunk.Descr().SortOrder() == schema.SortSIGNED}
	if least != nil {
		stats.SetMin(least).SetMax(most)
	}
	w.chunk.SetStats(stats)
	w.fail(w.pager.Close(dictionary, false))
}

// addPage adds what is in w.page, of so many levels. At the cuts another kind of bytes begins.
func (w *fileWriter) addPage(levels int, as parquet.Encoding, by compressor, cuts ...int) {
	data := w.compress(w.page, by, cuts...)
	page := file.NewDataPageV1WithConfig(memory.NewBufferBytes(data), parquet.Encodings.RLE, parquet.Encodings.RLE, file.DataPageConfig{
		Num: int32(levels), Encoding: as, UncompressedSize: int32(len(w.page)),
	})
	defer page.Release()
	_, err := w.pager.WriteDataPage(page)
	w.fail(err)
	w.page = w.page[:0]
}

// addDictionary adds the values in w.page that the column's pages have the places of.
func (w *fileWriter) addDictionary(entries int) {
	page := file.NewDictionaryPage(memory.NewBufferBytes(w.page), int32(entries), parquet.Encodings.Plain)
	defer page.Release()
	_, err := w.pager.WriteDictionaryPage(page)
	w.fail(err)
	w.page = w.page[:0]
}

// addLevels adds to the page which of the rows [from, to) have a value, unless all of the column have.
func (w *fileWriter) addLevels(v *validity, from, to int) {
	if w.chunk.Descr().MaxDefinitionLevel() > 0 {
		w.page = v.appendLevels(w.page, from, to)
	}
}

// integers writes a column of 64 or of 32 bits.
func (w *fileWriter) integers(c *integers) {
	w.next()
	w.addLevels(&c.validity, 0, c.rows)
	w.page = appendDeltas(w.page, c.values)
	w.addPage(c.rows, parquet.Encodings.DeltaBinaryPacked, single)
	if len(c.values) == 0 {
		w.done(false, c.nulls, nil, nil)
		return
	}
	size := w.chunk.Descr().PhysicalType().ByteSize()
	bytes := func(x int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(x))[:size] }
	w.done(false, c.nulls, bytes(slices.Min(c.values)), bytes(slices.Max(c.values)))
}

// numbers writes a column of numbers. Its bounds are left out: hardly a group of rows lies apart from another by them.
func (w *fileWriter) numbers(c *numbers, few bool) {
	w.next()
	if few {
		places, dictionary := placesOf(c.values)
		w.page = appendPlain(w.page, dictionary)
		w.addDictionary(len(dictionary))
		w.addLevels(&c.validity, 0, c.rows)
		w.addPlaces(places, len(dictionary), c.rows)
		w.done(true, c.nulls, nil, nil)
		return
	}
	w.addLevels(&c.validity, 0, c.rows)
	if w.codec == Small {
		w.page = appendPlain(w.page, c.values)
		w.addPage(c.rows, parquet.Encodings.Plain, thorough)
	} else {
		cuts, n := [8]int{}, len(c.values)
		for i := range cuts {
			cuts[i] = len(w.page) + i*n
		}
		w.page = appendSplit(w.page, c.values)
		w.addPage(c.rows, parquet.Encodings.ByteStreamSplit, single, cuts[:]...)
	}
	w.done(false, c.nulls, nil, nil)
}

// placesOf makes a dictionary of numbers.
func placesOf(values []uint64) (places []int32, dictionary []uint64) {
	known := map[uint64]int32{}
	for _, x := range values {
		at, ok := known[x]
		if !ok {
			at = int32(len(dictionary))
			known[x], dictionary = at, append(dictionary, x)
		}
		places = append(places, at)
	}
	return places, dictionary
}

// texts writes a text column.
func (w *fileWriter) texts(t *texts) {
	w.next()
	by := w.choose(t.data)
	for from, value := 0, 0; from < t.rows; {
		to, next := from, value
		for to < t.rows && t.start(next)-t.start(value) < w.codec.pageBytes() {
			to = min(to+pageRows, t.rows)
			next = t.before(to)
		}
		w.addLevels(&t.validity, from, to)
		w.addTexts(t, value, next)
		w.addPage(to-from, parquet.Encodings.DeltaLengthByteArray, by)
		from, value = to, next
	}
	w.done(false, t.nulls, nil, nil)
}

// addTexts adds the values [from, to) to the page.
func (w *fileWriter) addTexts(t *texts, from, to int) {
	w.scratch = w.scratch[:0]
	start := t.start(from)
	at := int32(start)
	for _, end := range t.ends[from:to] {
		w.scratch = append(w.scratch, end-at)
		at = end
	}
	w.page = append(appendDeltas(w.page, w.scratch), t.data[start:at]...)
}

// words writes a column with a dictionary, and, if bounds is set, its first and its last word.
func (w *fileWriter) words(c *words, bounds bool) {
	w.next()
	known := c.known.words
	for _, word := range known {
		w.page = append(binary.LittleEndian.AppendUint32(w.page, uint32(len(word))), word...)
	}
	w.addDictionary(len(known))
	w.addLevels(&c.validity, 0, c.rows)
	w.addPlaces(c.places, len(known), c.rows)
	if !bounds || len(known) == 0 {
		w.done(true, c.nulls, nil, nil)
		return
	}
	w.done(true, c.nulls, []byte(slices.Min(known)), []byte(slices.Max(known)))
}

// addPlaces adds a page of places in a dictionary of so many entries.
func (w *fileWriter) addPlaces(places []int32, entries, rows int) {
	width := bits.Len(uint(max(entries-1, 1)))
	w.page = appendRuns(append(w.page, byte(width)), places, width)
	w.addPage(rows, w.props.DictionaryIndexEncoding(), single)
}
