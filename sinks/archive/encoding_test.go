package archive

import (
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"tidemark/capture"
)

// Each column is encoded as its values ask for, and read back as they were.
func TestEncodings(t *testing.T) {
	schema := &capture.Schema{Columns: []capture.Column{
		{Name: "few", Role: capture.Feature, Kind: capture.Numeric}, {Name: "many", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "plan", Role: capture.Feature, Kind: capture.Categorical}, {Name: "user", Role: capture.Feature, Kind: capture.Categorical},
	}}
	r := NewDecoder(Source{Schemas: func(string, string) []*capture.Schema { return []*capture.Schema{schema} }}).NewRecords(0, -1)
	const n = 5000
	var want []string
	for i := range int64(n) {
		r.Add(Record{Offset: i, Timestamp: 1767323045123, Endpoint: "e", Value: fmt.Appendf(nil,
			`{"id":"event-%d","features":{"few":%d,"many":%d.25,"plan":"plan-%d","user":"user-%d"}}`, i*7919%n, i%50, i, i%200, i)})
		r.Pass(i+1, 0)
		want = append(want, fmt.Sprintf("offset=%d row=0 timestamp=2026-01-02T03:04:05.123Z event_time=2026-01-02T03:04:05.123Z event_id=event-%d endpoint=e status=ok few=%d many=%d.25 plan=plan-%d user=user-%d",
			i, i*7919%n, i%50, i, i%200, i))
	}
	table := r.Table()
	const dictionary, differences, lengths, whole, split = parquet.Encoding(8), parquet.Encoding(5), parquet.Encoding(6), parquet.Encoding(0), parquet.Encoding(9)
	for codec, encodings := range map[Codec]map[string]parquet.Encoding{
		Fast:  {"few": split, "many": split},
		Small: {"few": dictionary, "many": whole},
	} {
		for name, encoding := range map[string]parquet.Encoding{
			"offset": differences, "event_time": differences, "event_id": lengths, "endpoint": dictionary, "status": dictionary,
			"plan": dictionary, "user": lengths, // of which most values have no code
		} {
			encodings[name] = encoding
		}
		content, err := table.Parquet(Info{ID: partition, End: n, Rows: n}, codec)
		if err != nil {
			t.Fatal(err)
		}
		if err := openParquet(content, func(f *file.Reader) error {
			for i := range f.MetaData().Schema.NumColumns() {
				column, err := f.MetaData().RowGroup(0).ColumnChunk(i)
				if err != nil {
					return err
				}
				name := column.PathInSchema().String()
				if encoding, ok := encodings[name]; ok && (column.HasDictionaryPage() != (encoding == dictionary) || encoding != dictionary && !slices.Contains(column.Encodings(), encoding)) {
					t.Errorf("%s: %s has the encodings %v, want %v", codec, name, column.Encodings(), encoding)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if _, rows := readBack(t, content); !slices.Equal(rows, want) {
			t.Errorf("%s: the rows are not those that were written; the first is %s", codec, rows[0])
		}
	}
}
