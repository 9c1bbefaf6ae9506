package config

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the expected files of testdata")

var environment = map[string]string{"BROKER": "one:9092", "PARTITIONS": "12", "EMPTY": "", "B": "b", "SECRET": "hunter2"}

func env(name string) (string, bool) {
	value, ok := environment[name]
	return value, ok
}

// files are the files of testdata with the suffix, which are also the names of the tests.
func files(t testing.TB, suffix string) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*" + suffix)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files testdata/*%s: %v", suffix, err)
	}
	return names
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden compares got with the expected file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(readFile(t, file)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestGoodFiles(t *testing.T) {
	for _, file := range files(t, ".good.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c, err := Load(file, env)
			if err != nil {
				t.Fatal(err)
			}
			if host, _ := os.Hostname(); c.Processor.Instance == host {
				c.Processor.Instance = "(the host's name)"
			}
			got, err := json.MarshalIndent(c, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".json", string(got)+"\n")
		})
	}
}

func TestBadFiles(t *testing.T) {
	for _, file := range files(t, ".bad.yaml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(file, env)
			var faults *Faults
			if !errors.As(err, &faults) {
				t.Fatalf("Load gives %v, want faults", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", faults.Error()+"\n")
		})
	}
}

func TestUnreadableFile(t *testing.T) {
	_, err := Load("testdata/none.yaml", env)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "--config") {
		t.Errorf("Load gives %q", err)
	}
}

// Line ends and a byte order mark move no position.
func TestPositionsOfOddText(t *testing.T) {
	source := "\ufeffkafka: {brokers: [a:1]}\r\nmonitors:\r\n  - name: \"two\r\n      lines\"\r\n    {\"日本\": x, basline: y}\r\n"
	source = strings.Replace(source, "    {", "    match: {", 1)
	_, err := read("odd.yaml", []byte(source), env)
	want := `odd.yaml:3:5: monitors[0].baseline: is missing: give the directory that ` + "`tidemark baseline build`" + ` made
  1 | kafka: {brokers: [a:1]}
  2 | monitors:
> 3 |   - name: "two
    |     ^

odd.yaml:5:13: monitors[0].match.日本: unknown key; the keys here are endpoint, variant
  3 |   - name: "two
  4 |       lines"
> 5 |     match: {"日本": x, basline: y}
    |             ^

odd.yaml:5:22: monitors[0].match.basline: unknown key; the keys here are endpoint, variant
  3 |   - name: "two
  4 |       lines"
> 5 |     match: {"日本": x, basline: y}
    |                      ^`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A configuration elsewhere finds its baselines beside itself.
func TestBaselinesStartAtTheFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tidemark.yaml":   "kafka: {brokers: [a:1]}\nmonitors: [{name: a, baseline: b}, {name: c, baseline: " + filepath.Join(dir, "b") + "}]\n",
		"b/baseline.json": "{}",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(filepath.Join(dir, "tidemark.yaml"), env)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Monitors {
		if want := filepath.Join(dir, "b"); m.Baseline != want {
			t.Errorf("baseline of %s is %s, want %s", m.Name, m.Baseline, want)
		}
	}
}
