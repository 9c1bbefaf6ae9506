package archive

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"tidemark/capture"
)

var (
	loans = &capture.Schema{Columns: []capture.Column{
		{Name: "income", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "state", Role: capture.Feature, Kind: capture.Categorical},
		{Name: "Offset", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "score", Role: capture.Prediction, Kind: capture.Numeric},
	}}
	churn = &capture.Schema{Columns: []capture.Column{
		{Name: "income", Role: capture.Feature, Kind: capture.Categorical}, // another kind than of loans
		{Name: "plan", Role: capture.Feature, Kind: capture.Categorical},
		{Name: "score", Role: capture.Prediction, Kind: capture.Numeric},
	}}
)

var both = Source{Variant: "default", Schemas: func(endpoint, _ string) []*capture.Schema {
	switch endpoint {
	case "loans":
		return []*capture.Schema{loans}
	case "churn":
		return []*capture.Schema{churn}
	}
	return nil
}}

// readBack returns the rows of a file as text, column by column; what is null is left out.
func readBack(t *testing.T, content []byte) (names []string, rows []string) {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := reader.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range table.Schema().Fields() {
		names = append(names, f.Name+" "+f.Type.String())
	}
	chunks := array.NewTableReader(table, -1)
	for chunks.Next() {
		record := chunks.RecordBatch()
		for row := range int(record.NumRows()) {
			var cells []string
			for i, column := range record.Columns() {
				if column.IsNull(row) {
					continue
				}
				value := column.ValueStr(row)
				if b, ok := column.(*array.Binary); ok {
					value = string(b.Value(row))
				}
				cells = append(cells, record.ColumnName(i)+"="+value)
			}
			rows = append(rows, strings.Join(cells, " "))
		}
	}
	return names, rows
}

