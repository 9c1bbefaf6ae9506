package capture

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseNumber(t *testing.T) {
	inf := math.Inf(1)
	for cell, want := range map[string]float64{
		"1": 1, " 1.5\t": 1.5, "-0.25": -0.25, "1e3": 1000, "1E-2": 0.01, ".5": 0.5, "1.": 1, "+7": 7, "007": 7,
		"Inf": inf, "-inf": -inf, "Infinity": inf, "1e999": inf, "-1e999": -inf, "1e-999": 0,
		"0.1": 0.1, "8.41": 8.41, "5e-324": 5e-324, "1.7976931348623157e308": math.MaxFloat64,
		"0.30000000000000004": 0.30000000000000004, "9007199254740993": 9007199254740992,
		"0.000000000000000000000000000000000000000000000000000000000000001": 1e-63,
	} {
		if v, missing, valid := ParseNumber([]byte(cell)); v != want || missing || !valid {
			t.Errorf("%q: %v, missing %t, valid %t; want %v", cell, v, missing, valid, want)
		}
	}
	for _, cell := range []string{"", "  ", "NA", "N/A", "null", "NULL", "None", " NA "} {
		if v, missing, valid := ParseNumber([]byte(cell)); v != 0 || !missing || !valid {
			t.Errorf("%q: %v, missing %t, valid %t; want missing", cell, v, missing, valid)
		}
	}
	for _, cell := range []string{"NaN", "nan"} {
		if v, missing, valid := ParseNumber([]byte(cell)); !math.IsNaN(v) || missing || !valid {
			t.Errorf("%q: %v, missing %t, valid %t; want NaN", cell, v, missing, valid)
		}
	}
	for _, cell := range []string{"x", "1,5", "0x1p4", "0X10", "1_000", "1 2", "true", "na", "-", "1.2.3", "1e", "\xff"} {
		if v, missing, valid := ParseNumber([]byte(cell)); v != 0 || missing || valid {
			t.Errorf("%q: %v, missing %t, valid %t; want invalid", cell, v, missing, valid)
		}
	}
}

func TestCanonical(t *testing.T) {
	for cell, want := range map[string]string{
		"True": "true", "TRUE": "true", "true": "true", "False": "false", "FALSE": "false", "tRUE": "tRUE",
		"1.0": "1", "-1.0": "-1", "1": "1", "1.00": "1.00", "1.5": "1.5", ".0": ".0", "-.0": "-.0", "1.0.0": "1.0.0",
		"v1.0": "v1.0", "12.0": "12", "NA": "NA", " x ": " x ", "é": "é", "a\xffb": "a\uFFFDb", "\xff\xfe": "\uFFFD",
	} {
		if got := string(Canonical([]byte(cell))); got != want {
			t.Errorf("%q: %q, want %q", cell, got, want)
		}
	}
}

func TestValues(t *testing.T) {
	number := Schema{[]Column{{"n", Feature, Numeric}}}
	category := Schema{[]Column{{"c", Feature, Categorical}}}
	for _, c := range []struct{ json, number, category string }{
		{`1`, `1`, `"1"`},
		{`1.0`, `1`, `"1"`},
		{`-2.50`, `-2.5`, `"-2.50"`},
		{`1e2`, `100`, `"1e2"`},
		{`0.30000000000000004`, `0.30000000000000004`, `"0.30000000000000004"`},
		{`8.41`, `8.41`, `"8.41"`},
		{`1e999`, `+Inf`, `"1e999"`},
		{`NaN`, `NaN`, `"NaN"`},
		{`-Infinity`, `-Inf`, `"-Inf"`},
		{`1.2.3`, `!`, `!`},
		{`1-2`, `!`, `!`},
		{`true`, `1`, `"true"`},
		{`false`, `0`, `"false"`},
		{`null`, `-`, `-`},
		{`""`, `-`, `-`},
		{`"NA"`, `-`, `"NA"`},
		{`" 7 "`, `7`, `" 7 "`},
		{`"7.0"`, `7`, `"7"`},
		{`"True"`, `!`, `"true"`},
		{`"x\n\u00e9"`, `!`, `"x\né"`},
		{`[]`, `!`, `!`},
		{`[1]`, `!`, `!`},
		{`{}`, `!`, `!`},
		{`{"a":1}`, `!`, `!`},
		{"\"a\xffb\"", `!`, "\"a\uFFFDb\""},
	} {
		for name, schema := range map[string]Schema{c.number: number, c.category: category} {
			_, b, err := read(t, schema, `{"features":{"`+schema.Columns[0].Name+`":`+c.json+`}}`)
			if err != nil {
				t.Errorf("%s: %v", c.json, err)
			} else if got := render(t, b)[0]; got != "i- "+name {
				t.Errorf("%s as %s: %s, want i- %s", c.json, schema.Columns[0].Kind, got, name)
			}
		}
	}
}

func TestInfinityInJSON(t *testing.T) {
	schema := Schema{[]Column{{"n", Feature, Numeric}, {"c", Feature, Categorical}}}
	_, b, err := read(t, schema, `{"features":[{"n":Infinity,"c":"\" Infinity"},{"n":-Infinity,"c":"\\"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`i- +Inf "\" Infinity"`, `i- -Inf "\\"`}, render(t, b)); diff != "" {
		t.Error(diff)
	}
	_, b, err = read(t, numeric("n", ""), sageMaker(asJSON("[Infinity]\n[NaN]"), side{}))
	if err != nil || !cmp.Equal(render(t, b), []string{"i- +Inf", "i- NaN"}) {
		t.Error(err)
	}
	for _, value := range []string{`{"features":{"n":Infinity1}}`, `{"features":{"n":InfinityInfinity}}`, `{"features":{"n":Infinity}`} {
		if _, _, err := read(t, schema, value); reasonOf(err) != ReasonMalformed {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestHugeNumbersAreInfinite(t *testing.T) {
	_, b, err := read(t, numeric("a b c d", ""), sageMaker(asJSON(`[1e999,-1e999,"1e999",0.1]`), side{}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{fmt.Sprintf("i- %v %v %v 0.1", math.Inf(1), math.Inf(-1), math.Inf(1))}
	if diff := cmp.Diff(want, render(t, b)); diff != "" {
		t.Error(diff)
	}
}

// Cells of training data are read as those of a capture.
func TestAppendCells(t *testing.T) {
	row := []string{" 1 ", "True", "bad", "1.0"}
	captured, trained := NewBatch(people), NewBatch(people)
	mustAppend(t, new(Parser), captured, sageMaker(asCSV(" 1 ,True"), asCSV("bad,1.0")))
	var cells [][]byte
	for _, cell := range row {
		cells = append(cells, []byte(cell))
	}
	if err := trained.AppendCells(1767366245000, Input|Output, cells); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contentOf(captured), contentOf(trained)); diff != "" {
		t.Errorf("(-capture +training):\n%s", diff)
	}
	if err := trained.AppendCells(0, Input, cells[:3]); reasonOf(err) != ReasonColumns || trained.Rows() != 1 {
		t.Errorf("%d rows, %v", trained.Rows(), err)
	}
}
