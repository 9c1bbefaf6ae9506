package processor

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/monitor"
)

// redrive replays the dead letters.
func (w *world) redrive(attempts int) Redriven {
	w.t.Helper()
	config := w.config
	config.Instance = "operator"
	done, err := config.Redrive(w.t.Context(), slog.New(slog.NewTextHandler(w.t.Output(), nil)), attempts, kgo.Dialer(w.network.DialContext))
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// replayed are the captures that a redrive produced.
func (w *world) replayed() []*kgo.Record {
	w.t.Helper()
	return slices.DeleteFunc(w.committed("capture"), func(r *kgo.Record) bool { return headerOf(r, headerAttempts) == "" })
}

// Dead letters go back as they were, each once, and no more often than they may.
func TestRedrive(t *testing.T) {
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
		p := w.start("one")
		stamp := time.Now().Add(-time.Hour)
		bad := []*kgo.Record{
			{Topic: "capture", Partition: 2, Key: []byte("k"), Value: []byte("{"), Timestamp: stamp, Headers: []kgo.RecordHeader{{Key: "endpoint", Value: []byte("churn")}, {Key: "trace", Value: []byte("7")}}},
			{Topic: "capture", Partition: 1, Key: []byte{}, Value: nil, Timestamp: stamp},
			{Topic: "capture", Partition: 0, Value: []byte("nonsense"), Timestamp: stamp},
		}
		w.publish(bad...)
		w.bomb(1)
		w.publish(&kgo.Record{Topic: w.config.Topics.DeadLetters, Value: []byte("not Tidemark's")})
		w.pass(10 * time.Second)

		// The first transactions fail in one way or another: it is done again.
		for _, fault := range []kfake.Fault{
			{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Group: "tidemark-deadletters", Err: kerr.IllegalGeneration, Count: 1},
			{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Group: "tidemark-deadletters", Err: kerr.RebalanceInProgress, Count: 1},
		} {
			w.broker.Fault(fault)
		}
		if done := w.redrive(2); done != (Redriven{Replayed: 3, Omitted: 1, Foreign: 1}) {
			t.Errorf("the first redrive did %+v", done)
		}
		again := w.replayed()
		if len(again) != 3 {
			t.Fatalf("%d records were produced, want 3", len(again))
		}
		slices.SortFunc(again, func(a, b *kgo.Record) int { return int(b.Partition - a.Partition) })
		for i, r := range again {
			want := bad[i]
			headers := append(slices.Clone(want.Headers), kgo.RecordHeader{Key: "tidemark-attempts", Value: []byte("1")})
			if r.Partition != want.Partition || string(r.Key) != string(want.Key) || (r.Key == nil) != (want.Key == nil) || string(r.Value) != string(want.Value) ||
				(r.Value == nil) != (want.Value == nil) || r.Timestamp.UnixMilli() != stamp.UnixMilli() || !slices.EqualFunc(r.Headers, headers, func(a, b kgo.RecordHeader) bool {
				return a.Key == b.Key && string(a.Value) == string(b.Value)
			}) {
				t.Errorf("%d/%q/%q %v came back as %d/%q/%q %v of %v", want.Partition, want.Key, want.Value, want.Headers, r.Partition, r.Key, r.Value, r.Headers, r.Timestamp)
			}
		}
		w.pass(10 * time.Second) // they are dead letters again
		for i, want := range []Redriven{{Replayed: 3}, {GivenUp: 3}, {}} {
			if done := w.redrive(2); done != want {
				t.Errorf("redrive %d did %+v, want %+v", i+2, done, want)
			}
			w.pass(10 * time.Second)
		}
		w.finish(p)
		if n := len(w.replayed()); n != 6 {
			t.Errorf("%d records were replayed in all, want 6", n)
		}
	})
}

// What was mended meanwhile counts, once.
func TestRedriveOfWhatIsMended(t *testing.T) {
	loans := watch(t, "loans", time.Minute)
	inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute), loans}, func(w *world) {
		p := w.start("one")
		for partition := range int32(3) {
			w.publish(&kgo.Record{Topic: "capture", Partition: partition, Value: []byte(`{"features":{"x":1,"kind":"a"}}`)}) // of no endpoint
		}
		w.pass(5 * time.Second)
		p.end()
		w.monitors = []*monitor.Monitor{loans} // now there is only one that they can be of
		if done := w.redrive(3); done.Replayed != 3 {
			t.Errorf("the redrive did %+v", done)
		}
		p = w.start("one")
		w.finish(p)
		if n := w.windowed("loans"); n != 3 {
			t.Errorf("%d rows in windows, want 3", n)
		}
	})
}

func TestReadDeadLetterOfAnother(t *testing.T) {
	for _, headers := range [][]kgo.RecordHeader{
		nil,
		{{Key: "tidemark-reason", Value: []byte("time")}},
		{{Key: "tidemark-reason", Value: []byte("time")}, {Key: "__connect.errors.topic", Value: []byte("t")}, {Key: "__connect.errors.partition", Value: []byte("99999999999")}},
		{{Key: "tidemark-attempts", Value: []byte("many")}},
	} {
		if letter, err := ReadDeadLetter(&kgo.Record{Headers: headers}); err == nil {
			t.Errorf("%v is read as %+v", headers, letter)
		}
	}
}
