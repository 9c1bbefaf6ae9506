package capture

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSides(t *testing.T) {
	onlyFeatures, onlyPredictions := numeric("a", ""), numeric("", "p")
	runRows(t, []rowsCase{
		{"both", people, sageMaker(asCSV("1,x"), asCSV("0.5,y")), `io 1 "x" 0.5 "y"`, 0},
		{"input only", people, sageMaker(asCSV("1,x"), side{}), `i- 1 "x" - -`, 0},
		{"output only", people, sageMaker(side{}, asCSV("0.5,y")), `-o - - 0.5 "y"`, 0},
		{"mixed encodings", people, sageMaker(asCSV("1,x"), asJSON(`{"predictions":[{"class":"y","score":0.5}]}`)), `io 1 "x" 0.5 "y"`, 0},
		{"no predictions in the schema", onlyFeatures, sageMaker(asCSV("1"), asCSV("2,3")), `i- 1`, 0},
		{"no features in the schema", onlyPredictions, sageMaker(asCSV("1,2,3"), asCSV("2")), `-o 2`, 0},
		{"nothing of the schema", onlyPredictions, sageMaker(asCSV("1\n2\n3"), side{}), "-- -\n-- -\n-- -", 0},
		{"rows differ", people, sageMaker(asCSV("1,x\n2,y"), asCSV("0.5,y")), `rows`, 0},
		{"flat", people, `{"features":{"state":"x","age":1},"predictions":{"class":"y","score":0.5}}`, `io 1 "x" 0.5 "y"`, 0},
		{"flat features", people, `{"features":{"state":"x","age":1}}`, `i- 1 "x" - -`, 0},
		{"flat predictions", people, `{"predictions":{"score":1},"features":null}`, `-o - - 1 -`, 0},
		{"flat rows", people, `{"features":[{"age":1},{"age":2}],"predictions":[{"score":3},{"score":4}]}`, "io 1 - 3 -\nio 2 - 4 -", 0},
		{"flat rows differ", people, `{"features":[{"age":1},{"age":2}],"predictions":{"score":3}}`, "rows", 0},
		{"flat is never by position", numeric("features[0] features[1]", ""), `{"features":{"features":[1,2]}}`, "i- 1 2", 0},
		{"flat is never by position, known or not", numeric("a b", ""), `{"features":{"features":[1,2]}}`, "i- - -", 1},
		{"flat is never in columns", people, `{"features":{"age":[1,2],"state":["a","b"]}}`, "i- ! ! - -", 0},
	})
}

func TestUndecoded(t *testing.T) {
	image := asBase64("\x89PNG\r\n", "image/png")
	for _, c := range []struct {
		name, value, want string
		undecoded         int
	}{
		{"content type CSV", sageMaker(asBase64("1,x", "Text/CSV; charset=utf-8"), side{}), `i- 1 "x" - -`, 0},
		{"content type JSON", sageMaker(asBase64(`[1,"x"]`, "application/json"), side{}), `i- 1 "x" - -`, 0},
		{"content type JSON Lines", sageMaker(asBase64("[1,\"x\"]\n[2,\"y\"]", "application/jsonlines"), side{}), "i- 1 \"x\" - -\ni- 2 \"y\" - -", 0},
		{"content type HTML, but JSON", sageMaker(asBase64(` {"age":1}`, "text/html"), side{}), `i- 1 - - -`, 0},
		{"no content type, but JSON", sageMaker(asBase64(`[1,"x"]`, ""), side{}), `i- 1 "x" - -`, 0},
		{"HTML", sageMaker(asCSV("1,x"), asBase64("<p>", "text/html")), `i- 1 "x" - -`, 1},
		{"broken JSON in HTML", sageMaker(asCSV("1,x"), asBase64(`{"score":`, "text/html")), `i- 1 "x" - -`, 1},
		{"a number is not JSON enough", sageMaker(asCSV("1,x"), asBase64(`7`, "")), `i- 1 "x" - -`, 1},
		{"nothing", sageMaker(asCSV("1,x"), asBase64(``, "")), `i- 1 "x" - -`, 1},
		{"image in", sageMaker(image, asCSV("1,a\n2,b")), "-o - - 1 \"a\"\n-o - - 2 \"b\"", 1},
		{"both images", sageMaker(image, image), `-- - - - -`, 2},
		{"unknown encoding", sageMaker(asCSV("1,x"), side{"AVRO", "1,2", ""}), `i- 1 "x" - -`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, b, err := read(t, people, c.value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(c.want, "\n"), render(t, b)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if b.Undecoded() != c.undecoded || r.Rows() != b.Rows() {
				t.Errorf("undecoded = %d, want %d; Rows() = %d", b.Undecoded(), c.undecoded, r.Rows())
			}
			if b.Reset(); b.Undecoded() != 0 {
				t.Error("Reset keeps the count")
			}
		})
	}
	for _, value := range []string{
		sageMaker(asBase64("{", "application/json"), side{}),
		sageMaker(asBase64(`"`, "text/csv"), side{}),
	} {
		if _, err := new(Parser).Parse([]byte(value)); reasonOf(err) != ReasonPayload {
			t.Errorf("%s: %v, want reason payload", value, err)
		}
	}
}

func TestRowTimes(t *testing.T) {
	r, err := new(Parser).Parse([]byte(`{"features":[{},{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Time = 42 // as from Kafka
	b := NewBatch(people)
	if err := r.Append(b); err != nil || !cmp.Equal(b.Times(), []int64{42, 42}) {
		t.Errorf("times %v, %v", b.Times(), err)
	}
}
