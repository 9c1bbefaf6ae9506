package capture

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse: any bytes give an error with a reason of the closed set, or the rows that Rows promises in arrays that
// are whole.
func FuzzParse(f *testing.F) {
	for _, value := range []string{
		sageMaker(asCSV("1,x\r\n\"2\",\"y\"\"\""), asCSV("0.5,y\n0.25,z\n")),
		sageMaker(asJSON(`{"age":[1,2],"state":["a",null]}`), asJSON(`{"score":[3,4]}`)),
		sageMaker(asJSON(`{"instances":[[1,"x"],{"features":[2,"y"]},{"age":3}]}`), asJSON(`{"predictions":[[1,"a"],{"score":2},{}]}`)),
		sageMaker(asJSON("{\"age\":1}\n[2,\"x\"]"), asJSON("{\"class\":true}\n[1e999,NaN]")),
		sageMaker(asJSON(`{"u":{"v":[1,{"w":2}]},"tags":["a","b"]}`), asBase64(`[1,"a"]`, "")),
		sageMaker(asBase64("\x89PNG", "image/png"), asBase64("1,a", "text/csv")),
		`{"endpoint":"e","variant":"v","id":1,"time":1767366245,"features":{"age":1,"u":{"v":[1]}},"predictions":[{"class":"x"}]}`,
		`{"time":"2018-10-30 18:00:00.000","features":[{"age":"\ud800"},{"age":1.2.3}]}`,
		`{"features":{"features":[1,2]}}`,
	} {
		f.Add([]byte(value))
	}
	p := new(Parser)
	f.Fuzz(func(t *testing.T, value []byte) { checkRecord(t, p, value) })
}

// FuzzPayloads is FuzzParse for the texts inside SageMaker's envelope, which bytes alone seldom get to.
func FuzzPayloads(f *testing.F) {
	for _, text := range []string{
		`1,x`, "1,\"a\"\"b\"\r\n,", `[1,"x"]`, `[[1,"x"],[2]]`, `{"age":[1,2],"state":["a","b"]}`, "{\"age\":1}\n[2,true]\n\n3",
		`{"instances":[1,{"features":[2,"y"]}]}`, `{"predictions":[0.5,{"score":1}]}`, `{"u":{"v":[1]},"tags":["a",1e999]}`,
		`{"p":[1,2]}`, `{"features":[1,2]}`,
	} {
		f.Add(byte(0), text, byte(1), text)
		f.Add(byte(1), text, byte(0), "0.5,y\n0.25,z")
		f.Add(byte(2), text, byte(1), "[1,2]")
	}
	sides := []func(string) side{asCSV, asJSON, func(text string) side { return asBase64(text, "text/html") },
		func(string) side { return side{} }}
	p := new(Parser)
	f.Fuzz(func(t *testing.T, in byte, input string, out byte, output string) {
		checkRecord(t, p, []byte(sageMaker(sides[in%4](input), sides[out%4](output))))
	})
}

func checkRecord(t *testing.T, p *Parser, value []byte) {
	r, err := p.Parse(value)
	if err != nil {
		wantReason(t, err)
		if len(err.Error()) > 1000 {
			t.Fatalf("error of %d bytes", len(err.Error()))
		}
		return
	}
	if r.Rows() < 1 {
		t.Fatalf("Rows() = %d", r.Rows())
	}
	nested := Schema{append([]Column{
		{"u.v[0]", Feature, Numeric}, {"tags[1]", Feature, Categorical},
	}, people.Columns...)}
	for _, schema := range []Schema{
		people, nested, numeric("age", "score"), numeric("age", ""), numeric("features[0]", "p[0] p[1]"),
	} {
		b := NewBatch(schema)
		mustAppend(t, new(Parser), b, `{"features":{},"predictions":{}}`) // so that the record's rows begin behind 0
		before := contentOf(b)
		if err := r.Append(b); err != nil {
			wantReason(t, err)
			if diff := cmp.Diff(before, contentOf(b)); diff != "" {
				t.Fatalf("left behind (-before +after):\n%s", diff)
			}
			continue
		}
		if rows := b.Rows() - 1; rows != r.Rows() && certain(r, schema) {
			t.Fatalf("appended %d rows, Rows() = %d", rows, r.Rows())
		}
		render(t, b) // reads every value
	}
}

// certain says that the rows can be counted without the schema: no payload can be read both ways, except where a side
// that cannot settles it; and the schema has both sides.
func certain(r *Record, schema Schema) bool {
	if len(schema.With(Feature)) == 0 || len(schema.With(Prediction)) == 0 {
		return false
	}
	open := func(p *payload) bool { return readable(p) != nil && p.down > 0 }
	fixed := func(p *payload) bool { return readable(p) != nil && p.down == 0 }
	return !open(&r.input) && !open(&r.output) || fixed(&r.input) || fixed(&r.output)
}
