package archive

import (
	"github.com/apache/arrow-go/v18/arrow"
)

var timestampType = &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}

const endpointColumn = "endpoint"

// fixedFields are the columns of every file.
var fixedFields = []arrow.Field{
	{Name: "offset", Type: arrow.PrimitiveTypes.Int64},
	{Name: "row", Type: arrow.PrimitiveTypes.Int32}, // of the record's rows
	{Name: "timestamp", Type: timestampType},
	{Name: "event_time", Type: timestampType, Nullable: true},
	{Name: "event_id", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "inference_id", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: endpointColumn, Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "variant", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "status", Type: arrow.BinaryTypes.String},
	{Name: "error", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "raw", Type: arrow.BinaryTypes.Binary, Nullable: true},
}

// fixed is the values of these columns, in their order.
type fixed struct {
	offsets     integers
	rows        integers
	timestamps  integers
	eventTimes  integers
	eventID     texts
	inferenceID texts
	endpoint    words
	variant     words
	status      words
	error       texts
	raw         texts
}

func (f *fixed) add(is *row) {
	f.offsets.add(is.offset, true)
	f.rows.add(int64(is.index), true)
	f.timestamps.add(is.timestamp, true)
	f.eventTimes.add(is.time, is.captured != nil)
	var event, inference, raw []byte
	if is.captured != nil {
		event, inference = is.captured.IDs(is.index)
	}
	if is.raw {
		raw = is.value
	}
	f.eventID.add(event, len(event) > 0)
	f.inferenceID.add(inference, len(inference) > 0)
	f.endpoint.add(is.endpoint)
	f.variant.add(is.variant)
	f.status.add(is.status)
	f.error.add([]byte(is.error), is.error != "")
	f.raw.add(raw, is.raw)
}

func (f *fixed) reset() {
	for _, c := range []*integers{&f.offsets, &f.rows, &f.timestamps, &f.eventTimes} {
		c.reset()
	}
	for _, c := range []*texts{&f.eventID, &f.inferenceID, &f.error, &f.raw} {
		c.reset()
	}
	for _, c := range []*words{&f.endpoint, &f.variant, &f.status} {
		c.reset()
	}
}

func (f *fixed) write(w *fileWriter) {
	w.integers(&f.offsets)
	w.integers(&f.rows)
	w.integers(&f.timestamps)
	w.integers(&f.eventTimes)
	w.texts(&f.eventID)
	w.texts(&f.inferenceID)
	w.words(&f.endpoint, true)
	w.words(&f.variant, false)
	w.words(&f.status, false)
	w.texts(&f.error)
	w.texts(&f.raw)
}
