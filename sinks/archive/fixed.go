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
	{Name: endpointColumn, Type: dictionaryType, Nullable: true},
	{Name: "variant", Type: dictionaryType, Nullable: true},
	{Name: "status", Type: dictionaryType},
	{Name: "error", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "raw", Type: arrow.BinaryTypes.Binary, Nullable: true},
}

// fixed is the values of these columns, in their order.
type fixed struct {
	offsets     []int64
	rows        []int32
	timestamps  []int64
	eventTimes  []int64
	timed       validity // of the event times
	eventID     texts
	inferenceID texts
	endpoint    words
	variant     words
	status      words
	error       texts
	raw         texts
}

// newFixed has room for rows.
func newFixed(rows int) fixed {
	newWords := func() words { return words{indices: make([]int32, 0, rows)} }
	newTexts := func() texts { return texts{offsets: make([]int32, 0, rows+1)} }
	return fixed{
		offsets: make([]int64, 0, rows), rows: make([]int32, 0, rows), timestamps: make([]int64, 0, rows), eventTimes: make([]int64, 0, rows),
		eventID: newTexts(), inferenceID: newTexts(), endpoint: newWords(), variant: newWords(), status: newWords(), error: newTexts(), raw: newTexts(),
	}
}

func (f *fixed) add(is *row) {
	f.offsets = append(f.offsets, is.record.Offset)
	f.rows = append(f.rows, int32(is.index))
	f.timestamps = append(f.timestamps, is.record.Timestamp)
	f.eventTimes = append(f.eventTimes, is.time)
	f.timed.add(is.captured != nil)
	var event, inference, raw []byte
	if is.captured != nil {
		event, inference = is.captured.IDs(is.index)
	}
	if is.raw {
		raw = is.record.Value
	}
	f.eventID.add(event, len(event) > 0)
	f.inferenceID.add(inference, len(inference) > 0)
	f.endpoint.add(is.endpoint)
	f.variant.add(is.variant)
	f.status.add(is.status)
	f.error.add([]byte(is.error), is.error != "")
	f.raw.add(raw, is.raw)
}

// arrays are the columns as Arrow arrays, which share their memory.
func (f *fixed) arrays() []arrow.Array {
	whole := &validity{rows: len(f.offsets)}
	return []arrow.Array{
		arrayOf(arrow.PrimitiveTypes.Int64, whole, arrow.Int64Traits.CastToBytes(f.offsets)),
		arrayOf(arrow.PrimitiveTypes.Int32, whole, arrow.Int32Traits.CastToBytes(f.rows)),
		arrayOf(timestampType, whole, arrow.Int64Traits.CastToBytes(f.timestamps)),
		arrayOf(timestampType, &f.timed, arrow.Int64Traits.CastToBytes(f.eventTimes)),
		f.eventID.array(arrow.BinaryTypes.String),
		f.inferenceID.array(arrow.BinaryTypes.String),
		f.endpoint.array(),
		f.variant.array(),
		f.status.array(),
		f.error.array(arrow.BinaryTypes.String),
		f.raw.array(arrow.BinaryTypes.Binary),
	}
}
