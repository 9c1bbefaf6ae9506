package archive

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tidemark/capture"
)

// BenchmarkEncode decodes and writes records of 20 numbers with six digits and 5 categories, in the flat format. Its
// figures are per row, besides the time per file.
func BenchmarkEncode(b *testing.B) {
	schema := &capture.Schema{}
	for i := range 20 {
		schema.Columns = append(schema.Columns, capture.Column{Name: fmt.Sprintf("number_%d", i), Role: capture.Feature, Kind: capture.Numeric})
	}
	for i := range 5 {
		schema.Columns = append(schema.Columns, capture.Column{Name: fmt.Sprintf("category_%d", i), Role: capture.Feature, Kind: capture.Categorical})
	}
	const rows = 100_000
	random := rand.New(rand.NewPCG(1, 1))
	records := NewRecords(0, 0)
	for i := range int64(rows) {
		value := fmt.Appendf(nil, `{"endpoint":"loans","id":"application-%d","time":%d,"features":{`, i, 1767323045000+i)
		for j := range 20 {
			value = fmt.Appendf(value, `"number_%d":%.6g,`, j, 1000+100*random.NormFloat64())
		}
		for j := range 5 {
			value = fmt.Appendf(value, `"category_%d":"value-%d",`, j, random.IntN(10))
		}
		value[len(value)-1] = '}'
		records.Add(Record{Offset: i, Timestamp: 1767323045000 + i, Value: append(value, '}')})
		records.Pass(i+1, 0)
	}
	source := Source{Schemas: func(string, string) []*capture.Schema { return []*capture.Schema{schema} }}
	for _, codec := range []Codec{Fast, Small} {
		b.Run(string(codec), func(b *testing.B) {
			size := 0
			for b.Loop() {
				table := Decode(records, source)
				content, err := table.Parquet(Info{End: rows, Rows: rows}, codec)
				if err != nil || table.ByStatus[StatusOK] != rows {
					b.Fatal(err, table.ByStatus)
				}
				size = len(content)
			}
			b.ReportMetric(float64(size)/rows, "B/row")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			Decode(records, source)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		b.ReportMetric(float64(records.Bytes)/rows, "captured-B/row")
	})
}
