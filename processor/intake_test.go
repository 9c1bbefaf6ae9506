package processor

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/windows"
)

// testIntake has a partition, from an offset on.
func testIntake(t *testing.T, offset int64) (*Intake, windows.Source) {
	t.Helper()
	c := DefaultConfig()
	c.Complete()
	in := NewIntake(&c, []*monitor.Monitor{watch(t, "churn", time.Minute)})
	p := windows.Source{Topic: "capture", Partition: 2}
	in.Own(map[windows.Source]int64{p: offset}, noon)
	return in, p
}

// TestPartitionThatComesBack: a process that was stopped for a while loses a partition and gets it back, which another
// consumed to its end meanwhile. It must not take it for one with unread records, as no window would close before the
// next record came.
func TestPartitionThatComesBack(t *testing.T) {
	in, p := testIntake(t, 40)
	in.Read(p, []*kgo.Record{flat(noon, 1, "")}, 41, noon)
	if got := in.Status(1, nil, noon); len(got) != 1 || got[0].Position != 41 || got[0].Lag || got[0].Idle {
		t.Fatalf("after the record: %+v", got)
	}
	in.Forget(false)

	back := noon.Add(20 * time.Second)
	if !in.Own(map[windows.Source]int64{p: 57}, back) {
		t.Fatal("the end of a silent partition is not asked for")
	}
	got := in.Status(3, map[windows.Source]int64{p: 57}, back)
	if len(got) != 1 || got[0].Position != 57 || got[0].Lag || !got[0].Idle {
		t.Errorf("after it came back: %+v, want it idle at 57", got)
	}
}

// What waits for a commit is bounded: from so many bytes of dead letters on, the commit does not wait for its time.
func TestIntakeIsFull(t *testing.T) {
	in, p := testIntake(t, 0)
	bad := bytes.Repeat([]byte("x"), 1<<20)
	for round := range 2 {
		read := int64(0)
		for ; !in.Full(); read++ {
			in.Read(p, []*kgo.Record{{Topic: p.Topic, Partition: p.Partition, Offset: read, Timestamp: noon, Value: bad}}, read+1, noon)
			if read > 2*maxPending>>20 {
				t.Fatalf("round %d: %d MiB of dead letters do not fill it", round, read)
			}
		}
		if read < maxPending>>20 {
			t.Errorf("round %d: %d MiB of dead letters fill it", round, read)
		}
		in.Forget(false)
	}
}

// TestIntakeOfManyEndpointsCommitsLess: a row of each of many endpoints makes panes that are more than a tenth of the captures.
// An abort forgets nothing of that, and a quiet time takes it back.
func TestIntakeOfManyEndpointsCommitsLess(t *testing.T) {
	in, p := testIntake(t, 0)
	in.fold = newFold(in.config, []*monitor.Monitor{watch(t, "*", time.Minute)})
	const endpoints = 8000
	commit := func(records ...*kgo.Record) time.Duration {
		in.Read(p, records, int64(len(records)), noon)
		if _, err := in.Records(nil, nil, 1); err != nil {
			t.Fatal(err)
		}
		return in.Interval()
	}
	var one []*kgo.Record
	for i := range endpoints {
		one = append(one, flat(noon, 1, fmt.Sprintf("%q:%q,", "endpoint", fmt.Sprintf("e%d", i))))
	}
	if got := in.Interval(); got != commitInterval {
		t.Errorf("%v before the first commit, want %v", got, commitInterval)
	}
	for i, want := range []time.Duration{2 * time.Second, 4 * time.Second, 4 * time.Second} {
		if got := commit(one...); got != want {
			t.Errorf("%v after the %d. commit, want %v", got, i+1, want)
		}
		in.Forget(i == 0)
	}
	for _, want := range []time.Duration{2 * time.Second, time.Second, time.Second} {
		if got := commit(); got != want {
			t.Errorf("%v in a quiet time, want %v", got, want)
		}
		in.Forget(false)
	}
}
