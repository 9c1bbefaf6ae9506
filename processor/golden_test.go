package processor

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/baseline"
	"tidemark/detectors/sequential"
	"tidemark/monitor"
	"tidemark/sinks/alerts"
	"tidemark/windows"
)

// The files in testdata/v1 are what a process of this version wrote to its topics. Any later one must go on from them.
// They are made once, by -golden; a change of a format that this test does not pass is a new version with a reader for
// both.
var makeGolden = flag.Bool("golden", false, "make the golden files anew")

// stored is a record as the golden files have it.
type stored struct {
	Topic   string            `json:"topic"`
	Part    int32             `json:"partition"`
	Offset  int64             `json:"offset"`
	At      int64             `json:"timestamp"`
	Key     []byte            `json:"key"`
	Value   []byte            `json:"value"`
	Headers map[string]string `json:"headers,omitempty"`
}

func (s stored) record() *kgo.Record {
	r := &kgo.Record{Topic: s.Topic, Partition: s.Part, Offset: s.Offset, Timestamp: time.UnixMilli(s.At), Key: s.Key, Value: s.Value}
	for key, value := range s.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	return r
}

// chronicle is a process without brokers, over one panes partition: what it writes is kept as in the topics.
type chronicle struct {
	testing.TB
	config     Config
	intake     *Intake
	evaluation *Evaluation
	now        time.Time
	next       map[string]int64 // offsets
	log        []stored
	sent       int64
}

// goldenMonitor has every kind of state: sliding windows, a rolling reference, every sequential detector.
func goldenMonitor(t testing.TB) *monitor.Monitor {
	t.Helper()
	dir := filepath.Join("testdata", "v1", "baseline")
	b, err := baseline.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := monitor.DefaultConfig()
	c.Name, c.Baseline = "churn", dir
	c.Windows = []windows.Spec{{Size: time.Minute, Slide: 10 * time.Second}, {Size: 30 * time.Second}}
	c.Drift = []monitor.Rule{{Method: "psi", Threshold: 0.2, MinSamples: 10}}
	c.Reference = monitor.ReferenceConfig{Kind: monitor.ReferenceLag, Lag: 2 * time.Minute}
	for _, name := range []string{"adwin", "page_hinkley", "cusum", "kswin"} {
		c.Sequential = append(c.Sequential, monitor.Sequence{Detector: name, Feature: "x"})
	}
	for _, name := range []string{"hddm_a", "hddm_w"} {
		c.Sequential = append(c.Sequential, monitor.Sequence{Detector: name, Feature: "x", Value: monitor.ValueMissingShare})
	}
	c.Complete()
	c.Check(func(path, message string) { t.Fatal(path, message) })
	return monitor.New(c, b)
}

func newChronicle(t testing.TB) *chronicle {
	c := &chronicle{TB: t, config: DefaultConfig(), now: noon, next: map[string]int64{}}
	c.config.Topics.Partitions, c.config.Instance = 1, "one"
	c.config.Complete()
	monitors := []*monitor.Monitor{goldenMonitor(t)}
	c.intake, c.evaluation = NewIntake(&c.config, monitors), NewEvaluation(&c.config, monitors)
	return c
}

// keep appends records to their topics.
func (c *chronicle) keep(records []*kgo.Record) []*kgo.Record {
	for _, r := range records {
		s := stored{Topic: r.Topic, Part: r.Partition, Offset: c.next[r.Topic], At: c.now.UnixMilli(), Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			if s.Headers == nil {
				s.Headers = map[string]string{}
			}
			s.Headers[h.Key] = string(h.Value)
		}
		c.next[r.Topic]++
		r.Offset, r.Timestamp = s.Offset, c.now
		c.log = append(c.log, s)
	}
	return records
}

// second captures rows around a mean, one of which cannot be read, and lets both roles commit.
func (c *chronicle) second(mean float64) {
	c.Helper()
	source := windows.Source{Topic: "capture", Partition: 0}
	var records []*kgo.Record
	for i := range 5 {
		at := c.now
		if i == 0 && c.now.Sub(noon) == 200*time.Second {
			at = at.Add(-100 * time.Second) // too late for some windows
		}
		r := flat(at, mean+float64(i)/4-0.5, `"endpoint":"churn",`)
		r.Timestamp = c.now
		if i == 4 && c.sent%7 == 0 {
			r.Value = []byte("{")
		}
		r.Topic, r.Partition, r.Offset = "capture", 0, c.sent
		c.sent++
		records = append(records, r)
	}
	c.intake.Read(source, records, c.sent, c.now)
	c.intake.Own(map[windows.Source]int64{source: 0}, c.now)
	status := c.intake.Status(1, nil, c.now)
	written, err := c.intake.Records(status, map[string]int32{"capture": 1}, 1)
	if err != nil {
		c.Fatal(err)
	}
	c.intake.Forget(false)
	for _, r := range c.keep(written) {
		if r.Topic == c.config.Topics.Panes {
			if err := c.evaluation.Step(r); err != nil {
				c.Fatal(err)
			}
		}
	}
	if written, err = c.evaluation.Records(); err != nil {
		c.Fatal(err)
	}
	c.evaluation.Forget()
	c.keep(written)
	c.now = c.now.Add(time.Second)
}

