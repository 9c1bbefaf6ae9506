package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// swinging are captures of x, so many in each minute, that move by three standard deviations every other minute, so
// that an alert begins or ends with each but the first. Their ids are in order.
func swinging(start time.Time, each, minutes int) (captures []string, ids [][]any) {
	random := rand.New(rand.NewPCG(2, 2))
	for i := range each * minutes {
		minute := i / each
		id, at := fmt.Sprintf("%06d", i), start.Add(time.Duration(i)*time.Minute/time.Duration(each))
		captures = append(captures, fmt.Sprintf(`{"endpoint":"number","id":%q,"time":%d,"features":{"x":%.4f}}`, id, at.UnixMilli(), random.NormFloat64()+float64(3*(minute%2))))
		ids = append(ids, []any{id})
	}
	return captures, ids
}

// The store stops in the middle of a replay: windows close and alerts come all the same, as another client of the
// brokers sees. When it is back the archive catches up, with every record once.
func TestStoreStops(t *testing.T) {
	t.Parallel()
	s := newSecureSite(t)
	b := s.addBucket()
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}, drift: {method: psi, threshold: 0.2, min_samples: 50}, quality: []}\n" + b.section())
	const rows = 100 * 120
	captures, want := swinging(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), 100, rows/100)
	s.write("captures.jsonl", lines(captures))
	p := s.run()
	archived := func() int64 { return counter(p.metrics(), "tidemark_archive_rows_total") }
	replay := s.start("replay", "captures.jsonl", "--rate", "400")
	await(t, "the first rows in the archive", func() bool { return archived() > 0 })

	b.Stop()
	before := len(s.records("alerts"))
	await(t, "requests that the store does not answer", func() bool { return counter(p.metrics(), "tidemark_archive_failures_total") >= 3 })
	await(t, "alerts without a store", func() bool { return len(s.records("alerts")) >= before+20 })
	if n := archived(); n == rows {
		t.Error("all is in the archive of a store that is down")
	}
	if code, body := get(t, p.http()+"/readyz"); code != http.StatusOK {
		t.Errorf("without a store /readyz gives %d: %s", code, body)
	}
	b.Start(t)

	if code := replay.wait(); code != 0 {
		t.Fatalf("replay ended with %d: %s", code, replay.stderr.String())
	}
	await(t, "all rows in the archive", func() bool { return archived() == rows })
	j := s.journal()
	j.untilRows("number", rows)
	j.finish(p)
	b.verified(rows)
	b.holds(want, "event_id")
	for _, said := range []string{"the archive cannot be written, trying again", "the archive can be written again"} {
		if !strings.Contains(p.stderr.String(), said) {
			t.Errorf("the log does not say %q", said)
		}
	}
	var states []string
	for _, a := range s.alerts() {
		states = append(states, a.State)
	}
	if turns := slices.Repeat([]string{"firing", "resolved"}, rows/100/2)[:rows/100-1]; !slices.Equal(states, turns) {
		t.Errorf("%d alerts, want %d, firing and resolved in turn: %q", len(states), len(turns), states)
	}
}

// holds compares columns of the rows that pyarrow reads in the archive, in the order of the first, with those wanted.
func (b *bucket) holds(want [][]any, columns ...string) {
	b.s.t.Helper()
	b.do("get", "captures", "copy")
	var got table
	decode(b.s.t, b.s.program(b.python, append([]string{script(b.s.t, "parquet.py"), "pyarrow", "copy"}, columns...)...), &got)
	if !slices.EqualFunc(want, got.Rows, slices.Equal) {
		b.s.t.Errorf("the archive has %d rows, %d were published (-published +archived):\n%s", len(got.Rows), len(want), cmp.Diff(want, got.Rows))
	}
}
