package processor

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/windows"
)

// losses are those that were told, once each.
func (w *world) losses() []monitor.Loss {
	w.t.Helper()
	var all []monitor.Loss
	for _, h := range w.health() {
		all = append(all, h.Losses...)
	}
	return all
}

// health is what was told of Tidemark's own work, in order.
func (w *world) health() []monitor.Health {
	w.t.Helper()
	var all []monitor.Health
	for _, r := range w.committed(w.config.Topics.Panes) {
		if !isHealth(r) {
			continue
		}
		h, err := monitor.DecodeHealth(r.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, h)
	}
	return all
}

// offsets are those that a role's group has committed in the capture topic.
func (w *world) offsets(role string) map[int32]int64 { return w.offsetsIn("capture", role) }

func (w *world) offsetsIn(topic, role string) map[int32]int64 {
	w.t.Helper()
	all, err := kadm.NewClient(w.client).FetchOffsetsForTopics(context.Background(), group(role), topic)
	if err != nil {
		w.t.Fatal(err)
	}
	offsets := map[int32]int64{}
	all.Each(func(o kadm.OffsetResponse) { offsets[o.Partition] = o.At })
	return offsets
}

// Retention deletes records before ingest has read them: what is left is read, and the loss is told once.
func TestRetentionOvertakesIngest(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		p.end()
		from := w.offsets("ingest")[1]
		w.capture(1, "churn", time.Now(), 500, 0)
		w.sent["churn"] -= 400
		if err := w.broker.DeleteRecords("capture", 1, from+400); err != nil {
			t.Fatal(err)
		}
		p = w.start("one")
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		if n := p.metric("tidemark_ingest_offsets_lost_total", monitor.LostRetention); n != 400 {
			t.Errorf("%v offsets counted as lost, want 400", n)
		}
		w.finish(p)
		want := monitor.Loss{Source: windows.Source{Topic: "capture", Partition: 1}, Start: from, End: from + 400, Why: monitor.LostRetention}
		if got := w.losses(); len(got) != 1 || got[0] != want {
			t.Errorf("losses %+v, want %+v", got, want)
		}
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, want %d: those that were left", got, w.sent["churn"])
		}
		w.wantSystem(monitor.RuleLost+" firing", monitor.RuleLost+" resolved")
	})
}

// The same while it runs and is cut off for longer than the topic keeps records.
func TestRetentionOvertakesRunningIngest(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		from := w.offsets("ingest")[2]
		w.cut()
		w.capture(2, "churn", time.Now(), 50, 0)
		w.sent["churn"] -= 50
		w.pass(20 * time.Second)
		if err := w.broker.DeleteRecords("capture", 2, -1); err != nil {
			t.Fatal(err)
		}
		w.mend()
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		w.finish(p)
		var lost int64
		for _, l := range w.losses() {
			if l.Source.Partition != 2 || l.Why != monitor.LostRetention {
				t.Errorf("loss %+v", l)
			}
			lost += l.End - l.Start
		}
		if lost < 50 || w.losses()[0].Start != from {
			t.Errorf("losses %+v, want at least 50 offsets from %d on", w.losses(), from)
		}
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, want %d: those that were left", got, w.sent["churn"])
		}
	})
}

// The log ends before the committed offset, as after an unclean leader election: what comes now is read.
func TestLogLostWhatIngestHadRead(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		p.end()
		w.pass(2 * sessionTimeout) // the group takes a foreign commit when it has no members
		end := w.offsets("ingest")[0]
		ahead := kadm.Offsets{}
		ahead.AddOffset("capture", 0, end+3000, -1)
		if err := kadm.NewClient(w.client).CommitAllOffsets(context.Background(), group("ingest"), ahead); err != nil {
			t.Fatal(err)
		}
		p = w.start("one")
		w.pass(5 * time.Second)
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		w.finish(p)
		want := monitor.Loss{Source: windows.Source{Topic: "capture", Partition: 0}, Start: end, End: end + 3000, Why: monitor.LostTruncation}
		if got := w.losses(); len(got) != 1 || got[0] != want {
			t.Errorf("losses %+v, want %+v", got, want)
		}
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, %d were sent", got, w.sent["churn"])
		}
	})
}

