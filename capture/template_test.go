package capture

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// compareWithParse reads the records with a parser that learns and without templates, and compares all that is said of
// them. It returns how many were read by a template.
func compareWithParse(t fataler, schema Schema, values ...string) (fitted int) {
	t.Helper()
	p := new(Parser)
	fast, plain := NewBatch(schema), NewBatch(schema)
	for _, value := range values {
		want, wantErr := new(Parser).parse([]byte(value))
		p.reset()
		if p.fit([]byte(value)) {
			fitted++
		}
		got, err := p.Parse([]byte(value))
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%s:\n got error %v\nwant error %v", value, err, wantErr)
		}
		if err != nil {
			continue
		}
		header := func(r *Record) string {
			return fmt.Sprintf("%q %q %q %q %d %v %d", r.Endpoint, r.Variant, r.EventID, r.InferenceID, r.Time, r.HasTime, r.Rows())
		}
		if header(got) != header(want) {
			t.Fatalf("%s:\n got %s\nwant %s", value, header(got), header(want))
		}
		err, wantErr = got.Append(fast), want.Append(plain)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%s:\n got error %v\nwant error %v", value, err, wantErr)
		}
		if diff := cmp.Diff(contentOf(plain), contentOf(fast)); diff != "" {
			t.Fatalf("%s: rows (-parsed +fitted):\n%s", value, diff)
		}
	}
	return fitted
}

const envelope = `{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"%s","encoding":"CSV"},"endpointOutput":{"observedContentType":"text/csv","mode":"OUTPUT","data":"%s","encoding":"CSV"}},"eventMetadata":{"eventId":"%s","inferenceTime":"%s"},"eventVersion":"0"}`

func TestRecordsFitATemplate(t *testing.T) {
	var values []string
	for i := range 100 {
		values = append(values, fmt.Sprintf(envelope, fmt.Sprintf("%d.%04d,category-%d", i-50, i*37, i%7), fmt.Sprintf("0.%d,x", i), fmt.Sprintf("id-%d", i), fmt.Sprintf("2026-01-02T15:04:%02d.%03dZ", i%60, i)))
	}
	if fitted := compareWithParse(t, people, values...); fitted != len(values)-1 {
		t.Errorf("%d of %d records fitted, want all but the first", fitted, len(values))
	}
}

// TestProducersTakeTurns: several producers' templates are known at a time.
func TestProducersTakeTurns(t *testing.T) {
	shapes := []string{
		envelope,
		strings.Replace(envelope, `"eventVersion":"0"`, `"eventVersion": "1"`, 1),
		`{"eventMetadata":{"inferenceId":"a","other":"b","eventId":"%[3]s","inferenceTime":"%[4]s"},"captureData":{"endpointInput":{"encoding":"CSV","data":"%[1]s"},"endpointOutput":{"encoding":"CSV","data":"%[2]s"}}}`,
	}
	var values []string
	for i := range 30 {
		values = append(values, fmt.Sprintf(shapes[i%len(shapes)], "1,x", "0.5,y", "id", "2026-01-02T15:04:05Z"))
	}
	if fitted := compareWithParse(t, people, values...); fitted != len(values)-len(shapes) {
		t.Errorf("%d of %d records fitted, want all but the first %d", fitted, len(values), len(shapes))
	}
}

