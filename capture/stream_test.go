package capture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// streamOf writes batches as Arrow's own library does. Each batch is columns of JSON, as the library reads them.
func streamOf(t fataler, fields []arrow.Field, batches [][]string, options ...ipc.Option) []byte {
	t.Helper()
	schema := arrow.NewSchema(fields, nil)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, append(options, ipc.WithSchema(schema))...)
	for _, columns := range batches {
		var arrays []arrow.Array
		for i, text := range columns {
			a, _, err := array.FromJSON(memory.DefaultAllocator, fields[i].Type, strings.NewReader(text))
			if err != nil {
				t.Fatalf("column %d: %v", i, err)
			}
			arrays = append(arrays, a)
		}
		if err := w.Write(array.NewRecordBatch(schema, arrays, int64(arrays[0].Len()))); err != nil {
			t.Fatalf("write: %v", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return out.Bytes()
}

func nullable(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

func dictionaryOf(index arrow.DataType) arrow.DataType {
	return &arrow.DictionaryType{IndexType: index, ValueType: arrow.BinaryTypes.String}
}

var (
	ageColumn   = nullable("age", arrow.PrimitiveTypes.Float64)
	stateColumn = nullable("state", arrow.BinaryTypes.String)
	scoreColumn = nullable("score", arrow.PrimitiveTypes.Float64)
	timeColumn  = nullable("event_time", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"})
)

func TestStreams(t *testing.T) {
	of := func(fields []arrow.Field, batches ...[]string) string { return string(streamOf(t, fields, batches)) }
	int32s := nullable("age", arrow.PrimitiveTypes.Int32)
	runRows(t, []rowsCase{
		{"both sides", people, of([]arrow.Field{scoreColumn, stateColumn, ageColumn, nullable("class", dictionaryOf(arrow.PrimitiveTypes.Int8))},
			[]string{`[0.5,0.25]`, `["x","é"]`, `[1,null]`, `["b","a"]`}), "io 1 \"x\" 0.5 \"b\"\nio - \"é\" 0.25 \"a\"", 0},
		{"features only", people, of([]arrow.Field{ageColumn}, []string{`[1]`}), "i- 1 - - -", 0},
		{"predictions only", people, of([]arrow.Field{scoreColumn}, []string{`[1]`}), "-o - - 1 -", 0},
		{"two batches", people, of([]arrow.Field{int32s, stateColumn}, []string{`[-1,2]`, `["x",null]`}, []string{`[3]`, `["x"]`}),
			"i- -1 \"x\" - -\ni- 2 - - -\ni- 3 \"x\" - -", 0},
		{"an empty batch among others", people, of([]arrow.Field{ageColumn, stateColumn}, []string{`[]`, `[]`}, []string{`[3]`, `[""]`}), "i- 3 - - -", 0},
		{"numbers as categories", people, of([]arrow.Field{nullable("state", arrow.PrimitiveTypes.Int16), nullable("class", arrow.PrimitiveTypes.Uint64)},
			[]string{`[-7,null]`, `[18446744073709551615,0]`}), "io - \"-7\" - \"18446744073709551615\"\nio - - - \"0\"", 0},
		{"truth", people, of([]arrow.Field{nullable("age", arrow.FixedWidthTypes.Boolean), nullable("class", arrow.FixedWidthTypes.Boolean)},
			[]string{`[true,false,null]`, `[false,null,true]`}), "io 1 - - \"false\"\nio 0 - - -\nio - - - \"true\"", 0},
		{"spellings as in training data", people, of([]arrow.Field{stateColumn, nullable("class", dictionaryOf(arrow.PrimitiveTypes.Uint32))},
			[]string{`["True","1.0"]`, `["FALSE","2.0"]`}), "io - \"true\" - \"false\"\nio - \"1\" - \"2\"", 0},
		{"columns of nulls", people, of([]arrow.Field{nullable("age", arrow.Null), nullable("state", arrow.Null)}, []string{`[null]`, `[null]`}), "i- - - - -", 0},
		{"unknown columns", people, of([]arrow.Field{ageColumn, nullable("more", arrow.BinaryTypes.Binary), nullable("id", arrow.PrimitiveTypes.Date32)},
			[]string{`[1,2]`, `["",""]`, `[1,2]`}), "i- 1 - - -\ni- 2 - - -", 4},
		{"nothing known", people, of([]arrow.Field{nullable("more", arrow.PrimitiveTypes.Float64)}, []string{`[1]`}), "columns", 0},
		{"text for a number", people, of([]arrow.Field{nullable("age", arrow.BinaryTypes.String)}, []string{`["1"]`}), "columns", 0},
		{"a dictionary for a number", people, of([]arrow.Field{nullable("age", dictionaryOf(arrow.PrimitiveTypes.Int8))}, []string{`["1"]`}), "columns", 0},
		{"a number with a point for a category", people, of([]arrow.Field{nullable("state", arrow.PrimitiveTypes.Float64)}, []string{`[1]`}), "columns", 0},
		{"twice", people, of([]arrow.Field{ageColumn, ageColumn}, []string{`[1]`, `[2]`}), "columns", 0},
		{"a list", people, of([]arrow.Field{ageColumn, nullable("embedding", arrow.ListOf(arrow.PrimitiveTypes.Float32))}, []string{`[1]`, `[[1,2]]`}), "columns", 0},
		{"an id that is a number", people, of([]arrow.Field{ageColumn, nullable("event_id", arrow.PrimitiveTypes.Int64)}, []string{`[1]`, `[2]`}), "columns", 0},
		{"a time that is text", people, of([]arrow.Field{ageColumn, nullable("event_time", arrow.BinaryTypes.String)}, []string{`[1]`, `["2026-01-02T15:04:05Z"]`}), "time", 0},
		{"a time beyond all", people, of([]arrow.Field{ageColumn, nullable("event_time", arrow.PrimitiveTypes.Int64)}, []string{`[1,2]`, `[1767366245000,9223372036854775807]`}), "time", 0},
		{"no rows", people, of([]arrow.Field{ageColumn}, []string{`[]`}), "empty", 0},
		{"no batches", people, of([]arrow.Field{ageColumn}), "empty", 0},
		{"too many rows", people, of([]arrow.Field{ageColumn}, []string{"[" + strings.Repeat("1,", maxStreamRows) + "1]"}), "rows", 0},
		{"compressed", people, string(streamOf(t, []arrow.Field{ageColumn}, [][]string{{`[1]`}}, ipc.WithZstd())), "encoding", 0},
	})
}

// The event times are each row's own; a row without one has the record's.
func TestStreamTimes(t *testing.T) {
	for _, c := range []struct {
		name   string
		t      arrow.DataType
		values string
		want   []int64
	}{
		{"seconds", &arrow.TimestampType{Unit: arrow.Second}, `["2026-01-02T15:04:05","1969-12-31T23:59:59"]`, []int64{1767366245000, -1000}},
		{"milliseconds", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, `["2026-01-02T15:04:05.678Z",null]`, []int64{1767366245678, 77}},
		{"microseconds", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Asia/Tokyo"}, `["2026-01-02T15:04:05.678999Z","1969-12-31T23:59:59.999999Z"]`, []int64{1767366245678, -1}},
		{"nanoseconds", &arrow.TimestampType{Unit: arrow.Nanosecond}, `["2026-01-02T15:04:05.678999999","1969-12-31T23:59:59.999999999"]`, []int64{1767366245678, -1}},
		{"a number", arrow.PrimitiveTypes.Int64, `[1767366245678,1767366245]`, []int64{1767366245678, 1767366245000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := new(Parser).Parse(streamOf(t, []arrow.Field{nullable("event_time", c.t), ageColumn}, [][]string{{c.values, `[1,2]`}}))
			if err != nil {
				t.Fatal(err)
			}
			if r.HasTime == strings.Contains(c.values, "null") {
				t.Fatalf("HasTime = %v", r.HasTime)
			} else if !r.HasTime {
				r.Time = 77
			}
			b := NewBatch(people)
			if err := r.Append(b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, b.Times()); diff != "" {
				t.Error(diff)
			}
			early, late := min(c.want[0], c.want[1]), max(c.want[0], c.want[1])
			for limit, want := range map[int64][]any{late: {late, true, false}, late - 1: {early, true, true}, early - 1: {false, true}} {
				ms, some, beyond := r.Latest(limit)
				got := []any{ms, some, beyond}
				if !some {
					got = got[1:]
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("Latest(%d): %s", limit, diff)
				}
			}
		})
	}
}

func TestStreamIDs(t *testing.T) {
	value := streamOf(t, []arrow.Field{nullable("event_id", arrow.BinaryTypes.LargeString), ageColumn, nullable("inference_id", arrow.BinaryTypes.String)},
		[][]string{{`["a","b"]`, `[1,2]`, `[null,"j"]`}, {`["c"]`, `[3]`, `["k"]`}})
	r, err := new(Parser).Parse(value)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for row := range r.Rows() {
		event, inference := r.IDs(row)
		got = append(got, string(event)+" "+string(inference))
	}
	if diff := cmp.Diff([]string{"a ", "b j", "c k"}, got); diff != "" {
		t.Error(diff)
	}
}

// What rows of a stream say, they say as flat captures too.
func TestStreamsAreReadAsFlatCaptures(t *testing.T) {
	ints := []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64}
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Map(rapid.IntRange(0, 120), strconv.Itoa)
		float := rapid.Map(rapid.Float64(), func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) })
		half := rapid.Map(rapid.Float32Range(-1e30, 1e30), func(x float32) string { return strconv.FormatFloat(float64(x), 'g', -1, 64) })
		truth := rapid.Map(rapid.Bool(), strconv.FormatBool)
		text := rapid.Map(rapid.OneOf(rapid.SampledFrom([]string{"", "CA", "True", "1.0", "electronic_check"}), rapid.String(), rapid.StringN(15, 18, -1)), func(s string) string {
			b, _ := json.Marshal(s) // a string has no value that JSON refuses
			return string(b)
		})
		number := func() (arrow.DataType, *rapid.Generator[string]) {
			switch k := rapid.IntRange(0, len(ints)+2).Draw(t, "number"); k {
			case 0:
				return arrow.PrimitiveTypes.Float64, float
			case 1:
				return arrow.PrimitiveTypes.Float32, half
			case 2:
				return arrow.FixedWidthTypes.Boolean, truth
			default:
				return ints[k-3], whole
			}
		}
		category := func() (arrow.DataType, *rapid.Generator[string]) {
			switch k := rapid.IntRange(0, 2*len(ints)+2).Draw(t, "category"); {
			case k == 0:
				return arrow.BinaryTypes.String, text
			case k == 1:
				return arrow.BinaryTypes.LargeString, text
			case k == 2:
				return arrow.FixedWidthTypes.Boolean, truth
			case k < len(ints)+3:
				return ints[k-3], whole
			default:
				return dictionaryOf(ints[k-3-len(ints)]), text
			}
		}
		var fields []arrow.Field
		var values []*rapid.Generator[string]
		for _, name := range rapid.Permutation([]string{"age", "state", "score", "class", "more"}).Draw(t, "order") {
			is, of := number()
			if name == "state" || name == "class" {
				is, of = category()
			}
			if name == "age" || rapid.Bool().Draw(t, name) { // so that one is known
				fields, values = append(fields, nullable(name, is)), append(values, of)
			}
		}
		p, want := new(Parser), NewBatch(people)
		var batches [][]string
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			columns := make([][]string, len(fields))
			for range rapid.IntRange(1, 70).Draw(t, "rows") {
				sides := map[bool][]string{}
				for i, f := range fields {
					value := values[i].Draw(t, f.Name)
					if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
						value = "null"
					}
					columns[i] = append(columns[i], value)
					output := f.Name == "score" || f.Name == "class"
					sides[output] = append(sides[output], fmt.Sprintf("%q:%s", f.Name, value))
				}
				flat := fmt.Sprintf(`{"time":"2026-01-02T15:04:05Z","features":{%s}`, strings.Join(sides[false], ","))
				if sides[true] != nil {
					flat += fmt.Sprintf(`,"predictions":{%s}`, strings.Join(sides[true], ","))
				}
				r, err := p.Parse([]byte(flat + "}"))
				if err == nil {
					err = r.Append(want)
				}
				if err != nil {
					t.Fatalf("%s: %v", flat, err)
				}
			}
			var batch []string
			for _, c := range columns {
				batch = append(batch, "["+strings.Join(c, ",")+"]")
			}
			batches = append(batches, batch)
		}
		got := NewBatch(people)
		r, err := p.Parse(streamOf(t, fields, batches, ipc.WithDictionaryDeltas(false)))
		if err != nil {
			t.Fatalf("%v", err)
		}
		r.Time = 1767366245000
		if err := r.Append(got); err != nil {
			t.Fatalf("%v", err)
		}
		if diff := cmp.Diff(rendered(t, want), rendered(t, got)); diff != "" {
			t.Fatalf("flat and Arrow (-flat +Arrow):\n%s", diff)
		}
		if diff := cmp.Diff(fresh(want.extras), fresh(got.extras)); diff != "" {
			t.Fatalf("extras: %s", diff)
		}
	})
}

// rendered is the batch's rows, and the bits of its numbers.
func rendered(t fataler, b *Batch) []string {
	lines := render(t, b)
	for i, c := range b.Watched() {
		for row := range b.Rows() {
			if c.Kind == Numeric {
				lines[row] += fmt.Sprintf(" %x", math.Float64bits(b.Numbers(i)[row]))
			}
		}
	}
	return lines
}
