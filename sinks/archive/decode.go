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

// count counts what the rows are.
func (t *Table) count() {
	for _, k := range t.chunks {
		t.Rows += int64(len(k.of))
		for place, n := range k.status.counts() {
			t.ByStatus[k.status.known.words[place]] += n
		}
		for _, b := range k.batches {
			t.Extra += int64(b.Extra())
		}
	}
	for schema, places := range layOut(t.schemas).rest {
		for _, k := range t.chunks {
			for _, place := range places {
				if b := k.batches[schema]; b != nil {
					column := b.Column(place)
					t.Untyped += int64(column.Len() - column.NullN())
					column.Release()
				}
			}
		}
	}
}

// Drop gives up the rows, once they are written. What is counted stays.
func (t *Table) Drop() { t.chunks, t.schemas = nil, nil }

// Decoder turns records of a topic into rows, as they come, and keeps the memory of those that were archived. It is not for
// concurrent use.
type Decoder struct {
	source  Source
	parser  capture.Parser
	schemas map[[2]string][]*capture.Schema
	route   [2]string         // the last row's endpoint and variant
	routed  []*capture.Schema // and their schemas
	spare   []*chunk
	kept    int // values that they have room for, about
}

// NewDecoder returns one for the records of a source.
func NewDecoder(source Source) *Decoder {
	return &Decoder{source: source, schemas: map[[2]string][]*capture.Schema{}}
}

const (
	maxRoutes = 10_000  // whose schemas are remembered
	maxKept   = 8 << 20 // values that there is room for in what is kept: 64 MiB
)

// NewRecords returns none yet, from an offset on.
func (d *Decoder) NewRecords(start int64, epoch int32) *Records {
	return &Records{
		Start: start, End: start, Epoch: epoch, decoder: d,
		table: Table{ByStatus: map[string]int64{}}, known: map[*capture.Schema]bool{}, invalid: map[int][]string{},
	}
}

// Take takes the memory of records that are not read any more. What was hardly used is given up, so that no partition keeps what
// a busy one had.
func (d *Decoder) Take(r *Records) {
	for _, k := range r.table.chunks {
		used := k.used()
		k.most = max(k.most, used)
		if used >= k.most/4 && d.kept+k.most <= maxKept {
			d.spare, d.kept = append(d.spare, k), d.kept+k.most
		}
	}
	r.table.Drop()
}

// newChunk returns an empty chunk.
func (d *Decoder) newChunk() *chunk {
	last := len(d.spare) - 1
	if last < 0 {
		return &chunk{batches: map[*capture.Schema]*capture.Batch{}}
	}
	k := d.spare[last]
	d.spare, d.kept = d.spare[:last], d.kept-k.most
	k.reset()
	return k
}

func (d *Decoder) schemasOf(endpoint, variant string) []*capture.Schema {
	key := [2]string{endpoint, variant}
	if key == d.route {
		return d.routed
	}
	schemas, ok := d.schemas[key]
	if !ok {
		if len(d.schemas) == maxRoutes {
			clear(d.schemas)
		}
		schemas = d.source.Schemas(endpoint, variant)
		d.schemas[key] = schemas
	}
	d.route, d.routed = key, schemas
	return schemas
}

// row is what the fixed columns say of a row.
type row struct {
	offset, timestamp int64
	value             []byte          // of the record
	captured          *capture.Record // nil when it could not be parsed
	endpoint, variant string
	index             int
	time              int64
	status, error     string
	raw               bool
}

func (r *Records) decode(of *Record) {
	is := &row{offset: of.Offset, timestamp: of.Timestamp, value: of.Value}
	if of.Unreadable != "" {
		is.status, is.error = StatusDead, of.Unreadable
		r.append(is, nil, 0)
		return
	}
	captured, err := r.decoder.parser.Parse(of.Value)
	if err != nil {
		is.endpoint, is.variant, is.status, is.error, is.raw = of.Endpoint, of.Variant, StatusDead, message(err), true
		r.append(is, nil, 0)
		return
	}
	if !captured.HasTime {
		captured.Time = of.Timestamp
	}
	is.captured, is.time = captured, captured.Time
	is.endpoint = first(of.Endpoint, captured.Endpoint, r.decoder.source.Endpoint)
	is.variant = first(of.Variant, captured.Variant, r.decoder.source.Variant)
	if is.endpoint == "" {
		is.status, is.error, is.raw = StatusDead, string(capture.ReasonEndpoint)+": the record names none", true
		r.append(is, nil, 0)
		return
	}
	is.status, is.raw = StatusUnmonitored, true
	for _, schema := range r.decoder.schemasOf(is.endpoint, is.variant) {
		batch := r.chunk.batchOf(schema)
		before, undecoded, faults := batch.Rows(), batch.Undecoded(), batch.Faults()
		if err := captured.Append(batch); err != nil {
			if is.status != StatusDead { // the first schema's word counts
				is.status, is.error = StatusDead, message(err)
			}
			continue
		}
		r.know(schema)
		r.findInvalid(batch, before, batch.Faults() > faults)
		r.appendRows(is, schema, batch, before, batch.Undecoded() > undecoded)
		return
	}
	r.append(is, nil, 0)
}

// findInvalid finds the columns of which rows from before on have an invalid value, if there are some.
func (r *Records) findInvalid(batch *capture.Batch, before int, some bool) {
	if len(r.invalid) > 0 {
		clear(r.invalid)
	}
	if !some {
		return
	}
	for i, c := range batch.Watched() {
		rows := batch.Invalid(i)
		for j := len(rows) - 1; j >= 0 && int(rows[j]) >= before; j-- {
			r.invalid[int(rows[j])] = append(r.invalid[int(rows[j])], c.Name)
		}
	}
}

// appendRows appends the rows of a record that its batch has from before on.
func (r *Records) appendRows(is *row, schema *capture.Schema, batch *capture.Batch, before int, undecoded bool) {
	kept := false
	for at := before; at < batch.Rows(); at++ {
		is.index, is.time, is.status, is.error, is.raw = at-before, batch.Times()[at], StatusOK, "", false
		switch names := r.invalid[at]; {
		case undecoded:
			is.status, is.error = StatusPartial, "undecoded: a captured side is neither CSV nor JSON"
		case len(names) > 0:
			is.status, is.error = StatusPartial, "invalid: "+strings.Join(names, ", ")
		}
		if is.status == StatusPartial && !kept {
			is.raw, kept = true, true
		}
		r.append(is, schema, at)
	}
}

// know adds a schema to those of the table.
func (r *Records) know(schema *capture.Schema) {
	if n := len(r.table.schemas); n > 0 && r.table.schemas[n-1] == schema {
		return // the last one, as a rule
	}
	if !r.known[schema] {
		r.known[schema] = true
		r.table.schemas = append(r.table.schemas, schema)
	}
}

func (r *Records) append(is *row, schema *capture.Schema, at int) {
	k := r.chunk
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