// A batch that decompresses to more than may be held is one dead letter; what is around it counts.
func TestDecompressionBomb(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		w.live("churn", time.Minute, 0, 0, 1, 2)
		w.capture(1, "churn", time.Now(), 10, 0)
		offset := w.bomb(1)
		w.capture(1, "churn", time.Now(), 10, 0)
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		if n := p.metric("tidemark_ingest_rows_dead_total", "size"); n != 2 {
			t.Errorf("%v dead rows counted, want 2", n)
		}
		w.finish(p)
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, %d were sent", got, w.sent["churn"])
		}
		letters := w.committed(w.config.Topics.DeadLetters)
		if len(letters) != 1 || letters[0].Value != nil {
			t.Fatalf("%d dead letters, want one without a value", len(letters))
		}
		for key, want := range map[string]string{
			"tidemark-reason": "size", "__connect.errors.partition": "1", "__connect.errors.offset": fmt.Sprint(offset),
			"__connect.errors.exception.message": fmt.Sprintf("size: the batch of the offsets [%d, %d) decompresses to more than 64 MiB: send captures in smaller batches; its records are only in the capture topic", offset, offset+2),
		} {
			if got := headerOf(letters[0], key); got != want {
				t.Errorf("header %s is %q, want %q", key, got, want)
			}
		}
	})
}

// bomb publishes a batch of two records of 40 MB and returns the offset of the first.
func (w *world) bomb(partition int32) int64 {
	w.t.Helper()
	client := w.dial(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(100<<20), kgo.MaxBufferedBytes(200<<20),
		kgo.BrokerMaxWriteBytes(200<<20), kgo.ProducerBatchCompression(kgo.GzipCompression()), kgo.ProducerLinger(time.Second))
	defer client.Close()
	value := bytes.Repeat([]byte(" "), 40<<20)
	records := []*kgo.Record{{Topic: "capture", Partition: partition, Value: value}, {Topic: "capture", Partition: partition, Value: value}}
	if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	return records[0].Offset
}

// A capture that is larger than a dead letter may be leaves one that says so, and holds up nothing.
func TestRecordOverTheLimits(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		w.setTopic("capture", "max.message.bytes", "20000000")
		p := w.start("one")
		large := w.dial(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(20<<20))
		defer large.Close()
		r := &kgo.Record{Topic: "capture", Partition: 1, Value: append([]byte(`{"endpoint":"churn","features":{"x":`), bytes.Repeat([]byte("1"), 9<<20)...)}
		if err := large.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		w.finish(p)
		if got := w.windowed("churn"); got != w.sent["churn"] {
			t.Errorf("%d rows in windows, %d were sent", got, w.sent["churn"])
		}
		letters := w.committed(w.config.Topics.DeadLetters)
		if len(letters) != 1 || letters[0].Value != nil || headerOf(letters[0], "tidemark-reason") != "malformed" || headerOf(letters[0], "tidemark-omitted") != fmt.Sprint(len(r.Value)) {
			t.Fatalf("dead letters %v, want one of the reason malformed without the value", letters)
		}
	})
}

func (w *world) setTopic(topic, key, value string) {
	w.t.Helper()
	_, err := kadm.NewClient(w.client).AlterTopicConfigs(context.Background(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, topic)
	if err != nil {
		w.t.Fatal(err)
	}
}

func headerOf(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// redial gives the producer a client that knows the topics as they are now.
func (w *world) redial() {
	w.client.Close()
	w.client = w.dial(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
}

// Partitions are added while it runs: their records are read from the first on, and none is late.
func TestPartitionsAreAdded(t *testing.T) {
	m := overlapping(t)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		p := w.start("one")
		q := w.start("two")
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		if _, err := kadm.NewClient(w.client).UpdatePartitions(context.Background(), 5, "capture"); err != nil {
			t.Fatal(err)
		}
		w.live("churn", 12*time.Second, 0, 0, 1, 2) // a producer hears of it later
		w.redial()
		w.live("churn", 3*time.Minute, 0, 0, 1, 2, 3, 4)
		q.end()
		w.finish(p)
		w.verify(m)
	})
}

// The capture topic is deleted and made again, with fewer partitions: its offsets begin anew and every row counts once.
func TestTopicIsMadeAgain(t *testing.T) {
	m := overlapping(t)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		p := w.start("one")
		w.live("churn", 3*time.Minute, 0, 0, 1, 2)
		w.pass(5 * time.Second) // all is read
		if err := w.broker.DeleteTopic("capture"); err != nil {
			t.Fatal(err)
		}
		w.pass(20 * time.Second)
		if err := w.broker.CreateTopic("capture", 2, nil); err != nil {
			t.Fatal(err)
		}
		w.redial() // a producer does not take the new topic for the old
		w.live("churn", 3*time.Minute, 0, 0, 1)
		w.finish(p)
		w.verify(m)
		if l := w.losses(); len(l) > 0 {
			t.Errorf("losses %+v", l)
		}
	})
}
