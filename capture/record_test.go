package capture

import (
	"strings"
	"testing"
)

func TestEnvelopeFields(t *testing.T) {
	sm := func(metadata string) string {
		return `{"captureData":{"endpointInput":{"encoding":"CSV","data":"1,x"}}` + metadata + `}`
	}
	type fields struct {
		Endpoint, Variant, EventID, InferenceID string
		Time                                    int64
		HasTime                                 bool
	}
	for _, c := range []struct {
		value string
		want  fields
	}{
		{sm(`,"eventMetadata":{"eventId":"e","inferenceId":"i","inferenceTime":"2026-01-02T15:04:05Z"}`),
			fields{"", "", "e", "i", 1767366245000, true}},
		{sm(`,"eventMetadata":{"eventId":"e"}`), fields{EventID: "e"}},
		{sm(`,"eventMetadata":{"inferenceTime":null}`), fields{}},
		{sm(``), fields{}},
		{`{"endpoint":"churn","variant":"b","id":"f\u00e9","time":1767366245123,"features":{}}`,
			fields{"churn", "b", "fé", "", 1767366245123, true}},
		{`{"endpoint":"churn","id":77,"time":1767366245,"predictions":{}}`,
			fields{"churn", "", "77", "", 1767366245000, true}},
		{`{"endpoint":5,"features":{},"time":"2018-10-30 18:00:00.250"}`, fields{"5", "", "", "", 1540922400250, true}},
		{`{"endpoint":null,"features":{},"predictions":null,"time":null}`, fields{}},
		{`{"features":{}}`, fields{}},
	} {
		p := new(Parser)
		if _, err := p.Parse([]byte(`{"endpoint":"old","variant":"old","id":"old","time":1,"features":{}}`)); err != nil {
			t.Fatal(err)
		}
		r, err := p.Parse([]byte(c.value))
		if err != nil {
			t.Errorf("%s: %v", c.value, err)
			continue
		}
		got := fields{r.Endpoint, r.Variant, string(r.EventID), string(r.InferenceID), r.Time, r.HasTime}
		if got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.value, got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	sm := func(side string) string { return `{"captureData":{"endpointInput":` + side + `}}` }
	for _, c := range []struct{ name, value, want string }{
		{"nothing", ``, `malformed: record is "": want a JSON object, but it breaks at ""`},
		{"text", `hello`, `malformed: record is "hello": want a JSON object, but it breaks at "hello"`},
		{"trailing garbage", `{"features":{}}x`, `malformed: record is "{\"features\":{}}x": want a JSON object, but it breaks at "x"`},
		{"two records", `{"features":{}}{"features":{}}`, `malformed: record is "{\"features\":{}}{\"features\":{}}": want a JSON object, but it breaks at "{\"features\":{}}"`},
		{"array", `[]`, `envelope: record is "[]": want an object with captureData, features or predictions`},
		{"other object", `{"a":1}`, `envelope: record is "{\"a\":1}": want an object with captureData, features or predictions`},
		{"null captureData", `{"captureData":null}`, `envelope: captureData has no endpointInput and no endpointOutput: want at least one`},
		{"no side", `{"captureData":{"endpointInput":null}}`, `envelope: captureData has no endpointInput and no endpointOutput: want at least one`},
		{"side is text", sm(`"1,2"`), `envelope: captureData.endpointInput is "\"1,2\"": want an object`},
		{"no data", sm(`{"encoding":"CSV"}`), `envelope: captureData.endpointInput is "{\"encoding\":\"CSV\"}": want an object with a string under data`},
		{"data is an object", sm(`{"encoding":"JSON","data":{}}`), `envelope: captureData.endpointInput is "{\"encoding\":\"JSON\",\"data\":{}}": want an object with a string under data`},
		{"both null", `{"features":null,"predictions":null}`, `envelope: record has null for features and predictions: want an object in at least one`},
		{"features are text", `{"features":"1,2"}`, `envelope: features is "\"1,2\"": want an object or a list of objects`},
		{"features hold a number", `{"features":[{},1]}`, `envelope: features is "1": want a list of objects only`},
		{"no features", `{"features":[]}`, `empty: features is "[]": want at least one row`},
		{"time", `{"features":{},"time":"yesterday"}`, `time: time is "yesterday": want RFC 3339 such as 2006-01-02T15:04:05Z, or Unix time in milliseconds or seconds`},
		{"time is true", `{"features":{},"time":true}`, `time: time is "": want RFC 3339 such as 2006-01-02T15:04:05Z, or Unix time in milliseconds or seconds`},
		{"base64", sm(`{"encoding":"BASE64","data":"a*b"}`), `encoding: captureData.endpointInput.data is "a*b": want base64`},
		{"quote", sm(`{"encoding":"CSV","data":"1,\"a"}`), `payload: captureData.endpointInput.data is "1,\"a": want CSV with a closing quote`},
		{"behind quote", sm(`{"encoding":"CSV","data":"\"a\"b,1"}`), `payload: captureData.endpointInput.data is "\"a\"b,1": want CSV with a comma or the end of the line behind a closing quote`},
		{"JSON", sm(`{"encoding":"JSON","data":"{\"a\":}"}`), `payload: captureData.endpointInput.data is "{\"a\":}": want JSON, but it breaks at "}"`},
		{"JSON Lines", sm(`{"encoding":"JSON","data":"{\"a\":1}\n{\"a\""}`), `payload: captureData.endpointInput.data is "{\"a\"": want JSON, or JSON on each line, but it breaks at ""`},
		{"joined lines", sm(`{"encoding":"JSON","data":"{\"a\":1\n,\"b\":2}\n1,2"}`), `payload: captureData.endpointInput.data is "{\"a\":1": want JSON, or JSON on each line, but it breaks at ""`},
		{"long value", sm(`{"encoding":"JSON","data":"[1,2` + strings.Repeat(" ", 100) + `"}`), `payload: captureData.endpointInput.data is "[1,2": want JSON, but it breaks at ""`},
		{"empty CSV", sm(`{"encoding":"CSV","data":"\r\n\n"}`), `empty: captureData.endpointInput.data is "\r\n\n": want CSV with at least one row`},
		{"empty JSON", sm(`{"encoding":"JSON","data":" "}`), `empty: captureData.endpointInput.data is " ": want JSON with at least one row`},
		{"empty list", sm(`{"encoding":"JSON","data":"[]"}`), `empty: captureData.endpointInput.data is "[]": want at least one row`},
		{"empty list, not said to be JSON", sm(`{"encoding":"BASE64","data":"W10="}`), `empty: captureData.endpointInput.data is "[]": want at least one row`},
		{"empty instances", sm(`{"encoding":"JSON","data":"{\"instances\":[]}"}`), `empty: captureData.endpointInput.data is "[]": want at least one row`},
	} {
		_, err := new(Parser).Parse([]byte(c.value))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.name, err, c.want)
			continue
		}
		wantReason(t, err)
	}
}

func TestLongValuesAreShortened(t *testing.T) {
	_, err := new(Parser).Parse([]byte(strings.Repeat("[", 100000)))
	if err == nil || len(err.Error()) > 300 || !strings.Contains(err.Error(), strings.Repeat("[", 60)+"…") {
		t.Errorf("got %v", err)
	}
}
