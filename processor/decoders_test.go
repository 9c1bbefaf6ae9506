package processor

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
	"tidemark/sinks/alerts"
	"tidemark/windows"
)

// golden returns the records of the golden files.
func golden(t testing.TB) (all []*kgo.Record) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "v1", "records.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		var s stored
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s.record())
	}
	return all
}

// within fails when a step takes much more memory than its input can account for.
func within(t *testing.T, input int, step func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	step()
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20+uint64(input)*2000 {
		t.Fatalf("%d bytes of input took %d bytes", input, took)
	}
}

// FuzzState: whatever the state topic holds is restored or refused.
func FuzzState(f *testing.F) {
	for _, r := range golden(f) {
		if r.Topic == "tidemark.state" {
			f.Add(string(r.Key), r.Value)
		}
	}
	f.Add("meta", []byte(`{"version":1,"committed":5,"replay_from":-9223372036854775808,"partitions":{"sources":[{"source":"a/2147483647","position":-1}]}}`))
	f.Add("endpoint/churn", []byte(`{"version":1,"endpoint":"churn","closed":{"churn":"0001-01-01T00:00:00Z"},"frontier":{"value":"9999-12-31T23:59:59Z","sources":[{"source":"x"}]}}`))
	f.Add("endpoint/churn", []byte(`{"version":1,"endpoint":"churn","alerts":[{"monitor":"churn","recent":[true]},{}]}`))
	f.Add("sequence/churn", []byte(`{"version":1,"endpoint":"churn","monitor":"churn","variant":"default","feature":"x","rule":"adwin","state":"AAAA"}`))
	f.Add("pane/0", []byte("\xff\xff\xff\xff\xff\xff\xff\xff\x7f{}"))
	f.Add("window/0", []byte("\x02{}\xff"))
	f.Add("unknown", []byte{})
	monitors := newChronicle(f)
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		within(t, len(value), func() {
			r := monitors.evaluation.Restoration(0, 5)
			if r.Saved(&kgo.Record{Key: []byte(key), Value: value}) != nil {
				return
			}
			if r.Saved(&kgo.Record{Key: []byte(keyMeta), Value: []byte(`{"version":1,"committed":5,"replay_from":5}`)}) != nil {
				t.Fatal("a good record is refused")
			}
			if _, err := r.From(0); err != nil {
				return
			}
			ev := NewEvaluation(&monitors.config, monitors.evaluation.monitors)
			ev.Take(r)
			vector := []byte(`{"instance":"one","counts":{"capture":1},"sources":[{"source":"capture/0","generation":1,"position":9,"appended":"2026-11-24T12:10:00Z"}]}`)
			if ev.Step(&kgo.Record{Offset: 5, Timestamp: noon.Add(10 * time.Minute), Value: vector}) != nil {
				return
			}
			if _, err := ev.Records(); err != nil {
				t.Logf("refused: %v", err)
			}
		})
	})
}

// FuzzPanes: whatever the panes topic holds is taken in or refused.
func FuzzPanes(f *testing.F) {
	for _, r := range golden(f) {
		if r.Topic == "tidemark.panes" {
			f.Add(r.Key != nil, r.Value)
		}
	}
	f.Add(false, []byte(`{"counts":{"capture":2147483647},"sources":[{"source":"capture/-1","idle":true},{"source":"capture"}]}`))
	f.Add(false, []byte(`{"counts":{"capture":1},"sources":[{"source":"capture/0","appended":"9999-12-31T23:59:59.999Z"}],"losses":[{}]}`))
	f.Add(true, []byte("\x02{}"))
	monitors := newChronicle(f)
	f.Fuzz(func(t *testing.T, delta bool, value []byte) {
		within(t, len(value), func() {
			ev := NewEvaluation(&monitors.config, monitors.evaluation.monitors)
			ev.Take(ev.Restoration(0, 0))
			r := &kgo.Record{Topic: "tidemark.panes", Timestamp: noon, Value: value}
			if delta {
				r.Key = []byte("churn")
			}
			if ev.Step(r) != nil {
				return
			}
			vector := []byte(`{"instance":"one","counts":{"capture":1},"sources":[{"source":"capture/0","generation":1,"position":9,"appended":"2026-11-24T12:10:00Z"}]}`)
			for i := range 3 {
				if ev.Step(&kgo.Record{Offset: int64(1 + i), Timestamp: noon.Add(time.Duration(i) * time.Minute), Value: vector}) != nil {
					return
				}
			}
			if _, err := ev.Records(); err != nil {
				t.Logf("refused: %v", err)
			}
		})
	})
}

