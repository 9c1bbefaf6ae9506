package processor

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/profile"
	"tidemark/windows"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func testFold(monitors ...*monitor.Monitor) *fold {
	c := DefaultConfig()
	c.Capture = []CaptureConfig{{Topic: "capture"}, {Topic: "other", Endpoint: "churn", Variant: "green"}}
	c.Complete()
	return newFold(&c, monitors)
}

func flat(at time.Time, x float64, extra string) *kgo.Record {
	value := fmt.Sprintf(`{%s"time":%d,"features":{"x":%g,"kind":"a"}}`, extra, at.UnixMilli(), x)
	return &kgo.Record{Topic: "capture", Partition: 2, Offset: 40, Timestamp: at, Value: []byte(value)}
}

func TestFoldNamesTheEndpoint(t *testing.T) {
	churn, loans := watch(t, "churn", time.Minute), watch(t, "loans", time.Minute)
	header := func(r *kgo.Record, kv ...string) *kgo.Record {
		for i := 0; i < len(kv); i += 2 {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: kv[i], Value: []byte(kv[i+1])})
		}
		return r
	}
	on := func(topic string, r *kgo.Record) *kgo.Record { r.Topic = topic; return r }
	for _, test := range []struct {
		name              string
		monitors          []*monitor.Monitor
		record            *kgo.Record
		endpoint, variant string
		dead              capture.Reason
	}{
		{"the only monitor", []*monitor.Monitor{churn}, flat(noon, 1, ""), "churn", "default", ""},
		{"none of two monitors", []*monitor.Monitor{churn, loans}, flat(noon, 1, ""), "", "", capture.ReasonEndpoint},
		{"the record", []*monitor.Monitor{churn, loans}, flat(noon, 1, `"endpoint":"loans","variant":"blue",`), "loans", "blue", ""},
		{"the headers", []*monitor.Monitor{churn, loans}, header(flat(noon, 1, `"endpoint":"loans","variant":"blue",`), "endpoint", "churn", "variant", "red"), "churn", "red", ""},
		{"KServe's attributes", []*monitor.Monitor{churn, loans}, header(flat(noon, 1, ""), "ce_inferenceservicename", "loans", "ce_endpoint", "canary"), "loans", "canary", ""},
		{"the topic", []*monitor.Monitor{churn, loans}, on("other", flat(noon, 1, "")), "churn", "green", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := testFold(test.monitors...)
			dead := f.add(test.record, windows.At(noon))
			if test.dead != "" {
				if dead == nil || dead.Reason != test.dead || f.counts.dead[test.dead] != 1 {
					t.Fatalf("dead %v, counts %v, want %s", dead, f.counts.dead, test.dead)
				}
				return
			}
			deltas := f.deltas()
			if dead != nil || len(deltas) != 1 || deltas[0].Endpoint != test.endpoint || deltas[0].Panes[0].Variant != test.variant {
				t.Fatalf("dead %v, deltas %+v, want %s/%s", dead, deltas, test.endpoint, test.variant)
			}
		})
	}
}

func TestFoldCountsIntoPanes(t *testing.T) {
	m := watch(t, "churn", 20*time.Second)
	f := testFold(m)
	times := []time.Duration{0, 19999 * time.Millisecond, 20 * time.Second, -time.Millisecond}
	for i, d := range times {
		r := flat(noon.Add(d), float64(i), "")
		r.Offset = int64(100 + i)
		if dead := f.add(r, windows.At(noon.Add(time.Minute))); dead != nil {
			t.Fatal(dead)
		}
	}
	deltas := f.deltas()
	if len(deltas) != 1 {
		t.Fatalf("%d deltas, want 1", len(deltas))
	}
	source := windows.Source{Topic: "capture", Partition: 2}
	want := map[windows.Time]monitor.PaneDelta{
		windows.At(noon):                        {Rows: 2, Ranges: []monitor.Range{{Source: source, Start: 100, End: 102}}},
		windows.At(noon.Add(20 * time.Second)):  {Rows: 1, Ranges: []monitor.Range{{Source: source, Start: 102, End: 103}}},
		windows.At(noon.Add(-20 * time.Second)): {Rows: 1, Ranges: []monitor.Range{{Source: source, Start: 103, End: 104}}},
	}
	for _, p := range deltas[0].Panes {
		w, ok := want[p.Start]
		delete(want, p.Start)
		if !ok || p.Rows != w.Rows || len(p.Ranges) != 1 || p.Ranges[0] != w.Ranges[0] || p.Length != 20_000 {
			t.Errorf("pane %+v, want %+v", p, w)
		}
		decoded, err := profile.Decode(m.Layout(), p.Profile)
		if err != nil || decoded.Rows != p.Rows || decoded.Feature("x").Present() != p.Rows {
			t.Errorf("pane %v holds %+v, %v", p.Start, decoded, err)
		}
	}
	if len(want) > 0 {
		t.Errorf("no panes %v", want)
	}
	progress := deltas[0].Sources
	if len(progress) != 1 || progress[0].Source != source || progress[0].EventTime != windows.At(noon.Add(20*time.Second)) || progress[0].Ended {
		t.Errorf("progress %+v", progress)
	}
}

