package capture

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// content is all that a batch says, copied: the buffers behind it are its own affair.
type content struct {
	Times     []int64
	Sides     []Side
	Columns   [][]string // each value's bits or text; - where there is none
	Invalid   [][]int32
	Extras    []int32
	Undecoded int
}

func contentOf(b *Batch) content {
	c := content{Times: fresh(b.times), Sides: fresh(b.sides), Extras: fresh(b.extras), Undecoded: b.undecoded}
	for i := range b.columns {
		values, kept := make([]string, b.Rows()), 0
		for row := range values {
			var text string
			var present bool
			if b.columns[i].kind == Categorical {
				if text, present = b.Text(i, int32(row)); b.Codes(i)[row] < 0 {
					kept += len(text)
				}
			} else {
				x := b.Numbers(i)[row]
				text, present = fmt.Sprintf("%x", math.Float64bits(x)), !IsNull(x)
			}
			if values[row] = "=" + text; !present {
				values[row] = "-"
			}
		}
		if kept != len(b.columns[i].text) {
			values = append(values, "text that no row has")
		}
		c.Columns, c.Invalid = append(c.Columns, values), append(c.Invalid, fresh(b.columns[i].invalid))
	}
	return c
}

func fresh[T any](values []T) []T { return append([]T(nil), values...) }

func mustAppend(t testing.TB, p *Parser, b *Batch, value string) {
	t.Helper()
	r, err := p.Parse([]byte(value))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Append(b); err != nil {
		t.Fatal(err)
	}
}

// A record whose third row fails leaves no trace, whatever the number of rows before it, and the next record is
// read as if it had not been.
func TestAppendIsAllOrNothing(t *testing.T) {
	good := sageMaker(asCSV("1,x\nbad,y"), asJSON(`{"predictions":[{"score":0.5,"extra":1},{"class":"b"}]}`))
	for _, bad := range []string{
		sageMaker(asCSV("1,x\nbad,y\n3"), asCSV("1,a\n2,b\n3,c")),
		sageMaker(asCSV("1,x\nbad,y\n3,z"), asCSV("1,a\n2,b\n3,c,d")),
		sageMaker(asJSON(`[{"age":1,"extra":1},{"age":"bad","state":"long text"},[3]]`), asBase64("x", "")),
		sageMaker(asJSON(`{"age":["bad",2],"state":["x","y"]}`), asCSV("1,a")),
	} {
		p := new(Parser)
		b, expected := NewBatch(people), NewBatch(people)
		for rows := range 20 {
			before := contentOf(b)
			r, err := p.Parse([]byte(bad))
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Append(b); reasonOf(err) != ReasonColumns && reasonOf(err) != ReasonRows {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(before, contentOf(b)); diff != "" {
				t.Fatalf("%s\nleft behind at %d rows (-before +after):\n%s", bad, rows, diff)
			}
			step := good
			if rows%3 == 0 { // one row, to stop at every place in a byte of the bitmaps
				step = sageMaker(asCSV(",é"), side{})
			}
			mustAppend(t, p, b, step)
			mustAppend(t, new(Parser), expected, step)
			if diff := cmp.Diff(contentOf(expected), contentOf(b)); diff != "" {
				t.Fatalf("next record (-want +got):\n%s", diff)
			}
		}
		if b.Rows()%8 == 0 || b.Undecoded() != 0 || b.Extra() == 0 {
			t.Errorf("the test is weak: %d rows, %d undecoded, %d extra", b.Rows(), b.Undecoded(), b.Extra())
		}
	}
}

// A Parser's buffers and a Batch's carry nothing from one record to the next.
func TestReuse(t *testing.T) {
	values := []string{
		sageMaker(asCSV("1,x\n2,y"), asCSV("0.5,\"a\"\"b\"\n0.25,c")),
		sageMaker(asJSON(`{"age":[1,2],"state":["x","y"]}`), side{}),
		sageMaker(asJSON("{\"age\":1}\n{\"age\":2}\n{\"age\":3}"), side{}),
		sageMaker(side{}, asJSON(`[1,"a"]`)),
		`{"features":{"age":1,"state":"s"}}`,
		sageMaker(asBase64("x", ""), asBase64(`{"score":1}`, "")),
		sageMaker(asJSON("{\"age\":1}\n{\"age\":2}"), side{}),
		`{"predictions":[{"score":1},{"score":2}]}`,
	}
	p, reused := new(Parser), NewBatch(people)
	for round := range 3 {
		for i, value := range values {
			fresh := NewBatch(people)
			mustAppend(t, new(Parser), fresh, value)
			reused.Reset()
			mustAppend(t, p, reused, value)
			if diff := cmp.Diff(contentOf(fresh), contentOf(reused)); diff != "" {
				t.Fatalf("round %d, record %d (-fresh +reused):\n%s", round, i, diff)
			}
			for _, bad := range []string{`{`, `{"captureData":{"endpointInput":{"encoding":"JSON","data":"1\n2\n{"}}}`} {
				if _, err := p.Parse([]byte(bad)); err == nil {
					t.Fatal("no error")
				}
			}
		}
	}
}

// A record may be appended to several batches.
func TestAppendTwice(t *testing.T) {
	r, err := new(Parser).Parse([]byte(sageMaker(asCSV("1,x\n2,y"), asJSON(`{"score":[3,4]}`))))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		schema Schema
		want   []string
	}{
		{people, []string{`io 1 "x" 3 -`, `io 2 "y" 4 -`}},
		{numeric("a b", ""), []string{`i- 1 !`, `i- 2 !`}},
		{numeric("", "score[0] score[1]"), []string{`-o 3 4`}},
		{people, []string{`io 1 "x" 3 -`, `io 2 "y" 4 -`}},
	} {
		b := NewBatch(c.schema)
		if err := r.Append(b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, render(t, b)); diff != "" {
			t.Error(diff)
		}
	}
}