// TestUnusualRecords follow a usual one, whose template they must not be taken for.
func TestUnusualRecords(t *testing.T) {
	usual := fmt.Sprintf(envelope, "1.5,x", "0.5,y", "id", "2026-01-02T15:04:05Z")
	for name, value := range map[string]string{
		"an escape":            fmt.Sprintf(envelope, `1.5,x\t`, "0.5,y", "id", "2026-01-02T15:04:05Z"),
		"an escaped quote":     fmt.Sprintf(envelope, `1.5,\"x\"`, "0.5,y", "id", "2026-01-02T15:04:05Z"),
		"two rows":             fmt.Sprintf(envelope, `1.5,x\n2.5,z`, `0.5,y\n1,z`, "id", "2026-01-02T15:04:05Z"),
		"a raw line end":       fmt.Sprintf(envelope, "1.5,x\n2.5,z", "0.5,y", "id", "2026-01-02T15:04:05Z"),
		"a raw return":         fmt.Sprintf(envelope, "1.5,x\r", "0.5,y", "id", "2026-01-02T15:04:05Z"),
		"no row":               fmt.Sprintf(envelope, "", "0.5,y", "id", "2026-01-02T15:04:05Z"),
		"too few cells":        fmt.Sprintf(envelope, "1.5", "0.5,y", "id", "2026-01-02T15:04:05Z"),
		"too many cells":       fmt.Sprintf(envelope, "1.5,x,y", "0.5,y", "id", "2026-01-02T15:04:05Z"),
		"a comma at the end":   fmt.Sprintf(envelope, "1.5,x,", "0.5,y", "id", "2026-01-02T15:04:05Z"),
		"empty cells":          fmt.Sprintf(envelope, ",", ",", "", "2026-01-02T15:04:05Z"),
		"no number":            fmt.Sprintf(envelope, "abc,x", "--1,y", "id", "2026-01-02T15:04:05Z"),
		"spaces":               fmt.Sprintf(envelope, " 1.5 , x", "1 ,y", "id", "2026-01-02T15:04:05Z"),
		"no time":              fmt.Sprintf(envelope, "1.5,x", "0.5,y", "id", ""),
		"another zone":         fmt.Sprintf(envelope, "1.5,x", "0.5,y", "id", "2026-01-02T15:04:05+02:00"),
		"a wrong time":         fmt.Sprintf(envelope, "1.5,x", "0.5,y", "id", "2026-01-02T25:04:05Z"),
		"an id not in UTF-8":   fmt.Sprintf(envelope, "1.5,x", "0.5,y", "id\xff", "2026-01-02T15:04:05Z"),
		"a cell not in UTF-8":  fmt.Sprintf(envelope, "1.5,x\xff", "0.5,y", "id", "2026-01-02T15:04:05Z"),
		"text behind":          fmt.Sprintf(envelope, "1.5,x", "0.5,y", "id", "2026-01-02T15:04:05Z") + "x",
		"another encoding":     strings.Replace(usual, `"CSV"`, `"JSON"`, 1),
		"a key twice":          strings.Replace(usual, `"mode":"INPUT"`, `"data":"9,z"`, 1),
		"a path as a key":      strings.Replace(usual, `"eventVersion"`, `"eventMetadata/eventId"`, 1),
		"a list":               strings.Replace(usual, `"0"}`, `["0"]}`, 1),
		"no output":            strings.Replace(usual, `"endpointOutput":{"observedContentType":"text/csv","mode":"OUTPUT","data":"0.5,y","encoding":"CSV"}`, `"endpointOutput":null`, 1),
		"flat as well":         strings.Replace(usual, `"eventVersion"`, `"features"`, 1),
		"the time as a number": strings.Replace(usual, `"2026-01-02T15:04:05Z"`, `1767366245`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if value == usual {
				t.Fatal("nothing was replaced")
			}
			for _, schema := range []Schema{people, numeric("age", ""), numeric("a b", "score p")} {
				compareWithParse(t, schema, usual, value, usual, value, value)
				compareWithParse(t, schema, value, usual, value)
			}
		})
	}
}

// FuzzTemplates: whatever comes behind whatever, records are read as without templates.
func FuzzTemplates(f *testing.F) {
	usual := fmt.Sprintf(envelope, "1.5,x", "0.5,y", "id", "2026-01-02T15:04:05Z")
	f.Add(usual, fmt.Sprintf(envelope, "2,y", "0.25,z", "other", "2026-01-03T15:04:05.678Z"))
	f.Add(usual, fmt.Sprintf(envelope, `2\"`, "", "\\", ""))
	f.Add(strings.Replace(usual, `"eventVersion"`, `"features"`, 1), usual)
	f.Fuzz(func(t *testing.T, first, second string) {
		if isStream([]byte(first)) || isStream([]byte(second)) {
			return // no JSON: FuzzStream has them
		}
		compareWithParse(t, people, first, second, first)
		compareWithParse(t, numeric("age", "score"), first, second)
	})
}

