package archive

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tidemark/capture"
	"tidemark/testbed"
)

// BenchmarkEncode decodes and writes captures like those of the reference job: in SageMaker's format, of 20 numbers with four
// decimals and 1 % empty, 5 categories and a score. Its figures are per row, besides the time per file.
func BenchmarkEncode(b *testing.B) {
	records, source := benchmarkRecords(100_000)
	rows := float64(len(records))
	decoder := NewDecoder(source)
	decode := func() *Records {
		r := decoder.NewRecords(0, 0)
		for i := range records {
			r.Add(records[i])
		}
		r.Pass(int64(len(records)), 0)
		return r
	}
	for _, codec := range []Codec{Fast, Small} {
		b.Run(string(codec), func(b *testing.B) {
			size, e := 0, NewEncoder(codec)
			b.ReportAllocs()
			started := testbed.ProcessorTime(b)
			for b.Loop() {
				r := decode()
				table := r.Table()
				content, err := e.Parquet(table, Info{End: r.End, Rows: table.Rows})
				if err != nil || table.ByStatus[StatusOK] != int64(rows) {
					b.Fatal(err, table.ByStatus)
				}
				size = len(content)
				decoder.Take(r)
			}
			b.ReportMetric(float64(size)/rows, "B/row")
			b.ReportMetric(float64(testbed.ProcessorTime(b)-started)/float64(b.N)/rows, "cpu-ns/row")
		})
	}
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		captured := int64(0)
		started := testbed.ProcessorTime(b)
		for b.Loop() {
			r := decode()
			captured = r.Bytes
			decoder.Take(r)
		}
		b.ReportMetric(float64(testbed.ProcessorTime(b)-started)/float64(b.N)/rows, "cpu-ns/row")
		b.ReportMetric(float64(captured)/rows, "captured-B/row")
	})
}

func benchmarkRecords(rows int64) (records []Record, source Source) {
	schema := &capture.Schema{}
	add := func(name string, role capture.Role, kind capture.Kind) {
		schema.Columns = append(schema.Columns, capture.Column{Name: name, Role: role, Kind: kind})
	}
	for i := range 20 {
		add(fmt.Sprintf("f%02d", i), capture.Feature, capture.Numeric)
	}
	categories := []int{4, 12, 2, 3, 6}
	for i := range categories {
		add(fmt.Sprintf("c%02d", i), capture.Feature, capture.Categorical)
	}
	add("score", capture.Prediction, capture.Numeric)
	random := rand.New(rand.NewPCG(1, 1))
	means, deviations := [5]float64{0, 1.5, 12, 70, -3}, [5]float64{1, 0.5, 3, 12, 2}
	for i := range rows {
		value := []byte(`{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"`)
		for j := range 20 {
			if random.Float64() >= 0.01 {
				value = fmt.Appendf(value, "%.4f", means[j%5]+float64(j)+deviations[j%5]*random.NormFloat64())
			}
			value = append(value, ',')
		}
		for j, n := range categories {
			value = fmt.Appendf(value, "category-%d-%d,", j, min(random.IntN(n), random.IntN(n)))
		}
		at := 1_700_000_000_000 + i + random.Int64N(4001) - 2000
		value = fmt.Appendf(value[:len(value)-1], `","encoding":"CSV"},"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"%.6f","encoding":"CSV"}},`+
			`"eventMetadata":{"eventId":"%08x-%04x-4%03x-%04x-%012x","inferenceTime":"%s"},"eventVersion":"0"}`, random.Float64()*random.Float64(),
			random.Uint32(), random.Uint32()>>16, random.Uint32()>>20, 0x8000|random.Uint32()>>18, random.Uint64()>>16, time.UnixMilli(at).UTC().Format("2006-01-02T15:04:05.000Z"))
		records = append(records, Record{Offset: i, Timestamp: at, Endpoint: "bench", Value: value})
	}
	return records, Source{Schemas: func(string, string) []*capture.Schema { return []*capture.Schema{schema} }}
}
