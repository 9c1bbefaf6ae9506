package archive

import (
	"errors"
	"strings"

	"tidemark/capture"
)

// The values of the column status.
const (
	StatusOK          = "ok"
	StatusPartial     = "partial"     // a value or a side could not be read: error says which, and raw has the record
	StatusUnmonitored = "unmonitored" // no monitor watches the endpoint, so its schema is not known: see raw
	StatusDead        = "dead"        // the record could not be read: error says why, and raw has it
)

// Statuses is every status.
var Statuses = []string{StatusOK, StatusPartial, StatusUnmonitored, StatusDead}

// Table is decoded records, ready to be written.
type Table struct {
	Rows     int64
	ByStatus map[string]int64
	Extra    int64 // JSON keys that no schema has, and that are only in raw where there is one
	Untyped  int64 // values that have no column of their own, and are in the map
	chunks   []*chunk
	schemas  []*capture.Schema // of the rows, in the order of their first
}

// Drop gives up the rows, once they are written. What is counted stays.
func (t *Table) Drop() { t.chunks, t.schemas = nil, nil }

// A chunk has at most so many rows, and values in all, and becomes a row group.
const (
	chunkRows  = 128 << 10
	chunkCells = 6 << 20
)

// chunk is some rows: the columns that all have, and the rest in one batch for each schema.
type chunk struct {
	fixed
	batches map[*capture.Schema]*capture.Batch
	of      []*capture.Schema // of each row; nil where there is none
	at      []int32           // of each row, its place in the batch
	cells   int

	schema *capture.Schema // of the last row that had one
	batch  *capture.Batch  // and its batch
}

// reset empties the chunk. What its last rows had no use for is given up.
func (k *chunk) reset() {
	k.fixed.reset()
	for schema, batch := range k.batches {
		if batch.Rows() == 0 {
			delete(k.batches, schema)
		}
		batch.Reset()
	}
	k.of, k.at, k.cells = k.of[:0], k.at[:0], 0
	k.schema, k.batch = nil, nil
}

// batchOf returns the batch for rows of a schema.
func (k *chunk) batchOf(schema *capture.Schema) *capture.Batch {
	if schema == k.schema {
		return k.batch
	}
	batch := k.batches[schema]
	if batch == nil {
		batch = capture.NewBatch(*schema)
		k.batches[schema] = batch
	}
	k.schema, k.batch = schema, batch
	return batch
}

// decoder turns records into rows.
type decoder struct {
	*Encoder
	source  Source
	table   *Table
	chunk   *chunk
	route   [2]string         // the last row's endpoint and variant
	routed  []*capture.Schema // and their schemas
	schemas map[[2]string][]*capture.Schema
	known   map[*capture.Schema]bool
	invalid map[int][]string // of the last record's rows: the columns that are invalid
}

// Decode reads the records. What cannot be read becomes a row that says so. The table's rows are there until the next.
func (e *Encoder) Decode(r *Records, source Source) *Table {
	d := &decoder{
		Encoder: e, source: source, table: &Table{ByStatus: map[string]int64{}},
		schemas: map[[2]string][]*capture.Schema{}, known: map[*capture.Schema]bool{}, invalid: map[int][]string{},
	}
	d.begin()
	for i := range r.records {
		if len(d.chunk.of) >= chunkRows || d.chunk.cells >= chunkCells {
			d.end()
			d.begin()
		}
		d.add(&r.records[i])
	}
	d.end()
	clear(e.chunks[len(d.table.chunks):])
	e.chunks = e.chunks[:len(d.table.chunks)]
	d.table.countUntyped()
	return d.table
}

// Decode is [Encoder.Decode] with an encoder of its own.
func Decode(r *Records, source Source) *Table { return new(Encoder).Decode(r, source) }

// begin begins a chunk, in the memory of an earlier one if there is one.
func (d *decoder) begin() {
	if n := len(d.table.chunks); n < len(d.chunks) {
		d.chunk = d.chunks[n]
		d.chunk.reset()
		return
	}
	d.chunk = &chunk{batches: map[*capture.Schema]*capture.Batch{}}
	d.chunks = append(d.chunks, d.chunk)
}

func (d *decoder) end() {
	k := d.chunk
	if len(k.of) == 0 {
		return
	}
	d.table.chunks = append(d.table.chunks, k)
	d.table.Rows += int64(len(k.of))
	for place, n := range k.status.counts() {
		d.table.ByStatus[k.status.known.words[place]] += n
	}
	for _, b := range k.batches {
		d.table.Extra += int64(b.Extra())
	}
}

