package capture

import "testing"

func TestJSONRows(t *testing.T) {
	ab, wide := numeric("a b", "p"), numeric("a b c", "p q")
	embedded := numeric("a[0] a[1] b[0] b[1]", "p[0] p[1]")
	in := func(data string) string { return sageMaker(asJSON(data), side{}) }
	out := func(data string) string { return sageMaker(side{}, asJSON(data)) }
	both := func(in, out string) string { return sageMaker(asJSON(in), asJSON(out)) }
	runRows(t, []rowsCase{
		{"arrays", ab, in(`[[1,2],[3,4]]`), "i- 1 2 -\ni- 3 4 -", 0},
		{"one array in an array", ab, in(`[[1,2]]`), "i- 1 2 -", 0},
		{"objects", ab, in(`[{"b":2,"a":1},{"a":3}]`), "i- 1 2 -\ni- 3 - -", 0},
		{"one array is one row", ab, in(`[1,2]`), "i- 1 2 -", 0},
		{"array too short", ab, in(`[1]`), "columns", 0},
		{"array too long", ab, in(`[[1,2],[1,2,3]]`), "columns", 0},
		{"empty array as a row", ab, in(`[[]]`), "columns", 0},
		{"scalar among arrays", ab, in(`[[1,2],3]`), "columns", 0},
		{"scalar", numeric("a", ""), in(`7`), "i- 7", 0},
		{"null scalar", numeric("a", ""), in(`null`), "i- -", 0},
		{"nested cells", ab, in(`[[1,[2]],[{},4]]`), "i- 1 ! -\ni- ! 4 -", 0},

		{"instances of scalars", numeric("a", "p"), both(`{"instances": [1.0, 2.0]}`, "{\"predictions\": [3.5, 4.0\n]}"), "io 1 3.5\nio 2 4", 0},
		{"instances of arrays", ab, in(`{"instances":[[1,2],[3,4]],"signature_name":"x"}`), "i- 1 2 -\ni- 3 4 -", 0},
		{"instances of objects", ab, in(`{"instances":[{"a":1},{"features":[3,4]}]}`), "i- 1 - -\ni- 3 4 -", 0},
		{"inputs", ab, in(`{"inputs":[[1,2]]}`), "i- 1 2 -", 0},
		{"predictions are not of the input", ab, in(`{"predictions":[[1,2]]}`), "i- - - -", 1},
		{"instances that are no list", numeric("instances.a", ""), in(`{"instances":{"a":1}}`), "i- 1", 0},
		{"predictions of arrays", wide, out(`{"predictions":[[1,2],[3,4]]}`), "-o - - - 1 2\n-o - - - 3 4", 0},
		{"predictions of objects", numeric("", "score predicted_label"), out(`{"predictions":[{"score":0.25,"predicted_label":0}]}`), "-o 0.25 0", 0},

		{"JSON Lines", ab, in("{\"a\":1}\n\n [3,4] \r\n"), "i- 1 - -\ni- 3 4 -", 0},
		{"JSON Lines by position", ab, both("{\"features\":[1,2]}\n{\"features\":[3,4]}", "{\"p\":5}\n{\"p\":6}\n"), "io 1 2 5\nio 3 4 6", 0},
		{"JSON Lines of scalars", ab, both("[1,2]\n[3,4]", "5\n6\n"), "io 1 2 5\nio 3 4 6", 0},
		{"JSON over lines", ab, in("{\n\"a\":1,\n\"b\":2\n}\n"), "i- 1 2 -", 0},

		{"object", ab, in(`{"b":2,"a":1,"c":3}`), "i- 1 2 -", 1},
		{"empty object", ab, in(`{}`), "i- - - -", 0},
		{"nulls", ab, in(`{"b":null,"a":null}`), "i- - - -", 0},
		{"first of two values", ab, in(`{"a":1,"a":2,"b":"x","b":3}`), "i- 1 ! -", 0},
		{"nested", numeric("u.a u.v.b c[1] d[0].e f[1][0]", ""), in(`{"u":{"a":1,"v":{"b":2}},"c":[0,3],"d":[{"e":4}],"f":[[],[5]]}`), "i- 1 2 3 4 5", 0},
		{"key with dots", numeric("u.a", ""), in(`{"u.a":1}`), "i- 1", 0},
		{"object where a number is due", numeric("u", ""), in(`{"u":{"a":1}}`), "i- !", 0},
		{"array where a number is due", numeric("u", ""), in(`{"u":[[1]]}`), "i- !", 0},
		{"extra keys", numeric("u.a", ""), in(`{"u":{"a":1,"b":2,"c":{"d":1,"e":2}},"v":[1,2],"w":{"x":1,"y":2}}`), "i- 1", 4},
		{"extra keys in a list", numeric("u[0].a", ""), in(`{"u":[{"a":1,"b":2},{"b":2}]}`), "i- 1", 1},
		{"empty key", numeric("a", ""), in(`{"":1,"a":2}`), "i- 2", 1},

		{"features by position", ab, in(`{"features":[1,2]}`), "i- 1 2 -", 0},
		{"features known by name", numeric("features[0] features[1]", ""), in(`{"features":[1,2]}`), "i- 1 2", 0},
		{"some features known by name", numeric("features[0]", ""), in(`{"features":[1,2]}`), "i- 1", 0},
		{"features with another key", numeric("features[1]", ""), in(`{"features":[1,2],"x":3}`), "i- 2", 1},
		{"features too many", ab, in(`{"features":[1,2,3]}`), "columns", 0},
		{"features of features", ab, in(`{"features":[[1,2]]}`), "i- - - -", 1},

		{"columns", ab, in(`{"a":[1,2],"b":[3,null]}`), "i- 1 3 -\ni- 2 - -", 0},
		{"first of two columns", ab, in(`{"a":[1,"x"],"a":[3,4]}`), "i- 1 - -\ni- ! - -", 0},
		{"columns with an extra one", ab, in(`{"a":[1,2],"c":[3,4]}`), "i- 1 - -\ni- 2 - -", 2},
		{"columns by the output", ab, both(`{"a":[1,2]}`, `[[5],[6]]`), "io 1 - 5\nio 2 - 6", 0},
		{"columns both", ab, both(`{"a":[1,2],"b":[3,4]}`, `{"p":[5,6]}`), "io 1 3 5\nio 2 4 6", 0},
		{"columns and scalars", ab, both(`{"a":[1,2],"b":[3,4]}`, `[5,6]`), "io 1 3 5\nio 2 4 6", 0},
		{"columns of one row", ab, both(`{"a":[1],"b":[3]}`, `{"p":[5]}`), "io 1 3 5", 0},
		{"columns of unequal length", ab, in(`{"a":[1,2],"b":[3]}`), "i- ! ! -", 0},
		{"columns of objects", ab, in(`{"a":[{},{}],"b":[1,2]}`), "i- ! ! -", 0},
		{"unknown columns, known number", ab, both(`[[1,2],[3,4]]`, `{"q":[5,6]}`), "io 1 2 -\nio 3 4 -", 2},
		{"unknown columns", ab, in(`{"x":[1,2],"y":[3,4]}`), "i- - - -\ni- - - -", 4},
		{"columns where the schema has elements", embedded, both(`{"a":[1,2],"b":[3,4]}`, `{"p[0]":5}`), "io 1 2 3 4 5 -", 0},
		{"columns that the output contradicts", ab, both(`{"a":[1,2],"b":[3,4]}`, `5`), "rows", 0},

		{"scalars by the input's rows", ab, both(`[[1,2],[3,4]]`, `[5,6]`), "io 1 2 5\nio 3 4 6", 0},
		{"scalars of CSV's rows", ab, sageMaker(asCSV("1,2\n3,4"), asJSON(`[5,6]`)), "io 1 2 5\nio 3 4 6", 0},
		{"scalars are one row of two columns", numeric("a b", "p q"), both(`[1,2]`, `[5,6]`), "io 1 2 5 6", 0},
		{"scalars too many", ab, both(`[[1,2],[3,4]]`, `[5,6,7]`), "rows", 0},
		{"scalar output", ab, both(`[1,2]`, `5`), "io 1 2 5", 0},
	})
}

