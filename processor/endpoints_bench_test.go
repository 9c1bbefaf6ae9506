package processor

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/testbed"
	"tidemark/windows"
)

// BenchmarkEndpoints is the processor time of both roles, without a client, for captures of one and of many endpoints: 10,000 a second of
// event time, in 8 partitions, of which each commit has read so many, and windows of a minute that slide by ten seconds.
func BenchmarkEndpoints(b *testing.B) {
	for _, c := range []struct{ endpoints, read int }{{1, 60_000}, {1000, 60_000}, {1000, 240_000}} {
		b.Run(fmt.Sprintf("%d/read=%d", c.endpoints, c.read), func(b *testing.B) {
			benchRoles(b, c.endpoints, c.read, 10_000, 10*time.Second)
		})
	}
}

// BenchmarkSlide is the same of one endpoint, 1,000 captures a second, and of windows that slide by so much.
func BenchmarkSlide(b *testing.B) {
	for _, slide := range []time.Duration{time.Minute, 10 * time.Second, time.Second} {
		b.Run(slide.String(), func(b *testing.B) { benchRoles(b, 1, 60_000, 1000, slide) })
	}
}

func benchRoles(b *testing.B, endpoints, read, rate int, slide time.Duration) {
	const (
		rows       = 480_000
		partitions = 8
	)
	f, captured := benchmarkFold(b)
	c := monitor.DefaultConfig()
	c.Name, c.Match.Endpoint, c.Windows = "all", "*", []windows.Spec{{Size: time.Minute, Slide: slide}}
	c.Drift = []monitor.Rule{{Method: "psi", Threshold: 0.2}, {Method: "ks", Threshold: 0.1}, {Method: "l_infinity", Threshold: 0.1}, {Method: "chi_square", Alpha: 0.000001}}
	c.Complete()
	config := DefaultConfig()
	config.Topics.Partitions = 1
	config.Complete()
	monitors := []*monitor.Monitor{monitor.New(c, f.monitors[0].Baseline)}

	random := rand.New(rand.NewPCG(1, 1))
	records := make([]kgo.Record, rows)
	offsets := map[int32]int64{}
	for i := range records {
		value := append([]byte(nil), captured[random.IntN(len(captured))].Value...)
		at := noon.Add(time.Duration(i)*time.Second/time.Duration(rate) + time.Duration(random.Int64N(int64(4*time.Second))))
		copy(value[len(value)-len(`2006-01-02T15:04:05.000Z"},"eventVersion":"0"}`):], at.Format("2006-01-02T15:04:05.000Z"))
		p := int32(random.IntN(partitions))
		records[i] = kgo.Record{Topic: "capture", Partition: p, Offset: offsets[p], Timestamp: noon, Value: value,
			Headers: []kgo.RecordHeader{{Key: headerEndpoint, Value: fmt.Appendf(nil, "endpoint-%04d", random.IntN(endpoints))}}}
		offsets[p]++
	}

	var spent time.Duration
	var reports, panes, state int
	for b.Loop() {
		intake, ev := NewIntake(&config, monitors), NewEvaluation(&config, monitors)
		ev.Take(ev.Restoration(0, 0))
		now, offset := noon, int64(0)
		before := testbed.ProcessorTime(b)
		for from := 0; from < rows; from += read {
			now = now.Add(6 * time.Second)
			batches := [partitions][]*kgo.Record{}
			for i := from; i < min(from+read, rows); i++ {
				r := &records[i]
				batches[r.Partition] = append(batches[r.Partition], r)
				if n := len(batches[r.Partition]); n == 400 || i >= min(from+read, rows)-1 {
					for p, batch := range batches {
						intake.Read(windows.Source{Topic: "capture", Partition: int32(p)}, batch, offsets[int32(p)], now)
						batches[p] = batch[:0]
					}
					intake.fold.foldRows(someRows)
				}
			}
			owned := map[windows.Source]int64{}
			for p := range int32(partitions) {
				owned[windows.Source{Topic: "capture", Partition: p}] = 0
			}
			intake.Own(owned, now)
			written, err := intake.Records(intake.Status(1, nil, now), map[string]int32{"capture": partitions}, 1)
			if err != nil {
				b.Fatal(err)
			}
			if n := intake.fold.counts.rows; n != int64(min(read, rows-from)) || len(intake.fold.counts.failed) > 0 {
				b.Fatalf("%d rows, of which cannot be used: %v", n, intake.fold.counts.dead)
			}
			intake.Forget(false)
			panes += int(sizeOn(config.Topics.Panes, written))
			for _, r := range written {
				if r.Topic == config.Topics.Panes {
					r.Offset, r.Timestamp, offset = offset, now, offset+1
					if err := ev.Step(r); err != nil {
						b.Fatal(err)
					}
				}
			}
			if written, err = ev.Records(); err != nil {
				b.Fatal(err)
			}
			reports += len(ev.out.Reports)
			state += int(sizeOn(config.Topics.State, written))
			ev.Forget()
		}
		spent += testbed.ProcessorTime(b) - before
	}
	read = b.N * rows
	b.ReportMetric(spent.Seconds()/float64(read)*1e6, "cpu-s/million")
	b.ReportMetric(float64(reports)/float64(b.N), "reports")
	b.ReportMetric(float64(panes)/float64(read), "panes-B/row")
	b.ReportMetric(float64(state)/float64(read), "state-B/row")
}
