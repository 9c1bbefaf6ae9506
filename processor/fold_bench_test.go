package processor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/baseline"
	"tidemark/monitor"
	"tidemark/windows"
)

// benchmarkFold returns SageMaker captures of 20 numbers, 5 categories and a prediction, and what counts them into panes.
func benchmarkFold(b *testing.B) (f *fold, records []*kgo.Record) {
	b.Helper()
	random := rand.New(rand.NewPCG(7, 7))
	row := func() string {
		var cells []string
		for range 20 {
			cells = append(cells, fmt.Sprintf("%.4f", random.NormFloat64()))
		}
		for i := range 5 {
			cells = append(cells, fmt.Sprintf("kind-%d-%d", i, random.IntN(8)))
		}
		return strings.Join(cells, ",")
	}
	header := ""
	for i := range 20 {
		header += fmt.Sprintf("f%d,", i)
	}
	training := header + "c0,c1,c2,c3,c4,score\n"
	for range 5000 {
		training += row() + fmt.Sprintf(",%.6f\n", random.Float64())
	}
	file := filepath.Join(b.TempDir(), "training.csv")
	if err := os.WriteFile(file, []byte(training), 0o600); err != nil {
		b.Fatal(err)
	}
	reference, err := baseline.Build([]string{file}, baseline.Roles{Predictions: []string{"score"}}, noon)
	if err != nil {
		b.Fatal(err)
	}
	config := monitor.DefaultConfig()
	config.Name = "bench"
	config.Complete()
	records = make([]*kgo.Record, 1000)
	for i := range records {
		at := noon.Add(time.Duration(i) * time.Millisecond).Format("2006-01-02T15:04:05.000Z")
		value := fmt.Sprintf(`{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":%q,"encoding":"CSV"},"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"%.6f","encoding":"CSV"}},"eventMetadata":{"eventId":"%032d","inferenceTime":%q},"eventVersion":"0"}`, row(), random.Float64(), i, at)
		records[i] = &kgo.Record{Topic: "capture", Value: []byte(value), Offset: int64(i)}
	}
	return testFold(monitor.New(config, reference)), records
}

// BenchmarkFold is the time for a capture, from its bytes to its pane.
func BenchmarkFold(b *testing.B) {
	f, records := benchmarkFold(b)
	b.SetBytes(int64(len(records[0].Value)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if dead := f.add(records[i%len(records)], windows.At(noon)); dead != nil {
			b.Fatal(dead)
		}
	}
}
