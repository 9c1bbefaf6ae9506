package monitor

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tidemark/windows"
)

func drawSource(t *rapid.T) windows.Source {
	return windows.Source{Topic: rapid.StringMatching(`[a-zA-Z0-9._-]{1,9}`).Draw(t, "topic"), Partition: rapid.Int32Range(0, 1e6).Draw(t, "partition")}
}

func drawPane(t *rapid.T) PaneDelta {
	p := PaneDelta{
		Variant: rapid.String().Draw(t, "variant"), Layout: rapid.StringMatching(`[0-9a-f]{16}`).Draw(t, "layout"),
		Start: windows.Time(rapid.Int64Range(-1e14, 1e14).Draw(t, "start")), Length: rapid.Int64Range(1, 60_000).Draw(t, "length"),
		Rows: rapid.Int64Min(0).Draw(t, "rows"), Profile: rapid.SliceOf(rapid.Byte()).Draw(t, "profile"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "ranges") {
		start := rapid.Int64Range(0, 1e12).Draw(t, "start")
		p.Ranges = append(p.Ranges, Range{drawSource(t), start, start + rapid.Int64Range(1, 1e6).Draw(t, "length")})
	}
	return p
}

func TestDeltaIsDecodedTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Delta{Endpoint: rapid.String().Draw(t, "endpoint"), Missed: rapid.SampledFrom([]string{"", MissedAll}).Draw(t, "missed")}
		for range rapid.IntRange(0, 3).Draw(t, "sources") {
			d.Sources = append(d.Sources, windows.Progress{
				Source: drawSource(t), EventTime: windows.Time(rapid.Int64Range(-1e14, 1e14).Draw(t, "event time")),
				Appended: rapid.SampledFrom([]windows.Time{windows.Never, noon}).Draw(t, "appended"), Ended: rapid.Bool().Draw(t, "ended"),
			})
		}
		for range rapid.IntRange(0, 4).Draw(t, "panes") {
			d.Panes = append(d.Panes, drawPane(t))
		}
		got, err := DecodeDelta(bytes.TrimPrefix(d.Append([]byte("before")), []byte("before")))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&d, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("decoded (-want +got):\n%s", diff)
		}
	})
}

func TestSavedPaneIsDecodedTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		saved := SavedPane{Version: stateVersion, Endpoint: rapid.String().Draw(t, "endpoint"), Pane: drawPane(t), Through: rapid.Int64Min(0).Draw(t, "through")}
		encoded, err := saved.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodePane(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(saved, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("decoded (-want +got):\n%s", diff)
		}
		for n := range encoded {
			if _, err := DecodePane(encoded[:n]); err == nil {
				t.Fatalf("the first %d of %d bytes are read as a pane", n, len(encoded))
			}
		}
	})
}

func someDelta(t rapid.TB) []byte {
	s := newSim(t, watch("churn", sliding(minute, 10*second)))
	s.rows(0, "churn", noon, 5, usual)
	s.rows(1, "churn", noon.Add(10*second), 5, usual)
	s.appendLog(0)
	return s.log[0].delta
}

func TestTruncatedDeltaIsAnError(t *testing.T) {
	encoded := someDelta(t)
	for n := range encoded {
		if _, err := DecodeDelta(encoded[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are read as a delta", n, len(encoded))
		}
	}
}

// with returns a record with a head and what follows it.
func with(head, rest string) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(head))), head+rest...)
}

func TestDeltaErrors(t *testing.T) {
	for _, test := range []struct {
		encoded []byte
		want    string
	}{
		{nil, "does not fit the 0 bytes"},
		{bytes.Repeat([]byte{0xff}, 11), "does not fit the 11 bytes"},
		{binary.AppendUvarint(nil, 1<<63), "does not fit the 10 bytes"},
		{with(`{"version":2}`, ""), "version 2, this program reads versions 1 and 2"},
		{with(`{`, ""), "unexpected end of JSON"},
		{with(`{"version":1,"endpoint":"e","panes":[{"size":4}]}`, "abc"), "has 4 bytes, 3 are left"},
		{with(`{"version":1,"endpoint":"e","panes":[{"size":-1}]}`, "abc"), "has -1 bytes"},
		{with(`{"version":1,"endpoint":"e","panes":[{"size":2},{"size":2}]}`, "abc"), "has 2 bytes, 1 are left"},
		{with(`{"version":1,"endpoint":"e","panes":[{"size":2}]}`, "abc"), "1 bytes behind"},
		{[]byte{0, 3, 0, 0}, "version 3, this program reads versions 1 and 2"},
		{[]byte{0, 2, 9, 'e'}, "ends too early"},
		{append([]byte{0, 2, 0, 0}, bytes.Repeat([]byte{0xff}, 11)...), "ends too early"},
		{[]byte{0, 2, 1, 'e', 0, 1, 1, 't', 1, 1, 0, 0, 0, 0, 0}, "a number is larger than it can be"}, // the second of one topic
		{append((&Delta{Endpoint: "e", Panes: []PaneDelta{{Profile: []byte("ab")}}}).Append(nil), 'c'), `endpoint "e": 1 bytes behind`},
	} {
		if _, err := DecodeDelta(test.encoded); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want an error with %q", test.encoded, err, test.want)
		}
	}
}

// FuzzDecodeDelta: any bytes are an error, or a delta that a shard takes or refuses.
func FuzzDecodeDelta(f *testing.F) {
	f.Add(someDelta(f))
	f.Add(bytes.Repeat([]byte{0xff}, 20))
	f.Add(with(`{"version":1,"endpoint":"churn","panes":[{"size":2,"length":10000,"start":"9999-12-31T23:59:59Z"}]}`, "ab"))
	f.Add(with(`{"version":1,"endpoint":"churn","sources":[{"source":"a/1","event_time":"9223372036854775807","ended":true}]}`, ""))
	f.Add(with(`{"version":1,"endpoint":"churn","panes":[{"length":10000,"start":"0001-01-01T00:00:00Z"},{"length":10000,"start":"9999-12-31T23:59:59Z"}]}`, ""))
	monitors := []*Monitor{watch("churn", sliding(minute, 10*second))}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		d, err := DecodeDelta(encoded)
		if err != nil {
			return
		}
		if back, err := DecodeDelta(d.Append(nil)); err != nil || !cmp.Equal(d, back, cmpopts.EquateEmpty()) {
			t.Fatalf("%v; decoded again (-want +got):\n%s", err, cmp.Diff(d, back))
		}
		shard := NewShard(monitors)
		var out Output
		if shard.Add(d, 0, noon, &out) != nil {
			return
		}
		v := windows.Vector{}
		for _, p := range d.Sources {
			v.Counts = map[string]int32{p.Source.Topic: 0}
			v.Sources = append(v.Sources, windows.Status{Source: p.Source, Idle: true})
		}
		_ = shard.Tick(v, noon.Add(minute), &out) // an error or not, it ends
		_, _ = shard.Changes(), shard.ReplayFrom(1)
	})
}
