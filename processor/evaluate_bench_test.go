package processor

import (
	"encoding/json"
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
	"tidemark/testbed"
	"tidemark/windows"
)

// benchFeatures is how many columns the endpoints of the benchmarks have, one in five of them categories.
const benchFeatures = 25

// benchRow is a row of them, as CSV.
func benchRow(random *rand.Rand) string {
	cells := make([]string, benchFeatures)
	for i := range cells {
		if i%5 == 4 {
			cells[i] = fmt.Sprintf("kind-%d", random.IntN(8))
		} else {
			cells[i] = fmt.Sprintf("%.4f", random.NormFloat64())
		}
	}
	return strings.Join(cells, ",")
}

func benchBaseline(b *testing.B) *baseline.Baseline {
	b.Helper()
	random := rand.New(rand.NewPCG(7, 7))
	lines := []string{""}
	for i := range benchFeatures {
		lines[0] += fmt.Sprintf("f%d,", i)
	}
	lines[0] = strings.TrimSuffix(lines[0], ",")
	for range 5000 {
		lines = append(lines, benchRow(random))
	}
	file := filepath.Join(b.TempDir(), "training.csv")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		b.Fatal(err)
	}
	reference, err := baseline.Build([]string{file}, baseline.Roles{}, noon)
	if err != nil {
		b.Fatal(err)
	}
	return reference
}

// BenchmarkEvaluate takes in the deltas of ten seconds of 1,000 endpoints, closes a window of a minute of each, and makes
// the records of the commits: of rules and of the alarm budget, with few and with many rows in a delta, of one commit or of ten.
func BenchmarkEvaluate(b *testing.B) {
	reference := benchBaseline(b)
	for _, policy := range []string{"rules", "budget"} {
		for _, c := range []struct{ rows, commits int }{{10, 1}, {1000, 1}, {10, 10}} {
			b.Run(fmt.Sprintf("%s/rows=%d/commits=%d", policy, c.rows, c.commits), func(b *testing.B) { benchEvaluate(b, reference, policy, c.rows, c.commits) })
		}
	}
}

func benchEvaluate(b *testing.B, reference *baseline.Baseline, policy string, rows, commits int) {
	const endpoints = 1000
	interval := 10 * time.Second / time.Duration(commits)
	c := monitor.DefaultConfig()
	c.Name, c.Match.Endpoint = "all", "*"
	c.Windows = []windows.Spec{{Size: time.Minute, Slide: 10 * time.Second}}
	if policy == "rules" {
		c.Drift = []monitor.Rule{{Method: "psi", Threshold: 0.2}, {Method: "ks", Threshold: 0.1}, {Method: "l_infinity", Threshold: 0.1}, {Method: "chi_square", Alpha: 0.000001}}
	}
	c.Complete()
	config := DefaultConfig()
	config.Topics.Partitions = 1
	config.Complete()
	m := monitor.New(c, reference)
	f := newFold(&config, []*monitor.Monitor{m})
	random := rand.New(rand.NewPCG(1, 1))
	for i := range rows {
		value := fmt.Sprintf(`{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":%q,"encoding":"CSV"}},"eventMetadata":{"eventId":"%032d","inferenceTime":%q},"eventVersion":"0"}`,
			benchRow(random), i, noon.Format(time.RFC3339))
		if dead := f.add(&kgo.Record{Topic: "capture", Value: []byte(value), Headers: []kgo.RecordHeader{{Key: headerEndpoint, Value: []byte("e")}}}, windows.At(noon)); dead != nil {
			b.Fatal(dead)
		}
	}
	delta := *f.deltas()[0]

	ev := NewEvaluation(&config, []*monitor.Monitor{m})
	ev.Take(ev.Restoration(0, 0))
	at, offset := noon, int64(0)
	step := func(key, value []byte) {
		if err := ev.Step(&kgo.Record{Key: key, Value: value, Offset: offset, Timestamp: at}); err != nil {
			b.Fatal(err)
		}
		offset++
	}
	reports, written := 0, 0
	commit := func() {
		start := windows.At(at)
		d := delta
		d.Panes = []monitor.PaneDelta{delta.Panes[0]}
		d.Panes[0].Start = start.Floor(10 * time.Second)
		source := windows.Source{Topic: "capture"}
		d.Sources = []windows.Progress{{Source: source, EventTime: start.Add(interval - 1), Appended: start}}
		for i := range endpoints {
			d.Endpoint = fmt.Sprintf("endpoint-%04d", i)
			step([]byte(d.Endpoint), d.Append(nil))
		}
		vector, err := json.Marshal(windows.Vector{Instance: "a", Counts: map[string]int32{"capture": 1},
			Sources: []windows.Status{{Source: source, Position: offset, Appended: start}}})
		if err != nil {
			b.Fatal(err)
		}
		step(nil, vector)
		records, err := ev.Records()
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range records {
			if r.Topic == config.Topics.Reports {
				reports++
			}
			written += len(r.Value)
		}
		ev.Forget()
		at = at.Add(interval)
	}
	pane := func() {
		for range commits {
			commit()
		}
	}
	for range 12 {
		pane()
	}
	reports, written = 0, 0
	b.ReportAllocs()
	before := testbed.ProcessorTime(b)
	for b.Loop() {
		pane()
	}
	b.ReportMetric(float64((testbed.ProcessorTime(b)-before).Microseconds())/float64(reports), "cpu-us/report")
	b.ReportMetric(float64(written)/float64(reports), "B/report")
}