// FuzzTemplateValues puts any text where a template's values are.
func FuzzTemplateValues(f *testing.F) {
	f.Add("1.5,x", "0.5,y", "id", "2026-01-02T15:04:05Z")
	f.Add("-0.0001,", "12345678,\xff", "", "2026-02-29T23:59:59.999Z")
	f.Add("1e5,True", "NaN,1.0", "\x80", "0000-00-00T00:00:00Z")
	usual := fmt.Sprintf(envelope, "1.5,x", "0.5,y", "id", "2026-01-02T15:04:05Z")
	f.Fuzz(func(t *testing.T, input, output, id, at string) {
		value := fmt.Sprintf(envelope, input, output, id, at)
		compareWithParse(t, people, usual, value, usual, value)
		compareWithParse(t, numeric("a b c", ""), usual, value)
	})
}

// FuzzShortNumber: a cell is read as decimal reads it, or not at all, whatever is behind it.
func FuzzShortNumber(f *testing.F) {
	for _, cell := range []string{"1.2345", "-123.4567", "12345678", "0.123456", "-.5", "5.", "-", "", "1.2.3", "123456789", "-0.0000", "1,2"} {
		f.Add(cell, ",1.5,x\",\"encoding\":\"CSV\"}")
		f.Add(cell, "3456789,")
		f.Add(cell, "")
	}
	f.Fuzz(checkShortNumber)
}

func checkShortNumber(t *testing.T, cell, behind string) {
	v, n, ok := readShortNumber(cell, `"`+behind)
	if !ok {
		return
	}
	if n != cellEnd([]byte(cell)) {
		t.Fatalf("%q: length %d", cell, n)
	}
	want, valid := decimal([]byte(cell)[:n])
	if !valid || math.Float64bits(v) != math.Float64bits(want) {
		t.Fatalf("%q: %v, want %v (%v)", cell, v, want, valid)
	}
}

// readShortNumber reads the first cell of text.
func readShortNumber(text, behind string) (v float64, n int, ok bool) {
	columns := []column{{kind: Numeric, floats: make([]float64, 1)}}
	read, next := shortNumbers(columns, 0, []byte(text+behind), 0, len(text))
	return columns[0].floats[0], next - 1, read == 1
}

// TestShortNumber: short numbers are read, with the bits that strconv finds.
func TestShortNumber(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cell := rapid.StringMatching(`[0-9]{1,8}|-[0-9]{1,7}|[0-9]{1,4}\.[0-9]{0,3}|[0-9]{1,2}\.[0-9]{1,5}|-[0-9]{1,2}\.[0-9]{1,4}|-[0-9]{3}\.[0-9]{0,3}`).Draw(rt, "cell")
		v, n, ok := readShortNumber(cell, rapid.SampledFrom([]string{",", `"`}).Draw(rt, "end")+",0.123456789012345678901234567890")
		want, _, _ := ParseNumber([]byte(cell))
		if !ok || n != len(cell) || math.Float64bits(v) != math.Float64bits(want) {
			rt.Fatalf("%q: %v of %d bytes (%v), want %v", cell, v, n, ok, want)
		}
	})
}

func TestClock(t *testing.T) {
	var c clock
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{3})?Z`),
			rapid.StringMatching(`[0-9TZ:. /-]{20}|[0-9TZ:. /-]{24}`),
		).Draw(t, "text")
		ms, ok := c.read([]byte(text))
		want, err := ParseTime(text)
		if ok && (err != nil || ms != want) {
			t.Fatalf("%q: %d, want %d (%v)", text, ms, want, err)
		}
		if !ok && err == nil && text[10] == 'T' && text[19] != '+' && text[19] != '-' {
			t.Fatalf("%q was not read, want %d", text, want)
		}
	})
}
