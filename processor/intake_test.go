package processor

import (
	"bytes"
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