// What only the schema or the other side can settle, Rows has to guess.
func TestRowsGuess(t *testing.T) {
	for _, c := range []struct {
		value string
		want  int
	}{
		{sageMaker(asJSON(`{"a":[1,2]}`), side{}), 1},
		{sageMaker(asJSON(`{"a":[1,2],"b":[3,4]}`), side{}), 2},
		{sageMaker(asJSON(`{"a":[1,2],"b":[3,4]}`), asCSV("5")), 1},
		{sageMaker(asJSON(`{"a":[1,2]}`), asCSV("5\n6")), 2},
		{sageMaker(asJSON(`{"a":[1,2]}`), asJSON(`{"p":[3,4]}`)), 2},
		{sageMaker(asJSON(`{"a":[1,2]}`), asJSON(`{"p":[3,4,5]}`)), 1},
		{sageMaker(asJSON(`{"features":[1,2]}`), asJSON(`[3,4]`)), 1},
		{sageMaker(asBase64("x", ""), asBase64("x", "")), 1},
	} {
		r, err := new(Parser).Parse([]byte(c.value))
		if err != nil || r.Rows() != c.want {
			t.Errorf("%s: %d rows, %v; want %d", c.value, r.Rows(), err, c.want)
		}
	}
	// Known names decide against the guess.
	_, b, err := read(t, numeric("a", ""), sageMaker(asJSON(`{"a":[1,2]}`), side{}))
	if err != nil || b.Rows() != 2 {
		t.Errorf("column a: %v", err)
	}
	_, b, err = read(t, numeric("a[0] a[1] b[1]", ""), sageMaker(asJSON(`{"a":[1,2],"b":[3,4]}`), side{}))
	if err != nil || len(render(t, b)) != 1 || render(t, b)[0] != "i- 1 2 4" {
		t.Errorf("columns a[0], a[1], b[1]: %v", err)
	}
}

func TestDeepNesting(t *testing.T) {
	nested := func(n int) string {
		s := ""
		for range n {
			s += `{"a":`
		}
		s += "1"
		for range n {
			s += "}"
		}
		return s
	}
	if _, _, err := read(t, numeric("x", ""), `{"features":`+nested(250)+`}`); err != nil {
		t.Error(err)
	}
	if _, _, err := read(t, numeric("x", ""), `{"features":`+nested(300)+`}`); reasonOf(err) != ReasonMalformed {
		t.Error(err)
	}
	if _, _, err := read(t, numeric("x", ""), sageMaker(asJSON(nested(301)), side{})); reasonOf(err) != ReasonPayload {
		t.Error(err)
	}
}