// FuzzCaptures: whatever a capture topic holds is counted as rows that are windowed, dead or of nobody.
func FuzzCaptures(f *testing.F) {
	f.Add([]byte(`{"endpoint":"churn","time":1764000000000,"features":{"x":1,"kind":"a"}}`), "", "", "")
	f.Add([]byte(`{"features":[{"x":1},{"x":2}]}`), "churn", "blue", "")
	f.Add([]byte(nil), "churn", "", "1764000000000")
	f.Add([]byte(nil), "", "", "-9223372036854775808")
	f.Add([]byte(`{"time":-9223372036854775808,"features":{"x":1e308}}`), "churn", "\xff/%", "")
	f.Add([]byte(`{"captureData":{"endpointInput":{"observedContentType":"text/csv","data":"1,a","encoding":"CSV"}},"eventMetadata":{"inferenceTime":"9999-12-31T23:59:59Z"}}`), "churn", "", "")
	f.Add([]byte(strings.Repeat("[", 10_000)), "churn", "", "")
	f.Add([]byte(`{"features":`+strings.Repeat(`{"a":`, 400)+"1"+strings.Repeat("}", 401)), "churn", "", "")
	monitors := newChronicle(f)
	f.Fuzz(func(t *testing.T, value []byte, endpoint, variant, watermark string) {
		within(t, len(value), func() {
			in := NewIntake(&monitors.config, monitors.evaluation.monitors)
			r := &kgo.Record{Topic: "capture", Timestamp: noon, Value: value}
			for key, text := range map[string]string{headerEndpoint: endpoint, headerVariant: variant, headerWatermark: watermark} {
				if text != "" {
					r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(text)})
				}
			}
			source := windows.Source{Topic: "capture"}
			in.Read(source, []*kgo.Record{r}, 1, noon)
			records, err := in.Records(in.Status(1, nil, noon), map[string]int32{"capture": 1}, 1)
			if err != nil {
				t.Fatal(err)
			}
			ev := NewEvaluation(&monitors.config, monitors.evaluation.monitors)
			ev.Take(ev.Restoration(0, 0))
			var dead int64
			for _, n := range in.fold.counts.dead {
				dead += n
			}
			for i, out := range records {
				if out.Topic == "tidemark.panes" {
					out.Offset, out.Timestamp = int64(i), noon
					if err := ev.Step(out); err != nil {
						t.Fatalf("ingest wrote what evaluate refuses: %v", err)
					}
				}
			}
			var windowed, unmonitored int64
			for _, n := range ev.rows {
				windowed += n
			}
			for _, d := range ev.out.Late {
				windowed += d.Panes[0].Rows
			}
			for _, n := range in.fold.counts.unmonitored {
				unmonitored += n
			}
			if rows := in.fold.counts.rows; rows != windowed+dead+unmonitored {
				t.Fatalf("%d rows came in, %d are windowed or late, %d dead and %d of nobody", rows, windowed, dead, unmonitored)
			}
		})
	})
}

// FuzzAlert: whatever the alerts topic holds is an alert or an error.
func FuzzAlert(f *testing.F) {
	for _, r := range golden(f) {
		if r.Topic == "alerts" {
			f.Add(r.Value)
		}
	}
	f.Add([]byte(`{"window":{"start":"x"}}`))
	f.Add([]byte(`{"histogram":{"edges":[1e999]}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		within(t, len(value), func() {
			a, err := alerts.Decode(&kgo.Record{Value: value})
			if err != nil {
				return
			}
			if _, err := alerts.Record("alerts", a); err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
		})
	})
}

// FuzzDeadLetter: a record that is dead comes back as it was, whatever headers it had; any other record is refused.
func FuzzDeadLetter(f *testing.F) {
	f.Add("capture", int32(3), int64(7), true, []byte("k"), []byte("{"), "endpoint", []byte("churn"), int64(1))
	for _, h := range []string{headerAttempts, headerTimestamp, headerKeyless, headerOmitted, headerReason, headerConnect + "topic", headerConnect + "partition", headerConnect + "offset"} {
		f.Add("", int32(-1), int64(-1), false, []byte(nil), []byte(nil), h, []byte("99999999999999999999"), int64(-1))
	}
	f.Add("a", int32(0), int64(0), true, []byte{}, []byte("x"), headerAttempts, []byte("2"), int64(0))
	f.Fuzz(func(t *testing.T, topic string, partition int32, offset int64, keyed bool, key, value []byte, header string, text []byte, ms int64) {
		r := &kgo.Record{Topic: topic, Partition: partition, Offset: offset, Value: value, Headers: []kgo.RecordHeader{{Key: header, Value: text}}}
		if keyed {
			r.Key = append([]byte{}, key...)
		}
		r.Timestamp = time.UnixMilli(ms)
		if d, err := ReadDeadLetter(r); err == nil {
			t.Fatalf("a record of one header is read as %+v", d)
		}
		letter := deadLetter("dead", r, &capture.Error{Reason: capture.ReasonTime, Field: "time", Detail: "soon"})
		d, err := ReadDeadLetter(letter)
		if topic == "" || partition < 0 {
			return // of no topic
		}
		if err != nil || d.Topic != topic || d.Partition != partition || d.Offset != offset || d.Reason != string(capture.ReasonTime) {
			t.Fatalf("%+v, %v", d, err)
		}
		again := d.again(letter)
		if again.Topic != topic || again.Partition != partition || !bytes.Equal(again.Key, r.Key) || (again.Key == nil) != !keyed ||
			!bytes.Equal(again.Value, value) || !again.Timestamp.Equal(r.Timestamp) || d.Omitted {
			t.Fatalf("%+v came back as %+v", r, again)
		}
		attempts := 0
		if header == headerAttempts {
			attempts, _ = strconv.Atoi(string(text))
		}
		if n := len(again.Headers); string(again.Headers[n-1].Value) != strconv.Itoa(d.Attempts+1) || d.Attempts < 0 || d.Attempts > max(0, attempts) {
			t.Fatalf("headers %v, attempts %d", again.Headers, d.Attempts)
		}
		if kept := len(again.Headers) == 2; kept == reserved(header) || kept && (again.Headers[0].Key != header || !bytes.Equal(again.Headers[0].Value, text)) {
			t.Fatalf("header %q came back as %v", header, again.Headers)
		}
	})
}
