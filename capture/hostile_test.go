package capture

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/google/go-cmp/cmp"
)

// A record that fails leaves no trace, and the next one is read as if it had not been.
func TestStreamsAreAllOrNothing(t *testing.T) {
	p, b := new(Parser), NewBatch(people)
	mustAppend(t, p, b, sageMaker(asCSV("1,x"), asCSV("2,y")))
	before := contentOf(b)
	whole := streamOf(t, []arrow.Field{ageColumn, nullable("class", dictionaryOf(arrow.PrimitiveTypes.Int8))}, [][]string{{`[1,2]`, `["a","b"]`}})
	r, err := p.Parse(streamOf(t, []arrow.Field{ageColumn, nullable("class", arrow.PrimitiveTypes.Float64)}, [][]string{{`[1]`, `[1]`}}))
	if err == nil {
		err = r.Append(b)
	}
	if reasonOf(err) != ReasonColumns {
		t.Fatal(err)
	}
	const end = 8 // a stream may end without saying so
	for n := len(continuation); n < len(whole)-end; n++ {
		if r, err := p.Parse(whole[:n]); err == nil {
			t.Fatalf("of %d bytes the first %d were read as %d rows", len(whole), n, r.Rows())
		} else if reason := reasonOf(err); reason != ReasonMalformed && reason != ReasonEmpty {
			t.Fatalf("of %d bytes the first %d: %v", len(whole), n, err)
		}
	}
	if diff := cmp.Diff(before, contentOf(b)); diff != "" {
		t.Fatal(diff)
	}
	mustAppend(t, p, b, string(whole))
	mustAppend(t, p, b, sageMaker(asCSV("3,z"), asCSV("4,y")))
	if diff := cmp.Diff([]string{`io 1 "x" 2 "y"`, `io 1 - - "a"`, `io 2 - - "b"`, `io 3 "z" 4 "y"`}, render(t, b)); diff != "" {
		t.Error(diff)
	}
}

// hostile are streams that claim more than they have.
func hostile(t fataler) (streams [][]byte) {
	t.Helper()
	whole := streamOf(t, []arrow.Field{timeColumn, ageColumn, stateColumn, nullable("class", dictionaryOf(arrow.PrimitiveTypes.Int16)), nullable("event_id", arrow.BinaryTypes.String)},
		[][]string{{`["2026-01-02T15:04:05Z",null]`, `[1,null]`, `["x",null]`, `["a","b"]`, `["i","j"]`}, {`[null]`, `[3]`, `["y"]`, `["a"]`, `[null]`}})
	streams = append(streams, whole)
	for at := 4; at+8 <= len(whole); at += 4 { // each number of the format once very large and once negative
		for _, claim := range []uint64{1<<31 - 1, 1 << 40, math.MaxUint64, 1 << 63} {
			damaged := bytes.Clone(whole)
			binary.LittleEndian.PutUint64(damaged[at:], claim)
			streams = append(streams, damaged)
		}
	}
	return streams
}

// However a stream is damaged, it is rows or an error, and takes no more than its size accounts for.
func TestHostileStreams(t *testing.T) {
	p, b := new(Parser), NewBatch(people)
	for i, value := range hostile(t) {
		b.Reset()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := p.Parse(value)
		if err == nil {
			err = r.Append(b)
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 1<<20 {
			t.Errorf("stream %d of %d bytes took %d bytes", i, len(value), after.TotalAlloc-before.TotalAlloc)
		}
		if err != nil {
			wantReason(t, err)
			continue
		}
		if b.Rows() > 3 {
			t.Errorf("stream %d has %d rows", i, b.Rows())
		}
		render(t, b)
	}
}

// FuzzStream: FuzzParse for records in Arrow's format.
func FuzzStream(f *testing.F) {
	for _, value := range hostile(f) {
		f.Add(value)
	}
	f.Add(streamOf(f, []arrow.Field{nullable("age", arrow.Null), nullable("state", arrow.PrimitiveTypes.Uint8), nullable("class", arrow.FixedWidthTypes.Boolean),
		nullable("more", arrow.BinaryTypes.LargeBinary), nullable("score", arrow.PrimitiveTypes.Float32)}, [][]string{{`[null]`, `[7]`, `[true]`, `["AA=="]`, `[1.5]`}}))
	f.Add(streamOf(f, []arrow.Field{ageColumn}, [][]string{{`[1]`}}, ipc.WithLZ4()))
	p := new(Parser)
	f.Fuzz(func(t *testing.T, value []byte) {
		if len(value) < 4 {
			return
		}
		value = append([]byte(continuation), value[4:]...)
		checkRecord(t, p, value)
		if r, err := p.Parse(value); err == nil {
			for row := range r.Rows() {
				r.IDs(row)
			}
		}
	})
}
