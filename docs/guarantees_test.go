// Package docs checks what the documents say of the code.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	named   = regexp.MustCompile("`(Test\\w+)`")
	defined = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// TestGuaranteesNameTheirTests: each row of what may fail has a test, and each test that is named is there.
func TestGuaranteesNameTheirTests(t *testing.T) {
	tests := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range defined.FindAllSubmatch(source, -1) {
			tests[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile("guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range named.FindAllSubmatch(content, -1) {
		if !tests[string(match[1])] {
			t.Errorf("there is no %s", match[1])
		}
	}
	table, rows := "", 0
	for line := range strings.Lines(string(content)) {
		switch {
		case strings.HasPrefix(line, "## "):
			table = strings.TrimSpace(line)
		case strings.HasPrefix(line, "| ") && (strings.HasPrefix(table, "## When") || strings.HasPrefix(table, "## Traps")) && !strings.HasSuffix(line, "| test |\n"):
			rows++
			if !named.MatchString(line) {
				t.Errorf("no test is named for %s", line)
			}
		}
	}
	if rows < 40 {
		t.Errorf("%d rows, want 18 of failures and 21 of traps, or more", rows)
	}
}
