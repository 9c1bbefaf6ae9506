package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// normals writes rows of 20 standard normal columns, of which from a row on the first two have a correlation, or all have a common part
// of their variance.
func normals(seed uint64, rows, from int, correlation, common float64) string {
	random := rand.New(rand.NewPCG(seed, 20))
	var text strings.Builder
	for c := range 20 {
		fmt.Fprintf(&text, "%sf%d", strings.Repeat(",", min(c, 1)), c)
	}
	for row := range rows {
		first, shared := 0.0, 0.0
		if common > 0 {
			shared = random.NormFloat64()
		}
		for c := range 20 {
			x := random.NormFloat64()
			if c == 0 {
				first = x
			}
			if c == 1 && row >= from {
				x = correlation*first + math.Sqrt(1-correlation*correlation)*x
			}
			if row >= from {
				x = math.Sqrt(common)*shared + math.Sqrt(1-common)*x
			}
			separator := ","
			if c == 0 {
				separator = "\n"
			}
			fmt.Fprintf(&text, "%s%.4f", separator, x)
		}
	}
	return text.String() + "\n"
}

// A correlation of 0 that becomes .6 in one pair of 20 features is found, and the pair named, though every feature stays as it was.
func TestBacktestFindsJointDrift(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"training.csv": normals(1, 20_000, 20_000, 0, 0), "traffic.csv": normals(2, 4000, 2000, 0.6, 0),
		"diffuse.csv":   normals(3, 4000, 2000, 0, 0.2),
		"tidemark.yaml": "kafka: {broker: embedded}\nmonitors: [{name: loans, baseline: baseline, windows: {size: 10s}}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	root := rootCommand()
	root.SetOut(new(strings.Builder))
	root.SetArgs([]string{"baseline", "build", "training.csv"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	out, err := backtested(t, dir, "traffic.csv", "--rate", "10", "--json")
	if !errors.Is(err, errFound) {
		t.Fatalf("error %v, want drift", err)
	}
	var r backtestResult
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	a := r.Alerts[0]
	if r.Alarms != 1 || a.Feature != "f0 and f1" || a.Rule != "joint" || a.Records != 2700 || a.Since.Time().Unix() != 200 {
		t.Errorf("%d alarms, the first %+v", r.Alarms, a)
	}
	if !strings.HasPrefix(a.Message, "f0 and f1 on loans no longer move together as in the baseline since about 1970-01-01T00:03:20Z (7 panes, 700 records): they are on the same side of their medians in ") {
		t.Errorf("message %q", a.Message)
	}
	// The sweep finds it too, later with less of a budget and with more that does not matter.
	if len(r.Sweep) != 16 || r.Sweep[0].Alarms == 0 || r.Sweep[0].First.Records >= 2700 || r.Sweep[15].Alarms != 0 && r.Sweep[15].First.Records <= 2700 {
		t.Errorf("sweep %+v", r.Sweep)
	}
	// All features that begin to move together a little are told of at once, as such.
	if out, err = backtested(t, dir, "diffuse.csv", "--rate", "10", "--json"); !errors.Is(err, errFound) {
		t.Fatalf("error %v, want drift", err)
	}
	r = backtestResult{}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if a = r.Alerts[0]; r.Alarms != 1 || a.Feature != "all inputs" || a.Rule != "joint" || a.Records != 2100 || a.Since.Time().Unix() != 200 {
		t.Errorf("%d alarms, the first %+v", r.Alarms, a)
	}
	const words = "all inputs on loans no longer move together as in the baseline since about 1970-01-01T00:03:20Z (1 pane, 100 records): how many of the 20 are above their medians is " +
		"distributed otherwise, with a standard deviation of 3.8, and of 2.2 in the baseline; records like those in the baseline look like this at most once in "
	if !strings.HasPrefix(a.Message, words) {
		t.Errorf("message %q", a.Message)
	}
}
