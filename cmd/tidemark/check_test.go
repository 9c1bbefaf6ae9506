package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/baseline"
)

// check runs the command in a directory with the configuration and a baseline.
func check(t *testing.T, configuration string, arguments ...string) (stdout, stderr string, err error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"tidemark.yaml": configuration, "training.csv": "x\n1\n2\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := baseline.Build([]string{"training.csv"}, baseline.Roles{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Save("baseline"); err != nil {
		t.Fatal(err)
	}
	var out, bad bytes.Buffer
	c := checkCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(&out)
	c.SetErr(&bad)
	c.SetArgs(arguments)
	err = c.Execute()
	return out.String(), bad.String(), err
}

const goodConfiguration = `kafka: {brokers: [localhost:9092]}
monitors:
  - {name: churn, baseline: ./baseline}
  - name: fraud
    baseline: ./baseline
    match: {endpoint: fraud-v2, variant: blue}
    windows: [{size: 1m, slide: 10s}, {size: 1h}]
    drift: {method: ks, threshold: 0.1, for: 2 of 3}
    quality: []
`

const badConfiguration = `kafka: {brokers: [localhost:9092]}
monitors:
  - name: churn
    baseline: ./missing
    windows:
      - {size: 1m, slde: 10s}
    allowed_lateness: 5 seconds
`

func TestCheckGood(t *testing.T) {
	stdout, stderr, err := check(t, goodConfiguration)
	want := `tidemark.yaml: ok

MONITOR  ENDPOINT  VARIANT  WINDOWS           PANE  RULES
churn    churn     *        1m                1m    drift of more than 0.02 of the records, with 1 per 30d false alarms, missing_share > 0.1, new_categories > 0.02, type_share > 0.01, negative_share > 0.01
fraud    fraud-v2  blue     1m every 10s, 1h  10s   ks > 0.1 for 2 of 3

MONITOR  A SHIFT OF  IS FOUND AFTER  IN THE SLOWEST NUMBER
churn    0.25 sd     never           x
churn    0.5 sd      never           x
churn    1 sd        never           x
`
	if diff := cmp.Diff(want, stdout); diff != "" || err != nil {
		t.Errorf("error %v, stdout (-want +got):\n%s", err, diff)
	}
	wantWarnings := `warning: monitor "churn": ` + unordered + "\n" + `warning: monitor "churn": ` + tooFew + "\n"
	if diff := cmp.Diff(wantWarnings, stderr); diff != "" {
		t.Errorf("stderr (-want +got):\n%s", diff)
	}
}

// What a baseline of two rows, whose order is not known, is warned of.
const (
	unordered = "it is not known whether rows that follow each other are alike (kappa), which the alarm budget's promise depends on: build the baseline from at least " +
		"600 rows in the order of time, and name their time with --time; until then it is measured on the traffic"
	tooFew = "changes of x by less than 0.73 of the records cannot be told from the error of the baseline, whose 2 rows are worth 2 independent ones: build it from more"
)

func TestCheckBad(t *testing.T) {
	stdout, stderr, err := check(t, badConfiguration)
	want := `tidemark.yaml:4:15: monitors[0].baseline: is "./missing", which holds no baseline.json: make it with ` +
		"`tidemark baseline build DATA... -o missing`" + `
  2 | monitors:
  3 |   - name: churn
> 4 |     baseline: ./missing
    |               ^

tidemark.yaml:6:20: monitors[0].windows[0].slde: unknown key; did you mean "slide"?
  4 |     baseline: ./missing
  5 |     windows:
> 6 |       - {size: 1m, slde: 10s}
    |                    ^

tidemark.yaml:7:23: monitors[0].allowed_lateness: "5 seconds" is not a duration: write numbers with units (ms, s, m, h, d), such as 10s or 1d12h
  5 |     windows:
  6 |       - {size: 1m, slde: 10s}
> 7 |     allowed_lateness: 5 seconds
    |                       ^

`
	if diff := cmp.Diff(want, stderr); diff != "" || stdout != "" {
		t.Errorf("stdout %q, stderr (-want +got):\n%s", stdout, diff)
	}
	if usage := (usageError{}); !errors.As(err, &usage) || err.Error() != "tidemark.yaml has 3 faults" {
		t.Errorf("error %v", err)
	}
}

func TestCheckJSON(t *testing.T) {
	stdout, _, err := check(t, goodConfiguration, "--json")
	if want := `{"ok":true,"faults":[],"warnings":["monitor \"churn\": ` + unordered + `","monitor \"churn\": ` + tooFew + `"],` +
		`"forecasts":[{"monitor":"churn","feature":"x","shift":0.25,"records":0},{"monitor":"churn","feature":"x","shift":0.5,"records":0},{"monitor":"churn","feature":"x","shift":1,"records":0}]}` + "\n"; stdout != want || err != nil {
		t.Errorf("%s%v", stdout, err)
	}
	stdout, stderr, err := check(t, "kafka: {brokers: [localhost:9092], brokrs: x}\nmonitors: [{name: churn, baseline: ./baseline}]\n", "--json")
	want := `{"ok":false,"faults":[{"file":"tidemark.yaml","line":1,"column":36,"path":"kafka.brokrs","message":"unknown key; did you mean \"brokers\"?"}]}` + "\n"
	if diff := cmp.Diff(want, stdout); diff != "" || stderr != "" || !errors.As(err, &usageError{}) {
		t.Errorf("stderr %q, error %v, stdout (-want +got):\n%s", stderr, err, diff)
	}
}

func TestCheckWithoutFile(t *testing.T) {
	_, _, err := check(t, goodConfiguration, "-c", "other.yaml")
	if !errors.As(err, &usageError{}) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	stdout, _, _ := check(t, goodConfiguration, "-c", "other.yaml", "--json")
	want := `{"ok":false,"faults":[{"file":"other.yaml","line":0,"column":0,"path":"","message":"read configuration: open other.yaml: no such file or directory: name the file with --config"}]}` + "\n"
	if diff := cmp.Diff(want, stdout); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Minute: "1m", 90 * time.Minute: "1h30m", time.Hour: "1h", 10 * time.Second: "10s", 70 * time.Second: "1m10s", 500 * time.Millisecond: "500ms",
		10*time.Minute + 20*time.Second: "10m20s", 20 * time.Hour: "20h",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("shortDuration(%v) = %s, want %s", d, got, want)
		}
	}
}
