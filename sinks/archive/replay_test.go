package archive

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/capture"
	"tidemark/store"
)

// stored puts records into the archive as one object of a partition's chain.
func stored(t *testing.T, a *Archive, id ID, source Source, records ...Record) {
	t.Helper()
	r := NewDecoder(source).NewRecords(records[0].Offset, 1)
	for _, record := range records {
		r.Add(record)
		r.Pass(record.Offset+1, 1)
	}
	table := r.Table()
	info := Info{ID: id, Generation: 1, Start: r.Start, End: r.End, Rows: table.Rows, Nonce: "n", Epoch: 1}
	content, err := table.Parquet(info, Small)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Perform(t.Context(), id, Action{Do: Put, Info: info}, content); err != nil {
		t.Fatal(err)
	}
}

func replayed(t *testing.T, a *Archive) (all []Record) {
	t.Helper()
	ids, err := a.Partitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Replay(t.Context(), ids, both.Schemas, func(_ ID, r Record) error {
		all = append(all, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// What cannot be made again comes back as it was; the rest as flat captures of the same values.
func TestReplayRecords(t *testing.T) {
	a := New(&store.Memory{}, DefaultConfig())
	partial := `{"captureData":{"endpointInput":{"encoding":"CSV","data":"1,a,2\nsoon,b,3"}}}`
	stored(t, a, partition, both,
		Record{10, 1767323045123, "", "", []byte(`{"endpoint":"loans","variant":"blue","id":"a\"b","time":"2026-01-02T03:04:05.678Z","features":{"income":1.5,"state":"Oh\nio","Offset":-0.25,"more":1},"predictions":{"score":0.1}}`), ""},
		Record{12, 1767323045123, "loans", "", []byte(`{"captureData":{"endpointInput":{"encoding":"CSV","data":"NaN,,3\nInf,é,4"},"endpointOutput":{"encoding":"CSV","data":"1e-300\n0.3"}},"eventMetadata":{"eventId":"b","inferenceTime":"2026-01-02T03:04:06Z"}}`), ""},
		Record{13, 1767323045123, "churn", "", []byte(`{"id":"c","predictions":{"score":0.9}}`), ""},
		Record{14, 1767323045123, "nobody", "", []byte(`{"features":{"z":1}}`), ""},
		Record{15, 1767323045123, "loans", "", []byte("\xff{"), ""},
		Record{16, 1767323045123, "loans", "", []byte(partial), ""},
		Record{17, 1767323045123, "churn", "", []byte(`{"features":{"income":"high","plan":"basic"}}`), ""},
		Record{18, 1767323045123, "", "", nil, "size: the batch"}, // there is nothing to replay
	)
	want := []Record{
		{10, 1767323045123, "loans", "blue", []byte(`{"id":"a\"b","time":"2026-01-02T03:04:05.678Z","features":{"income":1.5,"state":"Oh\nio","Offset":-0.25},"predictions":{"score":0.1}}`), ""},
		{12, 1767323045123, "loans", "default", []byte(`{"id":"b","time":"2026-01-02T03:04:06.000Z","features":{"income":"NaN","Offset":3},"predictions":{"score":1e-300}}`), ""},
		{12, 1767323045123, "loans", "default", []byte(`{"id":"b","time":"2026-01-02T03:04:06.000Z","features":{"income":"+Inf","state":"é","Offset":4},"predictions":{"score":0.3}}`), ""},
		{13, 1767323045123, "churn", "default", []byte(`{"id":"c","time":"2026-01-02T03:04:05.123Z","predictions":{"score":0.9}}`), ""},
		{14, 1767323045123, "nobody", "default", []byte(`{"features":{"z":1}}`), ""},
		{15, 1767323045123, "loans", "", []byte("\xff{"), ""},
		{16, 1767323045123, "loans", "default", []byte(partial), ""},
		{17, 1767323045123, "churn", "default", []byte(`{"id":"","time":"2026-01-02T03:04:05.123Z","features":{"plan":"basic","income":"high"}}`), ""},
	}
	if diff := cmp.Diff(want, replayed(t, a)); diff != "" {
		t.Error(diff)
	}
}

// Objects come in the order of their chain, and partitions by timestamp. What was visited is not read on after an error.
func TestReplayMerges(t *testing.T) {
	a := New(&store.Memory{}, DefaultConfig())
	other := partition
	other.Partition++
	at := func(offset, timestamp int64) Record {
		return Record{offset, timestamp, "nobody", "", []byte("{}"), ""}
	}
	stored(t, a, partition, both, at(0, 10), at(1, 30))
	stored(t, a, partition, both, at(2, 20), at(3, 50))
	stored(t, a, other, both, at(0, 5), at(1, 40))
	var got []int64
	for _, r := range replayed(t, a) {
		got = append(got, r.Timestamp)
	}
	if want := []int64{5, 10, 30, 20, 40, 50}; !slices.Equal(got, want) {
		t.Errorf("timestamps %v, want %v", got, want)
	}
	stop, seen := errors.New("enough"), 0
	err := a.Replay(t.Context(), []ID{partition, other}, both.Schemas, func(ID, Record) error {
		seen++
		return stop
	})
	if !errors.Is(err, stop) || seen != 1 {
		t.Errorf("error %v after %d records, want %v after 1", err, seen, stop)
	}
}

// A file that is damaged is named.
func TestReplayDamaged(t *testing.T) {
	s := &store.Memory{}
	a := New(s, DefaultConfig())
	if err := s.Put(t.Context(), partition.key(1, 0), []byte("PAR1"), nil); err != nil {
		t.Fatal(err)
	}
	err := a.Replay(context.Background(), []ID{partition}, both.Schemas, func(ID, Record) error { return nil })
	if err == nil || !strings.HasPrefix(err.Error(), partition.key(1, 0)+": ") || !strings.HasSuffix(err.Error(), "run `tidemark archive verify`") {
		t.Errorf("error %v", err)
	}
}

// Every captured column's name is read back.
func TestColumnOf(t *testing.T) {
	for _, c := range slices.Concat(loans.Columns, []capture.Column{{Name: "offset_"}, {Name: "EXTRA"}, {Name: "raw__"}, {Name: "plain_"}, {Name: "_"}, {Name: ""}}) {
		if got := columnOf(ColumnName(c.Name)); got != c.Name {
			t.Errorf("%q is written %q and read %q", c.Name, ColumnName(c.Name), got)
		}
	}
}
