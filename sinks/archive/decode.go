package archive

import (
	"errors"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

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
	chunks   []*chunk
	schemas  []*capture.Schema // of the rows, in the order of their first
}

// chunkRows is the number of rows that are decoded together; they become a row group, or several.
const chunkRows = 64 << 10

// chunk is some rows: the columns that all have, and the rest in one batch for each schema.
type chunk struct {
	fixed   []arrow.Array // as in fixedFields
	batches map[*capture.Schema]*capture.Batch
	of      []*capture.Schema // of each row; nil where there is none
	at      []int32           // of each row, its place in the batch
}

var timestampType = &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}

// fixedFields are the columns of every file.
var fixedFields = []arrow.Field{
	{Name: "offset", Type: arrow.PrimitiveTypes.Int64},
	{Name: "row", Type: arrow.PrimitiveTypes.Int32}, // of the record's rows
	{Name: "timestamp", Type: timestampType},
	{Name: "event_time", Type: timestampType, Nullable: true},
	{Name: "event_id", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "inference_id", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "endpoint", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "variant", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "status", Type: arrow.BinaryTypes.String},
	{Name: "error", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "raw", Type: arrow.BinaryTypes.Binary, Nullable: true},
}

// decoder turns records into rows.
type decoder struct {
	source  Source
	parser  capture.Parser
	table   *Table
	chunk   *chunk
	builder *array.RecordBuilder
	schemas map[[2]string][]*capture.Schema // by endpoint and variant
	known   map[*capture.Schema]bool
}

// Decode reads the records. What cannot be read becomes a row that says so.
func Decode(r *Records, source Source) *Table {
	d := &decoder{
		source: source, table: &Table{ByStatus: map[string]int64{}},
		builder: array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fixedFields, nil)),
		schemas: map[[2]string][]*capture.Schema{}, known: map[*capture.Schema]bool{},
	}
	defer d.builder.Release()
	d.begin()
	for i := range r.records {
		d.add(&r.records[i])
		if len(d.chunk.of) >= chunkRows {
			d.end()
			d.begin()
		}
	}
	d.end()
	return d.table
}

func (d *decoder) begin() { d.chunk = &chunk{batches: map[*capture.Schema]*capture.Batch{}} }

func (d *decoder) end() {
	fixed := d.builder.NewRecordBatch()
	d.chunk.fixed = fixed.Columns()
	if len(d.chunk.of) > 0 {
		d.table.chunks = append(d.table.chunks, d.chunk)
		d.table.Rows += int64(len(d.chunk.of))
	}
	for _, b := range d.chunk.batches {
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
		d.append(row{record: r, status: StatusDead, error: r.Unreadable}, nil, 0)
		return
	}
	captured, err := d.parser.Parse(r.Value)
	if err != nil {
		d.append(row{record: r, endpoint: r.Endpoint, variant: r.Variant, status: StatusDead, error: message(err), raw: true}, nil, 0)
		return
	}
	if !captured.HasTime {
		captured.Time = r.Timestamp
	}
	is := row{
		record: r, captured: captured, time: captured.Time,
		endpoint: first(r.Endpoint, captured.Endpoint, d.source.Endpoint), variant: first(r.Variant, captured.Variant, d.source.Variant),
	}
	if is.endpoint == "" {
		is.status, is.error, is.raw = StatusDead, string(capture.ReasonEndpoint)+": the record names none", true
		d.append(is, nil, 0)
		return
	}
	key := [2]string{is.endpoint, is.variant}
	schemas, ok := d.schemas[key]
	if !ok {
		schemas = d.source.Schemas(is.endpoint, is.variant)
		d.schemas[key] = schemas
	}
	is.status, is.raw = StatusUnmonitored, true
	for _, schema := range schemas {
		batch := d.chunk.batches[schema]
		if batch == nil {
			batch = capture.NewBatch(*schema)
			d.chunk.batches[schema] = batch
		}
		before, undecoded := batch.Rows(), batch.Undecoded()
		if err := captured.Append(batch); err != nil {
			if is.status != StatusDead { // the first schema's word counts
				is.status, is.error = StatusDead, message(err)
			}
			continue
		}
		d.know(schema)
		d.appendRows(is, schema, batch, before, batch.Undecoded() > undecoded)
		return
	}
	d.append(is, nil, 0)
}

// appendRows appends the rows of a record that its batch has from before on.
func (d *decoder) appendRows(is row, schema *capture.Schema, batch *capture.Batch, before int, undecoded bool) {
	invalid := map[int][]string{}
	for i, c := range batch.Watched() {
		rows := batch.Invalid(i)
		for j := len(rows) - 1; j >= 0 && int(rows[j]) >= before; j-- {
			invalid[int(rows[j])] = append(invalid[int(rows[j])], c.Name)
		}
	}
	kept := false
	for at := before; at < batch.Rows(); at++ {
		is.index, is.time, is.status, is.error, is.raw = at-before, batch.Times()[at], StatusOK, "", false
		switch names := invalid[at]; {
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
	if !d.known[schema] {
		d.known[schema] = true
		d.table.schemas = append(d.table.schemas, schema)
	}
}

func (d *decoder) append(is row, schema *capture.Schema, at int) {
	d.table.ByStatus[is.status]++
	d.chunk.of, d.chunk.at = append(d.chunk.of, schema), append(d.chunk.at, int32(at))
	b := d.builder.Fields()
	text := func(i int, value string) {
		if value == "" {
			b[i].AppendNull()
		} else {
			b[i].(*array.StringBuilder).Append(value)
		}
	}
	identifier := func(i int, value []byte) {
		if len(value) == 0 {
			b[i].AppendNull()
		} else {
			b[i].(*array.StringBuilder).BinaryBuilder.Append(value)
		}
	}
	b[0].(*array.Int64Builder).Append(is.record.Offset)
	b[1].(*array.Int32Builder).Append(int32(is.index))
	b[2].(*array.TimestampBuilder).Append(arrow.Timestamp(is.record.Timestamp))
	if is.captured == nil {
		b[3].AppendNull()
		b[4].AppendNull()
		b[5].AppendNull()
	} else {
		event, inference := is.captured.IDs(is.index)
		b[3].(*array.TimestampBuilder).Append(arrow.Timestamp(is.time))
		identifier(4, event)
		identifier(5, inference)
	}
	text(6, is.endpoint)
	text(7, is.variant)
	text(8, is.status)
	text(9, is.error)
	if is.raw {
		b[10].(*array.BinaryBuilder).Append(is.record.Value)
	} else {
		b[10].AppendNull()
	}
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