func TestRoundTrip(t *testing.T) {
	r := NewDecoder(both).NewRecords(10, -1)
	var values []string
	add := func(offset int64, endpoint, value string) {
		r.Add(Record{Offset: offset, Timestamp: 1767323045123, Endpoint: endpoint, Value: []byte(value)})
		r.Pass(offset+1, 7)
		values = append(values, value)
	}
	add(10, "", `{"endpoint":"loans","variant":"blue","id":"a","time":"2026-01-02T03:04:05.678Z","features":{"income":1.5,"state":"Ohio","Offset":-0.25,"more":1},"predictions":{"score":0.1}}`)
	add(12, "loans", `{"captureData":{"endpointInput":{"encoding":"CSV","data":"NaN,,3\nx,é,4"},"endpointOutput":{"encoding":"CSV","data":"1e-300\n0.3"}},"eventMetadata":{"eventId":"b","inferenceId":"c","inferenceTime":"2026-01-02T03:04:06Z"}}`)
	add(13, "churn", `{"features":{"income":"high","plan":"basic"},"predictions":{"score":0.9}}`)
	add(14, "nobody", `{"features":{"z":1}}`)
	add(15, "loans", "\xff{")
	add(16, "loans", `{"captureData":{"endpointInput":{"encoding":"CSV","data":"1,2"}}}`)
	add(17, "", `{"features":{"z":1}}`)
	add(18, "loans", `{"captureData":{"endpointInput":{"encoding":"BASE64","data":"AAA=","observedContentType":"image/png"},"endpointOutput":{"encoding":"CSV","data":"0.7"}}}`)
	r.Pass(30, 7) // control records
	table := r.Table()
	for _, codec := range []Codec{Fast, Small} {
		info := Info{ID: partition, Generation: 1, Start: r.Start, End: r.End, Rows: table.Rows, Nonce: "n", Epoch: r.Epoch}
		content, err := table.Parquet(info, codec)
		if err != nil {
			t.Fatal(err)
		}
		metadata, err := Metadata(content)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(info.metadata(), metadata); diff != "" {
			t.Error(diff)
		}
		names, rows := readBack(t, content)
		if diff := cmp.Diff([]string{
			"offset int64", "row int32", "timestamp timestamp[ms, tz=UTC]", "event_time timestamp[ms, tz=UTC]", "event_id utf8",
			"inference_id utf8", "endpoint utf8", "variant utf8", "status utf8", "error utf8", "raw binary",
			"income float64", "state utf8", "Offset_ float64", "score float64", "plan utf8", "extra map<utf8, utf8, items_nullable>",
		}, names); diff != "" {
			t.Error(diff)
		}
		common := "timestamp=2026-01-02T03:04:05.123Z "
		late := common + "event_time=2026-01-02T03:04:05.123Z "
		csv := common + "event_time=2026-01-02T03:04:06Z event_id=b inference_id=c endpoint=loans variant=default "
		want := []string{
			"offset=10 row=0 " + common + `event_time=2026-01-02T03:04:05.678Z event_id=a endpoint=loans variant=blue status=ok income=1.5 state=Ohio Offset_=-0.25 score=0.1`,
			"offset=12 row=0 " + csv + "status=ok income=NaN Offset_=3 score=1e-300",
			"offset=12 row=1 " + csv + "status=partial error=invalid: income raw=" + values[1] + " state=é Offset_=4 score=0.3",
			"offset=13 row=0 " + late + `endpoint=churn variant=default status=ok score=0.9 plan=basic extra=[{"key":"income","value":"high"}]`,
			"offset=14 row=0 " + late + `endpoint=nobody variant=default status=unmonitored raw={"features":{"z":1}}`,
			"offset=15 row=0 " + common + "endpoint=loans status=dead error=" + message(parseError("\xff{")) + " raw=\xff{",
			"offset=16 row=0 " + late + "endpoint=loans variant=default status=dead error=columns: captureData.endpointInput.data has 2 cells in row 1: want 3, one for each column of the schema raw=" + values[5],
			"offset=17 row=0 " + late + `variant=default status=dead error=endpoint: the record names none raw={"features":{"z":1}}`,
			"offset=18 row=0 " + late + "endpoint=loans variant=default status=partial error=undecoded: a captured side is neither CSV nor JSON raw=" + values[7] + " score=0.7",
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]int64{StatusOK: 3, StatusPartial: 2, StatusUnmonitored: 1, StatusDead: 3}, table.ByStatus); diff != "" {
			t.Error(diff)
		}
		if table.Extra != 1 || table.Untyped != 1 {
			t.Errorf("%d extra keys, %d values without a column; want 1 and 1", table.Extra, table.Untyped)
		}
	}
}

func parseError(value string) error {
	_, err := new(capture.Parser).Parse([]byte(value))
	return err
}

// More rows than a chunk holds, of one endpoint and of two: every value is in its row.
func TestManyRows(t *testing.T) {
	for _, endpoints := range [][]string{{"loans"}, {"loans", "churn"}} {
		r := NewDecoder(both).NewRecords(0, -1)
		const n = chunkRows + 1000
		for i := range int64(n) {
			endpoint := endpoints[int(i)%len(endpoints)]
			r.Add(Record{Offset: 2 * i, Endpoint: endpoint, Value: fmt.Appendf(nil, `{"features":{"state":"s%d","plan":"s%d","income":1},"predictions":{"score":%d}}`, i%100, i%100, i)})
			r.Pass(2*i+1, 0)
		}
		table := r.Table()
		content, err := table.Parquet(Info{ID: partition, End: r.End, Rows: n}, Fast)
		if err != nil {
			t.Fatal(err)
		}
		_, rows := readBack(t, content)
		if len(rows) != n {
			t.Fatalf("%d rows, want %d", len(rows), n)
		}
		for i, row := range rows {
			for _, want := range []string{fmt.Sprintf("offset=%d ", 2*i), fmt.Sprintf("=s%d ", i%100), fmt.Sprintf("score=%d ", i)} {
				if !strings.Contains(row+" ", want) {
					t.Fatalf("row %d is %s, want %s", i, row, want)
				}
			}
		}
	}
}

