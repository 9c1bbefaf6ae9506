package capture

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Records of the common kinds cost no allocation, whatever their size.
func TestAllocations(t *testing.T) {
	for name, c := range benchmarkRecords() {
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

func benchmarkRecords() map[string]benchmarkRecord {
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
	score := asJSON(`{"predictions":[{"score":0.5}]}`)
	return map[string]benchmarkRecord{
		"csv":        {schema, sageMaker(asCSV(strings.Join(row, ",")), asCSV("0.5")), 0},
		"json":       {schema, sageMaker(asJSON(numbers), score), 0},
		"positional": {schema, sageMaker(asJSON("["+strings.Join(row, ",")+"]"), score), 0},
		"flat":       {schema, `{"endpoint":"e","variant":"v","id":"1","time":"2026-01-02T15:04:05Z","features":` + numbers + `,"predictions":{"score":0.5}}`, 0},
	}
}

func BenchmarkParseAppend(b *testing.B) {
	records := benchmarkRecords()
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
