package archive

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever was decoded and encoded before in the same memory, rows and counts are those of memory that is new.
func TestMemoryIsUsedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decoder, encoder := NewDecoder(both), NewEncoder(Fast)
		for range rapid.IntRange(1, 6).Draw(t, "objects") {
			kept, fresh := decoder.NewRecords(0, 0), NewDecoder(both).NewRecords(0, 0)
			for i := range rapid.IntRange(0, 60).Draw(t, "records") {
				record := Record{
					Offset: int64(i), Timestamp: int64(1000 * i), Endpoint: rapid.SampledFrom([]string{"loans", "churn", "nobody"}).Draw(t, "endpoint"),
					Value: []byte(rapid.SampledFrom([]string{
						`{"features":{"income":1,"state":"Ohio"}}`, `{"features":{"income":"x","plan":"basic"}}`, `{"id":"a","predictions":{"score":0.5},"more":1}`, `{`,
					}).Draw(t, "value")),
				}
				kept.Add(record)
				fresh.Add(record)
				kept.Pass(int64(i)+1, 0)
				fresh.Pass(int64(i)+1, 0)
			}
			info := Info{ID: partition, End: max(kept.End, 1), Rows: kept.Table().Rows}
			got, err := encoder.Parquet(kept.Table(), info)
			if err != nil {
				t.Fatal(err)
			}
			want, err := NewEncoder(Fast).Parquet(fresh.Table(), info)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d bytes are not those %d", len(got), len(want))
			}
			if a, b := fmt.Sprint(kept.Table().ByStatus, kept.Table().Extra, kept.Table().Untyped), fmt.Sprint(fresh.Table().ByStatus, fresh.Table().Extra, fresh.Table().Untyped); a != b {
				t.Fatalf("counted %s, want %s", a, b)
			}
			decoder.Take(kept)
		}
	})
}

// What waits is counted as what it takes: a short record of many columns as its columns, a long one as its text.
func TestBytesOfRecords(t *testing.T) {
	r := NewDecoder(both).NewRecords(0, 0)
	for _, c := range []struct {
		endpoint, value string
		want            int64
	}{
		{"loans", `{"features":{}}`, recordBytes + 4*cellBytes},
		{"nobody", `{"features":{}}`, recordBytes + 15},
		{"loans", `{"features":{"state":"` + strings.Repeat("x", 1000) + `"}}`, recordBytes + 1025},
	} {
		before := r.Bytes
		r.Add(Record{Endpoint: c.endpoint, Value: []byte(c.value)})
		if got := r.Bytes - before; got != c.want {
			t.Errorf("%s %.30s counts %d bytes, want %d", c.endpoint, c.value, got, c.want)
		}
	}
}

// A decoder keeps memory for the next records, but neither more than a bound nor what is hardly used.
func TestDecoderKeepsLittle(t *testing.T) {
	d := NewDecoder(both)
	use := func(records int) *Records {
		r := d.NewRecords(0, 0)
		for i := range records {
			r.Add(Record{Offset: int64(i), Endpoint: "loans", Value: []byte(`{"features":{"income":1}}`)})
		}
		return r
	}
	d.Take(use(1000))
	if len(d.spare) != 1 || d.kept != d.spare[0].used() {
		t.Fatalf("%d chunks are kept, of %d values", len(d.spare), d.kept)
	}
	d.Take(use(300))
	if len(d.spare) != 1 {
		t.Error("a chunk of which a third was used is given up")
	}
	d.Take(use(200))
	if len(d.spare) != 0 || d.kept != 0 {
		t.Error("a chunk of which a fifth was used is kept")
	}
	for range 3 {
		d.Take(&Records{table: Table{chunks: []*chunk{{cells: maxKept * 2 / 5}}}})
	}
	if d.kept != 2*(maxKept*2/5) || len(d.spare) != 2 {
		t.Errorf("%d values are kept in %d chunks", d.kept, len(d.spare))
	}
}
