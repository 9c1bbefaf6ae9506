package baseline

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"tidemark/capture"
)

// writeParquet makes a Parquet file from JSON rows, in row groups of two rows.
func writeParquet(t testing.TB, fields []arrow.Field, rows string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.parquet")
	schema := arrow.NewSchema(fields, nil)
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(2)),
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func field(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

func TestParquet(t *testing.T) {
	path := writeParquet(t, []arrow.Field{
		field("tags", arrow.ListOf(arrow.BinaryTypes.String)),
		field("double", arrow.PrimitiveTypes.Float64),
		field("single", arrow.PrimitiveTypes.Float32),
		field("long", arrow.PrimitiveTypes.Int64),
		field("tiny", arrow.PrimitiveTypes.Uint8),
		field("flag", arrow.FixedWidthTypes.Boolean),
		field("zip", arrow.BinaryTypes.String),
		field("plan", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}),
		field("seen", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}),
		field("day", arrow.FixedWidthTypes.Date32),
		field("price", &arrow.Decimal128Type{Precision: 9, Scale: 2}),
	}, `[
		{"tags": ["a"], "double": 0.1, "single": 0.5, "long": 7, "tiny": 1, "flag": true, "zip": "01234", "plan": "gold", "seen": "2026-01-01T00:00:00Z", "day": "1970-01-02", "price": "12.50"},
		{"tags": null, "double": 2.5, "single": 0.5, "long": 7, "tiny": 2, "flag": false, "zip": "01234", "plan": "basic", "seen": "2026-01-01T00:00:01Z", "day": "1970-01-03", "price": "12.50"},
		{"tags": [], "double": null, "single": null, "long": null, "tiny": null, "flag": null, "zip": null, "plan": null, "seen": null, "day": null, "price": null},
		{"tags": ["b"], "double": 0.1, "single": 1.5, "long": 8, "tiny": 1, "flag": true, "zip": "99", "plan": "gold", "seen": "2026-01-01T00:00:02Z", "day": "1970-01-03", "price": "3.00"},
		{"tags": ["b"], "double": 0.1, "single": 1.5, "long": 8, "tiny": 1, "flag": true, "zip": "99", "plan": "gold", "seen": "2026-01-01T00:00:02Z", "day": "1970-01-03", "price": "3.00"}
	]`)
	b := mustBuild(t, Roles{Ignored: []string{"tags"}, Predictions: []string{"double"}}, path)
	for _, test := range []struct {
		name       string
		kind       capture.Kind
		low, high  float64
		categories []string
	}{
		{name: "double", kind: capture.Numeric, low: 0.1, high: 2.5},
		{name: "single", kind: capture.Numeric, low: 0.5, high: 1.5},
		{name: "long", kind: capture.Numeric, low: 7, high: 8},
		{name: "tiny", kind: capture.Numeric, low: 1, high: 2},
		{name: "flag", kind: capture.Categorical, categories: []string{"true"}},
		{name: "zip", kind: capture.Categorical, categories: []string{"01234", "99"}},
		{name: "plan", kind: capture.Categorical, categories: []string{"gold"}},
		{name: "seen", kind: capture.Numeric, low: 1767225600000, high: 1767225602000},
		{name: "day", kind: capture.Numeric, low: 86400000, high: 2 * 86400000},
		{name: "price", kind: capture.Numeric, low: 3, high: 12.5},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := b.Profile.Feature(test.name)
			if f.Captured != 5 || f.Missing != 1 || f.Present() != 4 || f.Layout.Kind != test.kind {
				t.Errorf("%d captured, %d missing, %d present, kind %s", f.Captured, f.Missing, f.Present(), f.Layout.Kind)
			}
			if test.kind == capture.Numeric && (f.Moments.Min != test.low || f.Moments.Max != test.high) {
				t.Errorf("from %v to %v, want %v to %v", f.Moments.Min, f.Moments.Max, test.low, test.high)
			}
			if diff := cmp.Diff(test.categories, f.Layout.Categories); diff != "" {
				t.Errorf("categories (-want +got):\n%s", diff)
			}
		})
	}
}

// TestParquetAsCSV checks that the same rows give the same baseline, down to its id.
func TestParquetAsCSV(t *testing.T) {
	roles := Roles{Predictions: []string{"score"}}
	csv := mustBuild(t, roles, write(t, "a.csv", "score,age,plan\n0.1,1,a\n0.30000000000000004,,b\nNaN,3,a\n1e300,4,\n"))
	parquet := mustBuild(t, roles, writeParquet(t, []arrow.Field{
		field("score", arrow.PrimitiveTypes.Float64), field("age", arrow.PrimitiveTypes.Int64), field("plan", arrow.BinaryTypes.String),
	}, `[{"score": 0.1, "age": 1, "plan": "a"}, {"score": 0.30000000000000004, "age": null, "plan": "b"},
	     {"score": "NaN", "age": 3, "plan": "a"}, {"score": 1e300, "age": 4, "plan": null}]`))
	if csv.ID != parquet.ID {
		t.Errorf("id %s from CSV, %s from Parquet", csv.ID, parquet.ID)
	}
}

func TestParquetErrors(t *testing.T) {
	path := writeParquet(t, []arrow.Field{field("x", arrow.PrimitiveTypes.Int64), field("tags", arrow.ListOf(arrow.BinaryTypes.String))}, `[{"x": 1, "tags": ["a"]}]`)
	_, err := Build([]string{path}, Roles{}, built)
	want := path + `: column "tags" has type list<element: utf8, nullable>, which cannot be compared: name it with --ignore, or write it as a number or text`
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
	empty := writeParquet(t, []arrow.Field{field("x", arrow.PrimitiveTypes.Int64)}, `[]`)
	if _, err := Build([]string{empty}, Roles{}, built); err == nil || !strings.HasSuffix(err.Error(), "no rows below the header: a baseline needs the rows the model was trained on") {
		t.Errorf("error %v", err)
	}
}

// FuzzParquet: whatever a Parquet file holds, its rows are read or it is refused, in memory in proportion to it.
func FuzzParquet(f *testing.F) {
	names := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	for _, kind := range []arrow.DataType{arrow.BinaryTypes.String, names} {
		content, err := os.ReadFile(writeParquet(f, []arrow.Field{
			field("x", arrow.PrimitiveTypes.Float64), field("n", arrow.PrimitiveTypes.Int32), field("plan", kind),
			field("seen", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}), field("price", &arrow.Decimal128Type{Precision: 9, Scale: 2}),
		}, `[{"x": 0.1, "n": 1, "plan": "gold", "seen": "2026-01-01T00:00:00Z", "price": "1.25"}, {"x": null}, {"x": -1e300, "n": 7, "plan": ""}]`))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
		f.Add(content[:len(content)-9])
		f.Add(append([]byte("PAR1"), content[len(content)-400:]...))
	}
	f.Add([]byte("PAR1\xff\xff\xff\x7fPAR1"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "data.parquet")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if file, err := openTable(path, false); err == nil {
			all := make([]int, len(file.columns))
			for i := range all {
				all[i] = i
			}
			_ = file.rows(all, func(cells [][]byte) error {
				if len(cells) != len(all) {
					t.Fatalf("%d cells of %d columns", len(cells), len(all))
				}
				return nil
			})
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20+1000*uint64(len(content)) {
			t.Fatalf("%d bytes took %d bytes", len(content), took)
		}
	})
}
