package capture

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

// Records of the common kinds cost no allocation, whatever their size.
func TestAllocations(t *testing.T) {
	for name, c := range benchmarkRecords(t) {
		b := NewBatch(c.schema)
		p := new(Parser)
		value := []byte(c.value)
		got := testing.AllocsPerRun(100, func() {
			b.Reset()
			r, err := p.Parse(value)
			if err == nil {
				err = r.Append(b)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		if got > c.allocs {
			t.Errorf("%s: %v allocations, want at most %v", name, got, c.allocs)
		}
	}
}

type benchmarkRecord struct {
	schema Schema
	value  string
	allocs float64
}

func benchmarkRecords(t fataler) map[string]benchmarkRecord {
	var names, row []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("feature%d", i))
		row = append(row, fmt.Sprintf("%d.25", i*37))
	}
	schema := numeric(strings.Join(names, " "), "score")
	schema.Columns[3].Kind = Categorical
	object := objects(names, [][]string{row})
	numbers := strings.ReplaceAll(toJSON(object[0]), `:"`, `:`)
	numbers = strings.ReplaceAll(strings.ReplaceAll(numbers, `",`, `,`), `"}`, `}`)
	var fields []arrow.Field
	var columns []string
	for i, c := range schema.Columns {
		is, value := arrow.PrimitiveTypes.Float64, fmt.Sprintf("%d.25,", i*37)
		if c.Kind == Categorical {
			is, value = arrow.BinaryTypes.String, `"electronic_check",`
		}
		fields = append(fields, nullable(c.Name, is))
		columns = append(columns, "["+strings.Repeat(value, 990)+strings.Repeat("null,", 9)+"null]")
	}
	score := asJSON(`{"predictions":[{"score":0.5}]}`)
	return map[string]benchmarkRecord{
		"csv":        {schema, sageMaker(asCSV(strings.Join(row, ",")), asCSV("0.5")), 0},
		"json":       {schema, sageMaker(asJSON(numbers), score), 0},
		"positional": {schema, sageMaker(asJSON("["+strings.Join(row, ",")+"]"), score), 0},
		"flat":       {schema, `{"endpoint":"e","variant":"v","id":"1","time":"2026-01-02T15:04:05Z","features":` + numbers + `,"predictions":{"score":0.5}}`, 0},
		"arrow":      {schema, string(streamOf(t, fields, [][]string{columns})), 0}, // of 1,000 rows
	}
}

func BenchmarkParseAppend(b *testing.B) {
	records := benchmarkRecords(b)
	for _, name := range slices.Sorted(maps.Keys(records)) {
		c := records[name]
		b.Run(name, func(b *testing.B) {
			batch, p, value := NewBatch(c.schema), new(Parser), []byte(c.value)
			b.SetBytes(int64(len(value)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := p.Parse(value)
				if err == nil {
					err = r.Append(batch)
				}
				if err != nil {
					b.Fatal(err)
				}
				if batch.Rows() > 1000 {
					batch.Reset()
				}
			}
		})
	}
}
