package capture

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"
)

// people has a numeric and a categorical column on each side, in an order that is not the batch's.
var people = Schema{Columns: []Column{
	{Name: "score", Role: Prediction, Kind: Numeric},
	{Name: "age", Role: Feature, Kind: Numeric},
	{Name: "id", Role: ID},
	{Name: "state", Role: Feature, Kind: Categorical},
	{Name: "class", Role: Prediction, Kind: Categorical},
}}

func numbers(role Role, names ...string) []Column {
	var columns []Column
	for _, name := range names {
		columns = append(columns, Column{name, role, Numeric})
	}
	return columns
}

// numeric is a schema of numeric features and predictions, each separated by spaces.
func numeric(features, predictions string) Schema {
	return Schema{append(numbers(Feature, strings.Fields(features)...), numbers(Prediction, strings.Fields(predictions)...)...)}
}

// side is a captured side of a SageMaker record; its zero value is an absent one.
type side struct{ encoding, data, contentType string }

func asCSV(data string) side  { return side{"CSV", data, "text/csv"} }
func asJSON(data string) side { return side{"JSON", data, "application/json"} }
func asBase64(data, contentType string) side {
	return side{"BASE64", base64.StdEncoding.EncodeToString([]byte(data)), contentType}
}

func sageMaker(in, out side) string {
	data := map[string]any{}
	for name, s := range map[string]side{"endpointInput": in, "endpointOutput": out} {
		if s == (side{}) {
			continue
		}
		m := map[string]any{"mode": "ANY", "data": s.data, "encoding": s.encoding, "observedContentType": nil}
		if s.contentType != "" {
			m["observedContentType"] = s.contentType
		}
		data[name] = m
	}
	b, err := json.Marshal(map[string]any{
		"captureData":   data,
		"eventMetadata": map[string]any{"eventId": "e1", "inferenceTime": "2026-01-02T15:04:05Z"},
		"eventVersion":  "0",
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// fataler is what tests of the testing package and of rapid have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// render reads the batch back through Arrow, a line for each row: the sides, then each column's value, where - is
// missing and ! is invalid.
func render(t fataler, b *Batch) []string {
	t.Helper()
	record := b.Record()
	defer record.Release()
	if int(record.NumRows()) != b.Rows() || len(b.Times()) != b.Rows() || len(b.Sides()) != b.Rows() {
		t.Fatalf("%d rows, record of %d, %d times, %d sides", b.Rows(), record.NumRows(), len(b.Times()), len(b.Sides()))
	}
	lines := make([]string, b.Rows())
	for row, s := range b.Sides() {
		lines[row] = map[Side]string{0: "--", Input: "i-", Output: "-o", Input | Output: "io"}[s]
	}
	for i, c := range b.Watched() {
		column := b.Column(i)
		if column.Len() != b.Rows() || record.Column(i).Len() != b.Rows() {
			t.Fatalf("column %s has %d rows of %d", c.Name, column.Len(), b.Rows())
		}
		invalid := map[int]bool{}
		for _, row := range b.Invalid(i) {
			if invalid[int(row)] || column.IsValid(int(row)) {
				t.Fatalf("column %s: row %d is invalid twice, or invalid and has a value", c.Name, row)
			}
			invalid[int(row)] = true
		}
		for row := range lines {
			value := "-"
			switch column := column.(type) {
			case *array.Float64:
				if column.IsValid(row) {
					value = fmt.Sprint(column.Value(row))
				}
			case *array.String:
				if column.IsValid(row) {
					value = fmt.Sprintf("%q", column.Value(row))
				} else if column.Value(row) != "" {
					t.Fatalf("column %s: row %d is null and holds text", c.Name, row)
				}
			}
			if invalid[row] {
				value = "!"
			}
			lines[row] += " " + value
		}
		column.Release()
	}
	return lines
}

// read parses one record into a new batch.
func read(t testing.TB, schema Schema, value string) (*Record, *Batch, error) {
	t.Helper()
	r, err := new(Parser).Parse([]byte(value))
	if err != nil {
		wantReason(t, err)
		return nil, nil, err
	}
	b := NewBatch(schema)
	if err := r.Append(b); err != nil {
		wantReason(t, err)
		if !reflect.DeepEqual(b, NewBatch(schema)) && b.Rows() != 0 {
			t.Fatalf("a failed record left %v", render(t, b))
		}
		return r, nil, err
	}
	return r, b, nil
}

func reasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

func wantReason(t testing.TB, err error) {
	t.Helper()
	for _, reason := range Reasons {
		if reasonOf(err) == reason {
			return
		}
	}
	t.Fatalf("%v (%T) has no reason of the closed set", err, err)
}

// rowsCase is a record and the rows it must give: lines of render, or the reason of its error.
type rowsCase struct {
	name   string
	schema Schema
	value  string
	want   string // lines, joined by newlines; or reason
	extra  int
}

func (c rowsCase) run(t *testing.T) {
	r, b, err := read(t, c.schema, c.value)
	if err != nil {
		if string(reasonOf(err)) != c.want {
			t.Fatalf("got error %v\nwant %s", err, c.want)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(c.want, "\n"), render(t, b)); diff != "" {
		t.Fatalf("rows (-want +got):\n%s", diff)
	}
	if b.Extra() != c.extra {
		t.Errorf("extra = %d, want %d", b.Extra(), c.extra)
	}
	if r.Rows() != b.Rows() {
		t.Errorf("Rows() = %d, appended %d", r.Rows(), b.Rows())
	}
}

func runRows(t *testing.T, cases []rowsCase) {
	for _, c := range cases {
		t.Run(c.name, c.run)
	}
}