// Another reader's vector may come between the deltas of a commit: what says that rows were read must come after them.
func TestProgressComesWithTheLastDelta(t *testing.T) {
	m := watch(t, "churn", time.Second)
	f := testFold(m)
	const rows = 3000 // a pane each
	for i := range rows {
		if dead := f.add(flat(noon.Add(time.Duration(i)*time.Second), 0, ""), windows.At(noon.Add(2*time.Hour))); dead != nil {
			t.Fatal(dead)
		}
		f.foldRows(0)
	}
	deltas := f.deltas()
	if len(deltas) < 2 {
		t.Fatalf("%d deltas, want several", len(deltas))
	}
	total := int64(0)
	for i, d := range deltas {
		if last := i == len(deltas)-1; last != (len(d.Sources) == 1) {
			t.Errorf("delta %d of %d has progress %v", i, len(deltas), d.Sources)
		}
		for _, p := range d.Panes {
			total += p.Rows
		}
		if encoded := d.Append(nil); len(encoded) > 2*maxDeltaBytes {
			t.Errorf("delta %d has %d bytes", i, len(encoded))
		}
	}
	if total != rows {
		t.Errorf("%d rows in the deltas, want %d", total, rows)
	}
	f.reset()
	if again := f.deltas(); len(again) != 0 {
		t.Errorf("after a reset: %+v", again)
	}
}

func TestFoldOfAWrongClock(t *testing.T) {
	f := testFold(watch(t, "churn", time.Minute))
	f.skew = 5 * time.Minute
	for _, ahead := range []time.Duration{5 * time.Minute, 5*time.Minute + time.Millisecond, 24 * time.Hour} {
		if dead := f.add(flat(noon.Add(ahead), 1, ""), windows.At(noon)); dead != nil {
			t.Fatal(dead)
		}
	}
	d := f.deltas()[0]
	if got := d.Sources[0].EventTime; got != windows.At(noon.Add(5*time.Minute)) {
		t.Errorf("progress to %v, want the last time within the skew", got)
	}
	if f.counts.skewed != 2 || len(d.Panes) != 2 {
		t.Errorf("%d skewed in %d panes, want 2 in 2", f.counts.skewed, len(d.Panes))
	}
}

func TestFoldOfAReplaysEnd(t *testing.T) {
	f := testFold(watch(t, "churn", time.Minute))
	end := func(endpoint, value string) *kgo.Record {
		return &kgo.Record{Topic: "capture", Headers: []kgo.RecordHeader{
			{Key: headerEndpoint, Value: []byte(endpoint)}, {Key: headerWatermark, Value: []byte(value)}}}
	}
	if dead := f.add(end("churn", fmt.Sprint(noon.UnixMilli())), windows.At(noon)); dead != nil {
		t.Fatal(dead)
	}
	if p := f.deltas()[0].Sources[0]; !p.Ended || p.EventTime != windows.At(noon) {
		t.Errorf("progress %+v", p)
	}
	if dead := f.add(end("churn", "tomorrow"), windows.At(noon)); dead == nil || dead.Reason != capture.ReasonTime {
		t.Errorf("a watermark that is no time gives %v", dead)
	}
	if dead := f.add(end("nobody", "1"), windows.At(noon)); dead != nil || f.counts.rows != 1 {
		t.Errorf("the end of an unwatched endpoint gives %v, %d rows", dead, f.counts.rows)
	}
}

func TestPartitionerAgreesWithKafka(t *testing.T) {
	c := DefaultConfig()
	p := c.Partitioner()
	// murmur2, as Kafka's own tests have it.
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "abc": 479470107,
	} {
		if got, want := p.ForTopic(c.Topics.Panes).Partition(&kgo.Record{Key: []byte(key)}, 7), int(hash&math.MaxInt32)%7; got != want {
			t.Errorf("key %q goes to partition %d, want %d", key, got, want)
		}
	}
	if got := p.ForTopic(c.Topics.State).Partition(&kgo.Record{Key: []byte("meta"), Partition: 5}, 8); got != 5 {
		t.Errorf("a state record for partition 5 goes to %d", got)
	}
	if got := p.ForTopic(c.Topics.Panes).Partition(&kgo.Record{Partition: 6}, 8); got != 6 {
		t.Errorf("a vector for partition 6 goes to %d", got)
	}
}
