package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/windows"
)

// visits writes rows of made-up visits ten a second, with a time; from the middle on, twice as many minutes.
func visits(rows int, drifting bool) string {
	random, start := rand.New(rand.NewPCG(8, 0)), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	all := []string{"at,minutes,page,score"}
	for i := range rows {
		minutes := 20 + 5*random.NormFloat64()
		if drifting && i >= rows/2 {
			minutes *= 2
		}
		page := [...]string{"home", "home", "cart", "help"}[random.IntN(4)]
		all = append(all, fmt.Sprintf("%s,%.3f,%s,%.3f", start.Add(time.Duration(i)*100*time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00"), minutes, page, random.Float64()))
	}
	return lines(all)
}

// What a backtest of the files or of the archive says is what the stream says of the same captures.
func TestBacktestIsTheStream(t *testing.T) {
	s := newSite(t)
	s.write("training.csv", visits(5000, false))
	s.write("visits.csv", visits(12000, true))
	s.tidemark("baseline", "build", "training.csv", "--time", "at", "--prediction", "score")
	s.configure(`
  - {name: visits, baseline: baseline, windows: [{size: 1m, slide: 10s}, {size: 5m}], drift: [{method: psi, threshold: 0.2, for: 2 of 3}, {method: ks, alpha: 0.001}]}
archive: {url: captures, every: 1s}
`)
	p := s.run()
	s.tidemark("replay", "visits.csv", "--variant", "blue")
	j := s.journal()
	j.until("the last window", func() bool {
		return len(j.reports) > 0 && j.last(5*time.Minute) >= windows.At(time.Date(2026, 3, 1, 12, 20, 0, 0, time.UTC))
	})
	await(t, "the archive", func() bool {
		return strings.Contains(s.tidemark("archive", "verify", "captures"), "capture") && s.archived() >= 12000
	})
	j.finish(p)
	var want []string
	for _, a := range s.alerts() {
		want = append(want, a.ID)
	}
	slices.Sort(want)
	if len(want) < 4 {
		t.Fatalf("the stream had %d alerts", len(want))
	}
	for _, sources := range [][]string{{"visits.csv", "--variant", "blue"}, {}, {"captures"}} {
		b := s.start(append([]string{"backtest", "--json"}, sources...)...)
		if code := b.wait(); code != exitFound {
			t.Fatalf("backtest %q ended with %d: %s", sources, code, b.stderr.String())
		}
		var r backtestResult
		decode(t, []byte(b.stdout.String()), &r)
		var got []string
		for _, a := range r.Alerts {
			got = append(got, a.ID)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" || r.Rows != 12000 || r.Late != 0 {
			t.Errorf("backtest %q: %d rows, %d late, alerts (-stream +backtest):\n%s", sources, r.Rows, r.Late, diff)
		}
	}
}

// last is the end of the last window of a size that was reported.
func (j *journal) last(size time.Duration) windows.Time {
	end := windows.Never
	for _, r := range j.reports {
		if r.Window.Window.Size() == size {
			end = max(end, r.Window.End)
		}
	}
	return end
}

// archived is the rows in the site's archive.
func (s *site) archived() (rows int64) {
	s.t.Helper()
	var report struct{ Chains []struct{ Rows int64 } }
	decode(s.t, []byte(s.tidemark("archive", "verify", "captures", "--json")), &report)
	for _, c := range report.Chains {
		rows += c.Rows
	}
	return rows
}

// backtested runs the command in a directory with a baseline and a configuration.
func backtested(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	t.Chdir(dir)
	var out bytes.Buffer
	root := rootCommand()
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetArgs(append([]string{"backtest"}, args...))
	err := root.Execute()
	return out.String(), err
}

func backtestSite(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"training.csv": visits(5000, false), "drifting.csv": visits(6000, true), "quiet.csv": visits(6000, false),
		"tidemark.yaml": "kafka: {broker: embedded}\nmonitors: [{name: visits, baseline: baseline, drift: {method: psi, threshold: 0.2}}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	root := rootCommand()
	root.SetOut(io.Discard)
	root.SetArgs([]string{"baseline", "build", "training.csv", "--time", "at", "--prediction", "score"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The contract of --json: ten windows of 600 rows, of which the last five drifted.
func TestBacktestJSON(t *testing.T) {
	dir := backtestSite(t)
	out, err := backtested(t, dir, "drifting.csv", "--json", "--svg", "b.svg")
	if !errors.Is(err, errFound) {
		t.Fatalf("error %v, want drift", err)
	}
	var got map[string]any
	decode(t, []byte(out), &got)
	first := map[string]any{"at": "2026-03-01T12:06:00Z", "records": 3600.0}
	want := map[string]any{
		"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T12:10:00Z", "days": 10.0 / 1440,
		"rows": 6000.0, "late": 0.0, "dead": map[string]any{}, "unmonitored": map[string]any{},
		"windows": 10.0, "insufficient": 0.0, "alarms": 1.0, "alarms_per_day": 144.0,
		"monitors": []any{map[string]any{
			"name": "visits", "alarms": 1.0, "alarms_per_day": 144.0, "first": first,
			"rules": []any{"psi > 0.2", "missing_share > 0.1", "new_categories > 0.02", "type_share > 0.01", "negative_share > 0.01"},
			"by":    []any{map[string]any{"feature": "minutes", "rule": "psi", "kind": "drift", "alarms": 1.0, "first": first, "firing_seconds": 240.0}},
		}},
	}
	alert := got["alerts"].([]any)[0].(map[string]any)
	delete(got, "alerts")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for key, want := range map[string]any{
		"at": "2026-03-01T12:06:00Z", "state": "firing", "kind": "drift", "monitor": "visits", "endpoint": "visits", "variant": "default",
		"feature": "minutes", "rule": "psi", "window": "1m", "threshold": 0.2, "since": "2026-03-01T12:05:00Z", "records": 3600.0,
	} {
		if alert[key] != want {
			t.Errorf("the alert's %s is %v, want %v", key, alert[key], want)
		}
	}
	if len(alert) != 15 || !strings.HasPrefix(alert["message"].(string), "psi of minutes on visits is ") || len(alert["id"].(string)) != 32 {
		t.Errorf("the alert is %v", alert)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "b.svg"))
	if err != nil || xml.Unmarshal(svg, new(struct{})) != nil || strings.Count(string(svg), `<rect class="current"`) != 1 {
		t.Errorf("the picture: %v\n%s", err, svg)
	}
}

func TestBacktestOfQuietTraffic(t *testing.T) {
	out, err := backtested(t, backtestSite(t), "quiet.csv")
	want := "2026-03-01T12:00:00Z to 2026-03-01T12:10:00Z, 10m: 6000 rows, 10 windows, of which 0 decided nothing\n\nNo alarm would have fired, 0 a day.\n"
	if err != nil || out != want {
		t.Errorf("error %v, prints\n%s\nwant\n%s", err, out, want)
	}
}

// Captures in other forms than CSV, and rows without a time, which are as far apart as --rate says.
func TestBacktestReadsFiles(t *testing.T) {
	dir := backtestSite(t)
	var captures, bare []string
	for i, row := range strings.Split(strings.TrimSpace(visits(6000, true)), "\n") {
		cells := strings.Split(row, ",")
		bare = append(bare, strings.Join(cells[1:], ","))
		if i == 0 {
			continue
		}
		value, err := json.Marshal(map[string]any{"time": cells[0], "features": map[string]any{"minutes": cells[1], "page": cells[2]}, "predictions": map[string]any{"score": cells[3]}})
		if err != nil {
			t.Fatal(err)
		}
		captures = append(captures, string(value))
	}
	captures = append(captures, "{")
	for name, rows := range map[string][]string{"captures.jsonl": captures, "bare.csv": bare, "quiet.txt": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(lines(rows)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"drifting.csv"}, "visits   minutes  psi   1       2026-03-01T12:06:00Z  3600 rows  4m\n"},
		{[]string{"captures.jsonl"}, "\n1 rows could not be read: malformed\n"},
		{[]string{"captures.jsonl"}, "visits   minutes  psi   1       2026-03-01T12:06:00Z  3600 rows  4m\n"},
		{[]string{"bare.csv", "--rate", "10"}, "visits   minutes  psi   1       1970-01-01T00:06:00Z  3600 rows  4m\n"},
	} {
		out, err := backtested(t, dir, c.args...)
		if !errors.Is(err, errFound) || !strings.Contains(out, c.want) {
			t.Errorf("%q: error %v, prints\n%s\nwithout\n%s", c.args, err, out, c.want)
		}
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"bare.csv"}, "bare.csv: its rows have no time: say with --rate how many came in a second"},
		{nil, "name an archive or files: the configuration has no archive"},
		{[]string{"quiet.csv", "--endpoint", "other"}, "--endpoint other: no monitor watches it (they watch visits)"},
		{[]string{"quiet.csv", "--rate", "-1"}, "--rate -1: give a positive number of rows a second"},
		{[]string{".", "--rate", "1"}, "--endpoint, --variant and --rate are for files: an archive says itself"},
		{[]string{".", "quiet.csv"}, ". is an archive: give one archive, or files"},
		{[]string{"."}, ". holds no archived captures"},
		{[]string{"none.csv"}, "none.csv: open none.csv: no such file or directory"},
		{[]string{"quiet.txt"}, "the name of the file must end in"},
	} {
		if _, err := backtested(t, dir, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %s", c.args, err, c.want)
		}
	}
}