// row is what the fixed columns say of a row.
type row struct {
	record            *Record
	captured          *capture.Record // nil when it could not be parsed
	endpoint, variant string
	index             int
	time              int64
	status, error     string
	raw               bool
}

func (d *decoder) add(r *Record) {
	if r.Unreadable != "" {
		d.append(&row{record: r, status: StatusDead, error: r.Unreadable}, nil, 0)
		return
	}
	captured, err := d.parser.Parse(r.Value)
	if err != nil {
		d.append(&row{record: r, endpoint: r.Endpoint, variant: r.Variant, status: StatusDead, error: message(err), raw: true}, nil, 0)
		return
	}
	if !captured.HasTime {
		captured.Time = r.Timestamp
	}
	is := &row{
		record: r, captured: captured, time: captured.Time,
		endpoint: first(r.Endpoint, captured.Endpoint, d.source.Endpoint), variant: first(r.Variant, captured.Variant, d.source.Variant),
	}
	if is.endpoint == "" {
		is.status, is.error, is.raw = StatusDead, string(capture.ReasonEndpoint)+": the record names none", true
		d.append(is, nil, 0)
		return
	}
	is.status, is.raw = StatusUnmonitored, true
	for _, schema := range d.schemasOf(is.endpoint, is.variant) {
		batch := d.chunk.batchOf(schema)
		before, undecoded, faults := batch.Rows(), batch.Undecoded(), batch.Faults()
		if err := captured.Append(batch); err != nil {
			if is.status != StatusDead { // the first schema's word counts
				is.status, is.error = StatusDead, message(err)
			}
			continue
		}
		d.know(schema)
		d.findInvalid(batch, before, batch.Faults() > faults)
		d.appendRows(is, schema, batch, before, batch.Undecoded() > undecoded)
		return
	}
	d.append(is, nil, 0)
}

func (d *decoder) schemasOf(endpoint, variant string) []*capture.Schema {
	key := [2]string{endpoint, variant}
	if key == d.route {
		return d.routed
	}
	schemas, ok := d.schemas[key]
	if !ok {
		schemas = d.source.Schemas(endpoint, variant)
		d.schemas[key] = schemas
	}
	d.route, d.routed = key, schemas
	return schemas
}

// findInvalid finds the columns of which rows from before on have an invalid value, if there are some.
func (d *decoder) findInvalid(batch *capture.Batch, before int, some bool) {
	if len(d.invalid) > 0 {
		clear(d.invalid)
	}
	if !some {
		return
	}
	for i, c := range batch.Watched() {
		rows := batch.Invalid(i)
		for j := len(rows) - 1; j >= 0 && int(rows[j]) >= before; j-- {
			d.invalid[int(rows[j])] = append(d.invalid[int(rows[j])], c.Name)
		}
	}
}

// appendRows appends the rows of a record that its batch has from before on.
func (d *decoder) appendRows(is *row, schema *capture.Schema, batch *capture.Batch, before int, undecoded bool) {
	kept := false
	for at := before; at < batch.Rows(); at++ {
		is.index, is.time, is.status, is.error, is.raw = at-before, batch.Times()[at], StatusOK, "", false
		switch names := d.invalid[at]; {
		case undecoded:
			is.status, is.error = StatusPartial, "undecoded: a captured side is neither CSV nor JSON"
		case len(names) > 0:
			is.status, is.error = StatusPartial, "invalid: "+strings.Join(names, ", ")
		}
		if is.status == StatusPartial && !kept {
			is.raw, kept = true, true
		}
		d.append(is, schema, at)
	}
}

// know adds a schema to those of the table.
func (d *decoder) know(schema *capture.Schema) {
	if n := len(d.table.schemas); n > 0 && d.table.schemas[n-1] == schema {
		return // the last one, as a rule
	}
	if !d.known[schema] {
		d.known[schema] = true
		d.table.schemas = append(d.table.schemas, schema)
	}
}

func (d *decoder) append(is *row, schema *capture.Schema, at int) {
	k := d.chunk
	k.of, k.at = append(k.of, schema), append(k.at, int32(at))
	if schema != nil {
		k.cells += len(k.batch.Watched())
	}
	k.add(is)
}

// message is what is said of a record that could not be read, as text that Parquet takes.
func message(err error) string {
	var e *capture.Error
	if errors.As(err, &e) {
		err = e
	}
	return strings.ToValidUTF8(err.Error(), "\uFFFD")
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