// of returns the records of a topic.
func (c *chronicle) of(topic string) (all []*kgo.Record) {
	for _, s := range c.log {
		if s.Topic == topic {
			all = append(all, s.record())
		}
	}
	return all
}

const goldenSeconds = 260

// write is the traffic of the golden files: it changes after three minutes, and stays so.
func (c *chronicle) write(seconds int) {
	c.Helper()
	for range seconds {
		mean := 0.0
		if c.now.Sub(noon) >= 3*time.Minute {
			mean = 3
		}
		c.second(mean)
	}
}

func TestGoldenFilesAreReadBack(t *testing.T) {
	file := filepath.Join("testdata", "v1", "records.jsonl")
	if *makeGolden {
		c := newChronicle(t)
		c.restore()
		c.write(goldenSeconds)
		var out bytes.Buffer
		for _, s := range c.compacted() {
			if err := json.NewEncoder(&out).Encode(s); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := newChronicle(t)
	for line := range strings.Lines(string(content)) {
		var s stored
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		c.log = append(c.log, s)
		c.next[s.Topic] = s.Offset + 1
	}
	for _, r := range c.of(c.config.Topics.Late) {
		if _, err := monitor.DecodeDelta(r.Value); err != nil {
			t.Error(err)
		}
	}
	c.restore()
	old := len(c.log)
	c.now, c.sent = noon.Add(goldenSeconds*time.Second), goldenSeconds*5
	c.write(120)

	// The same traffic without a restart must give the same.
	want := newChronicle(t)
	want.restore()
	want.write(goldenSeconds)
	before := len(want.log)
	want.write(120)
	topics := []string{c.config.Topics.Reports, c.config.Topics.Alerts, c.config.Topics.DeadLetters, c.config.Topics.Late}
	got, expected := texts(c.log[old:], topics), texts(want.log[before:], topics)
	if !slices.Equal(got, expected) {
		for i := range min(len(got), len(expected)) {
			if got[i] != expected[i] {
				t.Fatalf("record %d is %s\nwant %s", i, got[i], expected[i])
			}
		}
		t.Fatalf("%d records, want %d", len(got), len(expected))
	}
	var transitions int
	for _, r := range c.of(c.config.Topics.Alerts) {
		a, err := alerts.Decode(r)
		if err != nil || a.ID == "" || a.Window.End == 0 {
			t.Errorf("alert %+v: %v", a, err)
		}
		transitions++
	}
	for _, r := range c.of(c.config.Topics.Reports) {
		var report monitor.Report
		if err := json.Unmarshal(r.Value, &report); err != nil || report.Rows == 0 || len(report.Features) != 2 {
			t.Errorf("report %+v: %v", report, err)
		}
	}
	if transitions < 2 || len(sequential.Names) < 6 {
		t.Errorf("%d alerts: the golden files hold too little", transitions)
	}
}

// compacted is the log without what the restoration does not need: the state topic's last record of each key, and of the
// panes what is to be replayed.
func (c *chronicle) compacted() (kept []stored) {
	last := map[string]int64{}
	var from meta
	for _, s := range c.log {
		if s.Topic == c.config.Topics.State {
			last[string(s.Key)] = s.Offset
			if string(s.Key) == keyMeta {
				if err := json.Unmarshal(s.Value, &from); err != nil {
					c.Fatal(err)
				}
			}
		}
	}
	kinds := map[string]int{}
	for _, s := range c.log {
		switch s.Topic {
		case c.config.Topics.State:
			if last[string(s.Key)] != s.Offset {
				continue
			}
		case c.config.Topics.Panes:
			if s.Offset < from.ReplayFrom {
				continue
			}
		default: // a few are enough
			if kinds[s.Topic]++; kinds[s.Topic] > 4 {
				continue
			}
		}
		kept = append(kept, s)
	}
	return kept
}

// restore rebuilds the evaluation from what is kept: of the panes log it may be only the end.
func (c *chronicle) restore() {
	c.Helper()
	r := c.evaluation.Restoration(0, c.next[c.config.Topics.Panes])
	for _, record := range c.of(c.config.Topics.State) {
		if err := r.Saved(record); err != nil {
			c.Fatal(err)
		}
	}
	from, err := r.From(0)
	if err != nil {
		c.Fatal(err)
	}
	for _, record := range c.of(c.config.Topics.Panes) {
		if record.Offset < from {
			continue
		}
		if err := r.Replay(record); err != nil {
			c.Fatal(err)
		}
	}
	c.evaluation.Take(r)
}

// texts is the values of records of some topics.
func texts(log []stored, topics []string) (all []string) {
	for _, s := range log {
		if slices.Contains(topics, s.Topic) {
			all = append(all, s.Topic+" "+string(s.Value))
		}
	}
	return all
}
