package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

var sageMakerStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// trainColours builds a small baseline: two numbers and a colour, and a score that the model puts out.
func (s *site) trainColours() {
	s.t.Helper()
	training := []string{"a,b,colour,score"}
	for i := range 600 {
		training = append(training, fmt.Sprintf("%d,%d,%s,%d", i%50, i%7, []string{"red", "blue"}[i%2], i%10))
	}
	s.write("training.csv", lines(training))
	s.tidemark("baseline", "build", "training.csv", "--prediction", "score")
}

// half is one side of a capture: content type, encoding and data.
func half(contentType, encoding, data string) string {
	b, err := json.Marshal(map[string]string{"observedContentType": contentType, "encoding": encoding, "data": data})
	if err != nil {
		panic(err) // strings alone always marshal
	}
	return string(b)
}

func inBase64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// captured is a line of SageMaker's Data Capture. Sides that are empty were not captured.
func captured(at time.Time, input, output string) string {
	sides := []string{}
	for name, side := range map[string]string{"endpointInput": input, "endpointOutput": output} {
		if side != "" {
			sides = append(sides, fmt.Sprintf("%q:%s", name, side))
		}
	}
	return fmt.Sprintf(`{"captureData":{%s},"eventMetadata":{"eventId":"e","inferenceTime":%q},"eventVersion":"0"}`,
		strings.Join(sides, ","), at.Format(time.RFC3339))
}

// readable is a record of each form, with its number of rows.
var readable = []struct {
	input, output string
	rows          int64
}{
	{half("text/csv", "CSV", "1.5,2,red"), half("text/csv; charset=utf-8", "CSV", "7"), 1},
	{half("text/csv", "CSV", "1.5,2,\"red\"\n"), "", 1},
	{"", half("text/csv", "CSV", "7"), 1},
	{half("text/csv", "CSV", "1,2,red\n3,4,blue\r\n5,,\n"), half("text/csv", "CSV", "1\n2\n3"), 3},
	{half("application/json", "JSON", `{"a":1,"b":2,"colour":"red"}`), half("application/json", "JSON", `{"score":7}`), 1},
	{half("application/json", "JSON", `{"instances":[{"a":1,"b":2,"colour":"red"},{"a":3,"colour":"blue"}]}`), half("application/json", "JSON", `{"predictions":[{"score":1},{"score":2}]}`), 2},
	{half("application/jsonlines", "JSON", "{\"a\":1,\"b\":2,\"colour\":\"red\"}\n{\"a\":3,\"b\":4,\"colour\":\"red\"}\n"), half("application/jsonlines", "JSON", "{\"score\":1}\n{\"score\":2}\n"), 2},
	{half("text/csv", "BASE64", inBase64("1.5,2,red")), half("text/csv", "BASE64", inBase64("7")), 1},
	{half("application/json", "BASE64", inBase64(`{"a":1,"b":2,"colour":"red"}`)), half("application/octet-stream", "BASE64", inBase64(`{"score":7}`)), 1},
	{half("application/x-npy", "BASE64", inBase64("\x93NUMPY")), half("text/csv", "CSV", "7"), 1},
}

// hostile is what a broken or ill-meaning producer may send. Without a reason the rows count, however odd they are.
func hostile(at time.Time) []struct{ line, reason string } {
	input := half("text/csv", "CSV", "1.5,2,red")
	body := func(json string) string { return captured(at, half("application/json", "JSON", json), "") }
	return []struct{ line, reason string }{
		{`{"captureData":`, "malformed"},
		{`not JSON at all`, "malformed"},
		{`{"captureData":` + strings.Repeat(`{"a":`, 10_000) + strings.Repeat("}", 10_001), "malformed"},
		{`[]`, "envelope"},
		{`null`, "envelope"},
		{`{"captureData":null}`, "envelope"},
		{`{"captureData":{"endpointInput":5}}`, "envelope"},
		{`{"captureData":{"endpointInput":{"data":["1","2"],"encoding":"CSV"}}}`, "envelope"},
		{strings.Replace(captured(at, input, ""), "2026-", "yesterday ", 1), "time"},
		{captured(at, half("text/csv", "BASE64", "%%%"), ""), "encoding"},
		{body(`{"a":`), "payload"},
		{body(`{"a":1}}`), "payload"},
		{body(strings.Repeat("[", 10_000)), "payload"},
		{captured(at, half("text/csv", "CSV", "1,\"2,red"), ""), "payload"},
		{captured(at, half("text/csv", "CSV", "1,2,red,4"), ""), "columns"},
		{captured(at, half("text/csv", "CSV", ""), ""), "empty"},
		{body(`{"a":1e999,"b":"x","colour":{"deep":[1,{"x":null}]}}`), ""},
		{body(`{"a":1,"a":2,"a":[],"colour":"\u0000\ud800"}`), ""},
		{body(`{"a":true,"b":-0.0,"colour":"` + strings.Repeat("x", 100_000) + `"}`), ""},
		{body(`{"` + strings.Repeat("k", 10_000) + `":1}`), ""},
		{captured(at, half("text/csv", "ROT13", "1,2,red"), ""), ""},
		{captured(at, half("text/csv", "CSV", "\xff\xfe,NaN,\x00"), ""), ""},
	}
}