// One table of cells, written in each of the formats, gives the same columns.
func TestFormatsAgree(t *testing.T) {
	kinds := []Kind{Numeric, Categorical}
	cell := rapid.OneOf(
		rapid.SampledFrom([]string{"", "NA", "True", "1.0", "-0", "1e999", "0x1", "a,b", "x\"y", "l\nm", " 7 ", "NaN", "é", "\\u0041"}),
		rapid.Map(rapid.Float64(), func(f float64) string { return fmt.Sprint(f) }),
		rapid.StringMatching(`[a-z0-9 .]{0,6}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		var schema Schema
		for i, kind := range rapid.SliceOfN(rapid.SampledFrom(kinds), 2, 5).Draw(t, "features") {
			schema.Columns = append(schema.Columns, Column{fmt.Sprintf("f.%d", i), Feature, kind})
		}
		for i, kind := range rapid.SliceOfN(rapid.SampledFrom(kinds), 2, 3).Draw(t, "predictions") {
			schema.Columns = append(schema.Columns, Column{fmt.Sprintf("p%d", i), Prediction, kind})
		}
		n := rapid.IntRange(1, 12).Draw(t, "rows")
		table := func(role Role) [][]string {
			width := len(schema.With(role))
			return rapid.SliceOfN(rapid.SliceOfN(cell, width, width), n, n).Draw(t, string(role))
		}
		in, out := table(Feature), table(Prediction)
		names := func(role Role) (names []string) {
			for _, c := range schema.With(role) {
				names = append(names, c.Name)
			}
			return names
		}
		features, predictions := names(Feature), names(Prediction)
		inObjects, outObjects := objects(features, in), objects(predictions, out)
		var want []string
		for i, value := range []string{
			sageMaker(asCSV(toCSV(in)), asCSV(toCSV(out))),
			sageMaker(asJSON(toJSON(inObjects)), asJSON(toJSON(map[string]any{"predictions": outObjects}))),
			sageMaker(asJSON(toJSON(in)), asBase64(toLines(outObjects), "application/jsonlines")),
			sageMaker(asJSON(toJSON(inColumns(features, in))), asCSV(toCSV(out))),
			toJSON(map[string]any{"time": "2026-01-02T15:04:05Z", "features": inObjects, "predictions": outObjects}),
		} {
			b := NewBatch(schema)
			r, err := new(Parser).Parse([]byte(value))
			if err == nil {
				err = r.Append(b)
			}
			if err != nil {
				t.Fatalf("%s: %v", value, err)
			}
			got := render(t, b)
			if i == 0 {
				want = got
				if len(got) != n {
					t.Fatalf("%d rows, want %d", len(got), n)
				}
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s (-CSV +this):\n%s", value, diff)
			}
		}
	})
}

func objects(names []string, rows [][]string) []map[string]string {
	list := make([]map[string]string, len(rows))
	for i, row := range rows {
		list[i] = map[string]string{}
		for j, cell := range row {
			list[i][names[j]] = cell
		}
	}
	return list
}

func inColumns(names []string, rows [][]string) map[string][]string {
	columns := map[string][]string{}
	for _, row := range rows {
		for j, cell := range row {
			columns[names[j]] = append(columns[names[j]], cell)
		}
	}
	return columns
}

func toCSV(rows [][]string) string {
	var text strings.Builder
	w := csv.NewWriter(&text)
	if err := w.WriteAll(rows); err != nil {
		panic(err)
	}
	return text.String()
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func toLines(rows []map[string]string) string {
	var lines []string
	for _, row := range rows {
		lines = append(lines, toJSON(row))
	}
	return strings.Join(lines, "\n")
}
