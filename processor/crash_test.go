package processor

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/monitor"
	"tidemark/store"
)

// A group that has committed nothing begins with what is in the topic, not with what comes next.
func TestFirstStartReadsWhatIsThere(t *testing.T) {
	m := watch(t, "churn", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		w.capture(0, "churn", time.Now(), 300, 0)
		w.capture(2, "churn", time.Now(), 300, 0)
		w.pass(time.Minute)
		p := w.start("one")
		w.pass(10 * time.Second)
		w.finish(p)
		w.verify(m)
	})
}

// Requests of a transaction are carried out and their answers are lost: nothing is lost with them or done twice.
func TestAnswersAreLost(t *testing.T) {
	m := overlapping(t)
	for _, key := range []kmsg.Key{kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.Produce} {
		t.Run(key.Name(), func(t *testing.T) {
			inWorld(t, []*monitor.Monitor{m}, func(w *world) {
				p := w.start("one")
				w.live("churn", 30*time.Second, 0, 0, 1, 2)
				fault := w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: kerr.RequestTimedOut, Count: -1, When: alternately(ours)})
				w.live("churn", 2*time.Minute, 0, 0, 1, 2)
				if fault.Hits() == 0 {
					t.Error("no request was faulted")
				}
				fault.Remove()
				w.live("churn", time.Minute, 0, 0, 1, 2)
				w.finish(p)
				w.verify(m)
			})
		})
	}
}

// alternately lets a third of the requests that match be faulted.
func alternately(matches func(kmsg.Request) bool) func(kmsg.Request) bool {
	var n atomic.Int64
	return func(r kmsg.Request) bool { return matches(r) && n.Add(1)%3 == 0 }
}

// ours are the requests of Tidemark's transactions.
func ours(r kmsg.Request) bool {
	p, ok := r.(*kmsg.ProduceRequest)
	return !ok || p.TransactionID != nil
}

// A process is cut off in the midst of a commit and never comes back. The one that takes over waits for the transaction
// that was left open, and misses nothing of what was committed before it.
func TestRestoreWaitsForAnOpenTransaction(t *testing.T) {
	m := overlapping(t)
	for _, role := range []string{"ingest", "evaluate"} {
		t.Run(role, func(t *testing.T) {
			inWorld(t, []*monitor.Monitor{m}, func(w *world) {
				one := w.start("one")
				w.live("churn", 90*time.Second, 0, 0, 1, 2)
				two := w.start("two")
				w.live("churn", 30*time.Second, 0, 0, 1, 2)
				var struck atomic.Bool
				w.broker.ControlKey(int16(kmsg.EndTxn), func(r kmsg.Request) (kmsg.Response, error, bool) {
					w.broker.KeepControl()
					if r.(*kmsg.EndTxnRequest).TransactionalID != "tidemark-"+role+"-one" || !struck.CompareAndSwap(false, true) {
						return nil, nil, false
					}
					w.cutOff("one", true)
					return nil, errors.New("lost"), true
				})
				w.live("churn", 2*time.Minute, 0, 0, 1, 2)
				if !struck.Load() {
					t.Fatal("no commit was met")
				}
				one.stop()
				w.live("churn", time.Minute, 0, 0, 1, 2)
				w.finish(two)
				w.verify(m)
			})
		})
	}
}

// A process does not hear for longer than its session lasts, and so does not know that others have its partitions: what
// it says when it is back is refused.
func TestZombieIsFenced(t *testing.T) {
	m := overlapping(t)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		one, two := w.start("one"), w.start("two")
		w.live("churn", 2*time.Minute, 0, 0, 1, 2)
		for _, silence := range []time.Duration{12 * time.Second, 25 * time.Second, time.Minute} {
			w.cutOff("one", true)
			w.live("churn", silence, 0, 0, 1, 2)
			w.cutOff("one", false)
			w.live("churn", 40*time.Second, 0, 0, 1, 2)
			// The same in a silence, in which a zombie could call its partitions idle.
			w.cutOff("one", true)
			w.pass(silence)
			w.live("churn", 5*time.Second, 0, 0, 1, 2)
			w.cutOff("one", false)
			w.live("churn", 40*time.Second, 0, 0, 1, 2)
		}
		one.end()
		w.finish(two)
		w.verify(m)
	})
}

// mumbling is a store that carries out puts and does not say so, now and then.
type mumbling struct {
	bucket
	puts atomic.Int64
}

var errNoAnswer = errors.New("no answer")

func (u *mumbling) Put(ctx context.Context, key string, content []byte, metadata map[string]string) error {
	err := u.bucket.Put(ctx, key, content, metadata)
	if strings.HasSuffix(key, ".parquet") && u.puts.Add(1)%2 == 1 && !errors.Is(err, store.ErrExists) {
		return errNoAnswer
	}
	return err
}

// A put that was carried out without an answer is put again and seen to be there: the chain has it once.
func TestArchivePutIsNotAnswered(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		u, want := &mumbling{}, map[string]archivedRow{}
		p := w.archiver(u, "a", nil)
		for i := range 10 {
			w.send(100*i, 10, want)
			w.pass(15 * time.Second)
		}
		if n := p.metric("tidemark_archive_failures_total", "put"); n == 0 {
			t.Error("every put was answered")
		}
		if n := p.metric("tidemark_archive_adoptions_total"); n != 0 {
			t.Errorf("%v objects were taken for another's", n)
		}
		p.end()
		got, _ := w.archiveRows(&u.bucket)
		w.compareRows(want, got)
	})
}

// The group never hears how far the archive has come: the next process finds out from the chain alone.
func TestArchiveEndsBeforeItCommits(t *testing.T) {
	m := watch(t, "number", time.Minute)
	inWorld(t, []*monitor.Monitor{m}, func(w *world) {
		b, want := &bucket{}, map[string]archivedRow{}
		w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: archiveGroup, Err: kerr.IllegalGeneration, Count: -1})
		for i := range 4 {
			p := w.archiver(b, "a", nil)
			w.send(100*i, 10, want)
			w.pass(15 * time.Second)
			p.end()
		}
		got, _ := w.archiveRows(b)
		w.compareRows(want, got)
	})
}
