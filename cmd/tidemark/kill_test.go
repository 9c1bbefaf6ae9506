package main

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

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

// A process that is killed again and again, at every step, loses nothing and reports nothing twice.
func TestKill(t *testing.T) {
	t.Parallel()
	const rows = 28_000
	s := newSite(t)
	s.trainChurn()
	s.configure("  - {name: churn, baseline: baseline, windows: {size: 1s}, allowed_lateness: 2s}\n")
	s.write("traffic.csv", lines(newChurn(2).rows(rows, nil)))
	j := s.journal()
	p := s.run("--instance", "victim")
	replay := s.start("replay", "traffic.csv", "--rate", "400")
	whole := func(what string) bool { // until two more windows were reported, or all
		before := len(j.reports)
		j.until(what, func() bool { return len(j.reports) >= before+2 || j.rows("churn") == rows })
		return j.rows("churn") == rows
	}
	for _, b := range blows {
		if whole("two windows before " + b.name) {
			t.Fatalf("the replay was over before: %s", b.name)
		}
		var armed atomic.Bool
		struck := make(chan struct{})
		armed.Store(true)
		victim := p
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
			p.kill()
			p = s.start("run", "--instance", "victim")
			victim = p
		}
		await(t, b.name, func() bool {
			select {
			case <-struck:
				return true
			default:
				return false
			}
		})
		p = s.run("--instance", "victim")
	}
	if code := replay.wait(); code != 0 {
		t.Fatalf("replay ended with %d: %s", code, replay.stderr.String())
	}
	j.untilRows("churn", rows)
	j.finish(p)
	if late := s.late("churn"); j.rows("churn") != rows || late != 0 {
		t.Errorf("%d rows in the windows and %d late, want %d and 0", j.rows("churn"), late, rows)
	}
	if n := len(s.records("tidemark.deadletters")); n > 0 {
		t.Errorf("%d dead letters", n)
	}
	sizes := map[string]bool{}
	for _, r := range j.reports {
		sizes[r.Window.Size] = true
		if r.Window.Size != "1s" || r.Monitor != "churn" || r.Variant != "default" {
			t.Errorf("a window of %s of %s/%s", r.Window.Size, r.Monitor, r.Variant)
		}
	}
}
