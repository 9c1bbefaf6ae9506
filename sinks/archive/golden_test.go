package archive

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/store"
)

// The archive in testdata/golden is one of this version. Any later one must read it and go on behind it. It is made once, by
// -golden.
var makeGolden = flag.Bool("golden", false, "make the golden files anew")

var golden = filepath.Join("testdata", "golden")

func TestGoldenArchiveIsReadAndGoesOn(t *testing.T) {
	if *makeGolden {
		if err := os.RemoveAll(golden); err != nil {
			t.Fatal(err)
		}
		fill(t, New(store.NewDirectory(golden, Metadata), Config{Codec: Small}), partition, 2)
	}
	a := New(store.NewDirectory(golden, Metadata), Config{Codec: Small})
	report := verify(t, a)
	want := Report{Findings: []Finding{}, Chains: []ChainReport{{ID: partition, Generation: 1, Start: 100, End: 124, Objects: 2, Rows: 20}}}
	for i := range report.Chains {
		report.Chains[i].Bytes = 0
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("verify (-want +got):\n%s", diff)
	}
	for _, hint := range []Hint{{}, ParseHint(124, "g1 s112"), ParseHint(112, "g1 s100"), ParseHint(7, "g9 s1")} {
		c := NewChain(partition, "later")
		action, _ := run(t, a, c, c.Open(hint), Bounds{100, 10000})
		if last, ok := c.Last(); action.Do != Read || action.Start != 124 || !ok || last.Start != 112 || last.Rows != 10 {
			t.Errorf("with %+v: %+v behind %+v", hint, action, last)
		}
	}
	for _, start := range []int64{100, 112} {
		content, err := os.ReadFile(filepath.Join(golden, filepath.FromSlash(partition.key(1, start))))
		if err != nil {
			t.Fatal(err)
		}
		if _, rows := readBack(t, content); len(rows) != 10 {
			t.Errorf("the object from %d has %d rows", start, len(rows))
		}
	}
}

// FuzzObject: whatever an object holds, it is read or refused, in memory in proportion to it.
func FuzzObject(f *testing.F) {
	for _, start := range []int64{100, 112} {
		content, err := os.ReadFile(filepath.Join(golden, filepath.FromSlash(partition.key(1, start))))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
		f.Add(content[:len(content)-9])
		f.Add(append([]byte("PAR1"), content[len(content)-200:]...))
	}
	f.Add([]byte("PAR1\xff\xff\xff\x7fPAR1"))
	f.Fuzz(func(t *testing.T, content []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if m, err := Metadata(content); err == nil {
			if info, err := parseInfo(m); err == nil {
				_ = check(content, info)
			}
		}
		_ = readRecords(t.Context(), content, both.Schemas, func(Record) bool { return true })
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20+1000*uint64(len(content)) {
			t.Fatalf("%d bytes took %d bytes", len(content), took)
		}
	})
}

// FuzzHead: a head that is read is written the same.
func FuzzHead(f *testing.F) {
	f.Add([]byte(`{"version":1,"generation":1,"first":100,"floor":100}`), "g1 s100")
	f.Add([]byte(`{"version":1,"generation":2147483648,"first":-1}`), "g99999999999 s-1")
	f.Fuzz(func(t *testing.T, content []byte, hint string) {
		if h := ParseHint(1, hint); h != (Hint{}) && ParseHint(1, h.String()) != h {
			t.Errorf("hint %+v", h)
		}
		h, err := parseHead(content)
		if err != nil {
			return
		}
		again, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parseHead(again); err != nil || back != h {
			t.Errorf("%+v came back as %+v: %v", h, back, err)
		}
	})
}
