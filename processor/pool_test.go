package processor

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestRecordPool: a batch has room for what is asked, and none is given out twice.
func TestRecordPool(t *testing.T) {
	var pool recordPool
	out := map[*kgo.Record]bool{}
	for round := range 100 {
		n := 1 + round*7%40
		records := pool.GetRecords(n)
		if len(records) != 0 || cap(records) < n {
			t.Fatalf("%d records of room %d, want none and room for %d", len(records), cap(records), n)
		}
		first := &records[:1][0]
		if out[first] {
			t.Fatal("a batch was given out twice")
		}
		if out[first] = true; round%3 > 0 {
			delete(out, first)
			pool.PutRecords(records[:cap(records)])
		}
	}
}