// A file has at most so many typed columns; the rest is in the map and not lost.
func TestWide(t *testing.T) {
	wide := &capture.Schema{}
	var cells []string
	for i := range maxColumns + 20 {
		wide.Columns = append(wide.Columns, capture.Column{Name: fmt.Sprintf("c%d", i), Role: capture.Feature, Kind: capture.Numeric})
		cells = append(cells, fmt.Sprint(i))
	}
	r := NewDecoder(Source{Schemas: func(string, string) []*capture.Schema { return []*capture.Schema{wide} }}).NewRecords(0, -1)
	r.Add(Record{Endpoint: "e", Value: []byte(`{"captureData":{"endpointInput":{"encoding":"CSV","data":"` + strings.Join(cells, ",") + `"}}}`)})
	r.Pass(1, 0)
	table := r.Table()
	content, err := table.Parquet(Info{ID: partition, End: 1, Rows: 1}, Small)
	if err != nil {
		t.Fatal(err)
	}
	names, rows := readBack(t, content)
	if len(names) != len(fixedFields)+maxColumns+1 || table.Untyped != 20 {
		t.Errorf("%d columns, %d values without one", len(names), table.Untyped)
	}
	for _, want := range []string{"c999=999 ", `{"key":"c1000","value":"1000"}`, `{"key":"c1019","value":"1019"}`} {
		if !strings.Contains(rows[0], want) {
			t.Errorf("%s is not there", want)
		}
	}
}

func TestColumnName(t *testing.T) {
	for name, want := range map[string]string{
		"age": "age", "age_": "age_", "offset": "offset_", "offset_": "offset__", "OFFSET": "OFFSET_", "extra": "extra_",
		"raw__": "raw___", "event_time": "event_time_", "_row": "_row", "rows": "rows",
	} {
		if got := ColumnName(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// Whatever is cut off or changed is found.
func TestCheckFindsDamage(t *testing.T) {
	records := func(offsets ...int64) *Records {
		r := NewDecoder(both).NewRecords(5, 1)
		for i, offset := range offsets {
			r.Add(Record{Offset: offset, Endpoint: "loans", Value: fmt.Appendf(nil, `{"features":{"income":%d.5,"state":"s%d"}}`, i*7919%99991, i%17)})
		}
		r.Pass(3000, 1)
		return r
	}
	var offsets []int64
	for i := range int64(2000) {
		offsets = append(offsets, 5+i)
	}
	r := records(offsets...)
	table := r.Table()
	good := Info{ID: partition, Generation: 1, Start: 5, End: 3000, Rows: 2000, Nonce: "n", Epoch: 1}
	content, err := table.Parquet(good, Small)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(content); n += 1 + len(content)/500 {
		if err := check(content[:n], good); err == nil {
			t.Fatalf("cut off at %d of %d bytes", n, len(content))
		}
	}
	// A change of a page, of which zstd keeps a checksum. (The header of a page holds bytes that nobody
	// reads, such as the bounds of its values; in so small a file they are many.)
	end := 0
	if err := openParquet(content, func(f *file.Reader) error {
		for i := range f.MetaData().NumColumns() {
			column, err := f.MetaData().RowGroup(0).ColumnChunk(i)
			if err != nil {
				return err
			}
			end = max(end, int(column.DataPageOffset()+column.TotalCompressedSize()))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	missed := 0
	for i := 4; i < end; i += 7 {
		damaged := bytes.Clone(content)
		damaged[i] ^= 0x55
		if check(damaged, good) == nil {
			missed++
		}
	}
	if missed*10 > end/7 {
		t.Errorf("%d of %d changes were not found", missed, end/7)
	}
	for _, bad := range []func(*Info){
		func(i *Info) { i.Rows-- }, func(i *Info) { i.Start = 6 }, func(i *Info) { i.End = 2004 }, func(i *Info) { i.Gap = true },
	} {
		info := good
		bad(&info)
		if _, err := table.Parquet(info, Small); err == nil {
			t.Errorf("rows that are not those of %+v are written", info)
		}
	}
	// Rows that are not in order.
	offsets[7], offsets[8] = offsets[8], offsets[7]
	if _, err := records(offsets...).Table().Parquet(good, Small); err == nil || !strings.Contains(err.Error(), "behind offset") {
		t.Errorf("rows that are not in order give %v", err)
	}
}
