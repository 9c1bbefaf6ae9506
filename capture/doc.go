// Package capture reads captured predictions: what a model was asked, what it answered, and when.
//
// A capture is one record in one of three forms, which [Parser.Parse] tells apart by their first bytes and their keys.
// SageMaker Data Capture writes the first; its payloads are text inside the JSON. The second is for everyone else. It is flat:
//
//	{"captureData":{"endpointInput":{"encoding":"CSV","data":"42,Nevada","observedContentType":"text/csv"},
//	  "endpointOutput":{"encoding":"JSON","data":"{\"predictions\":[{\"score\":0.9}]}"}},
//	  "eventMetadata":{"eventId":"…","inferenceTime":"2026-01-02T15:04:05Z"}}
//
//	{"endpoint":"churn","id":"…","time":"2026-01-02T15:04:05Z",
//	  "features":{"age":42,"state":"Nevada"},"predictions":{"score":0.9}}
//
// The third is a stream of Arrow IPC, which holds many predictions column by column: see stream.go. Each row has the
// event time and the ids of the columns event_time, event_id and inference_id, and any other column is a feature or a
// prediction by its name.
//
// The features are the input [Side] of a capture and the predictions its output. Either may be missing. A side that
// was captured in a form that cannot be read, such as an image, is left out of its rows and counted by
// [Batch.Undecoded]; that is no fault of the record.
//
// # Rows
//
// One call may ask for many predictions, so that a side holds one or several rows, and both sides equally many. A row
// is written in one of two ways. By name, as a JSON object, whose keys find their columns of the [Schema]; nested
// values are found as user.age and tags[0]. By position, as a CSV line or a JSON array, whose cells are the
// columns of their side in file order, neither more nor fewer. In JSON, rows stand
//
//   - in an array: [[42,"Nevada"],[43,"Ohio"]] or [{"age":42},{"age":43}]; but [42,"Nevada"] is one row,
//   - in an array under instances or inputs (input) or predictions (output), where a bare value is a row of one cell,
//   - one on each line (JSON Lines), where {"features":[42,"Nevada"]} is by position,
//   - in columns: {"age":[42,43],"state":["Nevada","Ohio"]}.
//
// # Values
//
// [Record.Append] adds the rows to a [Batch], in which a value is present, missing or invalid. An empty cell, a JSON
// null and an absent key are missing. What does not have the kind of its column is invalid: "abc" for a number, an
// object for a category. Neither is an error. [ParseNumber] and [Canonical] say how values are read, for training
// data as for captures. A key that the schema does not have is counted by [Batch.Extra].
//
// # Errors
//
// A record that cannot be used gives an [*Error] with a [Reason], and leaves nothing in the batch. Reading it again
// gives the same error, so it is to be counted and passed over.
//
// The package does no I/O, has no clock and knows no Kafka. Beyond RFC 8259 it accepts NaN and Infinity, as Python
// writes them, control characters in strings, and malformed numbers such as 1.2.3, which are invalid values.
package capture