func TestSageMaker(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.trainColours()
	s.configure("  - {name: colours, baseline: baseline, windows: {size: 1m}}\n")

	var good, bad, early []string
	var sent, wantDead, fine, unmonitored int64
	wantReasons := map[string]int{}
	for i := range 30 {
		for k, r := range readable {
			at := sageMakerStart.Add(time.Duration(10*i)*time.Second + time.Duration(k)*time.Millisecond)
			good = append(good, captured(at, r.input, r.output))
			early = append(early, captured(at.Add(-time.Hour), r.input, r.output))
			fine += r.rows
		}
	}
	good = append(good, captured(sageMakerStart.Add(5*time.Minute), readable[3].input, readable[4].output))
	wantDead, wantReasons["rows"] = 3, 1 // three rows in, one out
	for _, h := range hostile(sageMakerStart.Add(5 * time.Minute)) {
		bad = append(bad, h.line)
		if h.reason != "" {
			wantReasons[h.reason]++
			wantDead++
		} else {
			fine++
		}
	}
	for _, r := range readable {
		unmonitored += 30 * r.rows
	}
	wantLate := unmonitored // the same records, an hour earlier
	sent = fine + wantDead + wantLate + unmonitored
	s.write("good.jsonl", lines(append(good, bad...)))
	s.write("early.jsonl", lines(early))

	p := s.run()
	j := s.journal()
	s.tidemark("replay", "good.jsonl")
	j.untilRows("colours", fine)
	s.tidemark("replay", "early.jsonl") // its windows have closed
	s.tidemark("replay", "early.jsonl", "--endpoint", "nobody")
	await(t, fmt.Sprintf("%d rows in the metrics", sent), func() bool {
		m := p.metrics()
		return counter(m, "tidemark_ingest_rows_total") == sent && counter(m, "tidemark_evaluate_rows_late_total") == wantLate
	})
	m := p.metrics()
	j.finish(p)

	reasons := map[string]int{}
	var dead int64
	for _, r := range s.records("tidemark.deadletters") {
		reasons[header(r, "tidemark-reason")]++
		dead++
	}
	dead += 2 // the one with three rows
	if !maps.Equal(reasons, wantReasons) {
		t.Errorf("dead letters %v, want %v", reasons, wantReasons)
	}
	for _, count := range []struct {
		what              string
		got, metric, want int64
	}{
		{"windowed", j.rows("colours"), counter(m, "tidemark_evaluate_rows_windowed_total"), fine},
		{"late", s.late("colours"), counter(m, "tidemark_evaluate_rows_late_total"), wantLate},
		{"dead", dead, counter(m, "tidemark_ingest_rows_dead_total"), wantDead},
		{"unmonitored", sent - j.rows("") - s.late("colours") - dead, counter(m, "tidemark_ingest_rows_unmonitored_total"), unmonitored},
	} {
		if count.got != count.want || count.metric != count.want {
			t.Errorf("%s: %d rows on the topics, %d in the metrics, want %d", count.what, count.got, count.metric, count.want)
		}
	}
	if n := counter(m, "tidemark_ingest_payloads_undecoded_total"); n != 31+30 {
		t.Errorf("%d payloads undecoded, want 61", n)
	}
	ends := map[string]bool{}
	for _, r := range j.reports {
		ends[r.Window.End.String()] = true
	}
	if got := slices.Sorted(maps.Keys(ends)); len(got) != 6 || got[0] != "2026-03-01T12:01:00Z" {
		t.Errorf("windows end at %v, want six minutes from 12:01 on", got)
	}
}
