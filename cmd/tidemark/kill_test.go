package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// blow is a moment at which a process is killed: when the broker has read a request that matches.
type blow struct {
	name string
	key  kmsg.Key
	hits func(*site, kmsg.Request) bool
	// lost: the request is not handled, as if it had never come.
	lost bool
}

func endOf(role string) func(*site, kmsg.Request) bool {
	return func(_ *site, r kmsg.Request) bool {
		end, ok := r.(*kmsg.EndTxnRequest)
		return ok && end.Commit && strings.HasPrefix(end.TransactionalID, "tidemark-"+role)
	}
}

func produces(topic string) func(*site, kmsg.Request) bool {
	return func(s *site, r kmsg.Request) bool {
		produce, ok := r.(*kmsg.ProduceRequest)
		if !ok {
			return false
		}
		for _, t := range produce.Topics { // named by ID since version 13
			if t.Topic == topic || t.TopicID == s.topicIDs[topic] {
				return true
			}
		}
		return false
	}
}

func offsetsOf(role string) func(*site, kmsg.Request) bool {
	return func(_ *site, r kmsg.Request) bool {
		commit, ok := r.(*kmsg.TxnOffsetCommitRequest)
		return ok && commit.Group == "tidemark-"+role
	}
}

// Every step of a transaction, of both roles.
var blows = []blow{
	{"evaluate's commit is carried out, but nobody hears of it", kmsg.EndTxn, endOf("evaluate"), false},
	{"ingest's commit is carried out, but nobody hears of it", kmsg.EndTxn, endOf("ingest"), false},
	{"evaluate's commit does not arrive", kmsg.EndTxn, endOf("evaluate"), true},
	{"ingest's offsets do not arrive", kmsg.TxnOffsetCommit, offsetsOf("ingest"), true},
	{"reports are written", kmsg.Produce, produces("tidemark.reports"), false},
	{"state does not arrive", kmsg.Produce, produces("tidemark.state"), true},
	{"evaluate's offsets are taken in", kmsg.TxnOffsetCommit, offsetsOf("evaluate"), false},
	{"joining the group", kmsg.JoinGroup, func(*site, kmsg.Request) bool { return true }, false},
}

// victim is a process that is killed again and again while a replay runs.
type victim struct {
	*site
	*journal
	rows    int64 // that are replayed
	process *process
	replay  *process
}

func newVictim(s *site, rows int) *victim {
	s.trainChurn()
	s.configure("  - {name: churn, baseline: baseline, windows: {size: 1s}, allowed_lateness: 2s}\n")
	s.write("traffic.csv", lines(newChurn(2).rows(rows, nil)))
	v := &victim{site: s, journal: s.journal(), rows: int64(rows)}
	v.process = s.run("--instance", "victim")
	v.replay = s.start("replay", "traffic.csv", "--rate", "400")
	return v
}

// awaitWindows waits until two more windows were reported.
func (v *victim) awaitWindows(before string) {
	v.t.Helper()
	seen := len(v.reports)
	all := func() bool { return v.journal.rows("churn") == v.rows }
	v.until("two windows before "+before, func() bool { return len(v.reports) >= seen+2 || all() })
	if all() {
		v.t.Fatalf("the replay was over before: %s", before)
	}
}

// verify lets the replay end: nothing may be lost, and nothing reported twice.
func (v *victim) verify() {
	v.t.Helper()
	if code := v.replay.wait(); code != 0 {
		v.t.Fatalf("replay ended with %d: %s", code, v.replay.stderr.String())
	}
	v.untilRows("churn", v.rows)
	v.finish(v.process)
	if late := v.late("churn"); v.journal.rows("churn") != v.rows || late != 0 {
		v.t.Errorf("%d rows in the windows and %d late, want %d and 0", v.journal.rows("churn"), late, v.rows)
	}
	if n := len(v.records("tidemark.deadletters")); n > 0 {
		v.t.Errorf("%d dead letters", n)
	}
	for _, r := range v.reports {
		if r.Window.Size != "1s" || r.Monitor != "churn" || r.Variant != "default" {
			v.t.Errorf("a window of %s of %s/%s", r.Window.Size, r.Monitor, r.Variant)
		}
	}
}

// A process that is killed again and again, at every step, loses nothing and reports nothing twice.
func TestKill(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	v := newVictim(s, 28_000)
	for _, b := range blows {
		v.awaitWindows(b.name)
		var armed atomic.Bool
		struck := make(chan struct{})
		armed.Store(true)
		victim := v.process
		s.broker.ControlKey(int16(b.key), func(r kmsg.Request) (kmsg.Response, error, bool) {
			if !b.hits(s, r) || !armed.CompareAndSwap(true, false) {
				return nil, nil, false
			}
			victim.kill()
			close(struck)
			if b.lost {
				return nil, errors.New("lost"), true
			}
			s.broker.DropControl()
			return nil, nil, false
		})
		if b.key == kmsg.JoinGroup { // a process that is just starting
			v.process.kill()
			v.process = s.start("run", "--instance", "victim")
			victim = v.process
		}
		await(t, b.name, func() bool {
			select {
			case <-struck:
				return true
			default:
				return false
			}
		})
		v.process = s.run("--instance", "victim")
	}
	v.verify()
}

// The same on Apache Kafka, at moments that are drawn: its requests cannot be told apart from outside.
func TestKillOnKafka(t *testing.T) {
	t.Parallel()
	v := newVictim(newSecureSite(t), 14_000)
	random := rand.New(rand.NewPCG(5, 0))
	for i := range 5 {
		moment := time.Duration(random.Int64N(int64(1500 * time.Millisecond))) // longer than from commit to commit
		v.awaitWindows(fmt.Sprintf("blow %d", i))
		<-time.After(moment)
		v.process.kill()
		v.process = v.run("--instance", "victim")
	}
	v.verify()
}
