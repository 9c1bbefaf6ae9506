package capture

import (
	"fmt"
	"strings"
)

// Reason says in one word why a record cannot be used. The set is closed, so it can label a metric.
type Reason string

const (
	ReasonMalformed Reason = "malformed" // the record is neither JSON nor, by its first bytes, a whole Arrow stream
	ReasonEnvelope  Reason = "envelope"  // the record is JSON, but no capture
	ReasonTime      Reason = "time"      // the event time cannot be read
	ReasonEncoding  Reason = "encoding"  // a payload said to be base64 is not, or an Arrow stream is compressed, big-endian or has dictionaries in parts
	ReasonPayload   Reason = "payload"   // the CSV or JSON text inside the capture does not parse
	ReasonColumns   Reason = "columns"   // a row without names has another number of cells than the schema has columns, or an Arrow column another type
	ReasonRows      Reason = "rows"      // input and output hold different numbers of rows, or an Arrow stream holds too many
	ReasonEmpty     Reason = "empty"     // a captured side or an Arrow stream holds no rows
	ReasonEndpoint  Reason = "endpoint"  // the record names no endpoint; the caller finds this, as it may know the name otherwise
	ReasonSize      Reason = "size"      // the batch that the record came in is too large when decompressed; the caller finds this
)

// Reasons is every reason, so that a counter can be started at zero for each.
var Reasons = []Reason{
	ReasonMalformed, ReasonEnvelope, ReasonTime, ReasonEncoding, ReasonPayload, ReasonColumns, ReasonRows, ReasonEmpty,
	ReasonEndpoint, ReasonSize,
}

// Error is why a record cannot be used. Reading the same bytes again gives the same error.
type Error struct {
	Reason Reason
	Field  string // where in the record, such as captureData.endpointInput.data
	Detail string // the value met, shortened, and what was expected
}

// Error names the reason, the field, the value and what was expected.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s %s", e.Reason, e.Field, e.Detail)
}

// fail returns the [*Error] for a field whose value is not what is wanted.
func fail[V string | []byte](reason Reason, field string, value V, want string) error {
	return &Error{reason, field, fmt.Sprintf("is %q: want %s", shorten(value), want)}
}

// failJSON is fail for text that fastjson refused; it says where the text breaks.
func failJSON(reason Reason, field string, text []byte, want string, err error) error {
	message := err.Error()
	if i := strings.LastIndex(message, "tail: "); i >= 0 {
		want += ", but it breaks at " + message[i+len("tail: "):]
	}
	return fail(reason, field, text, want)
}

// shorten keeps what a reader needs to find the value again.
func shorten[V string | []byte](value V) string {
	const most = 60
	if len(value) <= most {
		return string(value)
	}
	return string(value[:most]) + "…"
}
