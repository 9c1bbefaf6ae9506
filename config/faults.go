package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong in a configuration file.
type Fault struct {
	Line, Column int    // from 1; the column counts characters
	Path         string // the field, such as monitors[0].windows[1].slide; empty for the file as a whole
	Message      string // what is wrong and what to do
	Hint         string // the key that was probably meant, or empty
}

// String is the fault without its place: path, message and hint.
func (f Fault) String() string {
	if f.Path == "" {
		return f.Text()
	}
	return f.Path + ": " + f.Text()
}

// Text is the message and the hint.
func (f Fault) Text() string {
	if f.Hint == "" {
		return f.Message
	}
	return fmt.Sprintf("%s; did you mean %q?", f.Message, f.Hint)
}

// Faults are all faults of one file, in the order of their places in it.
type Faults struct {
	File   string
	Faults []Fault
	lines  []string // of the file, without its secrets
}

func newFaults(file string, lines []string, all []Fault) *Faults {
	// What an alias repeats is at one place, and is one fault.
	type place struct {
		line, column int
		text         string
	}
	seen := map[place]bool{}
	all = slices.DeleteFunc(all, func(f Fault) bool {
		at := place{f.Line, f.Column, f.Text()}
		defer func() { seen[at] = true }()
		return seen[at]
	})
	slices.SortStableFunc(all, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Faults{File: file, Faults: all, lines: redact(lines)}
}

// linesBefore is how many lines of the file an excerpt shows above the one with the fault.
const linesBefore = 2

// Error prints each fault as file:line:column: path: message, with an excerpt of the file and a caret.
func (f *Faults) Error() string {
	var b strings.Builder
	for i, fault := range f.Faults {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s:%d:%d: %v\n", f.File, fault.Line, fault.Column, fault)
		f.excerpt(&b, fault)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (f *Faults) excerpt(b *strings.Builder, fault Fault) {
	if fault.Line < 1 || fault.Line > len(f.lines) {
		return
	}
	width := len(fmt.Sprint(fault.Line))
	for n := max(1, fault.Line-linesBefore); n < fault.Line; n++ {
		fmt.Fprintln(b, strings.TrimRight(fmt.Sprintf("  %*d | %s", width, n, f.lines[n-1]), " "))
	}
	line := f.lines[fault.Line-1]
	fmt.Fprintf(b, "> %*d | %s\n", width, fault.Line, line)
	fmt.Fprintf(b, "  %*s | %s^\n", width, "", blank(line, fault.Column-1))
}

// blank is white space as wide as the first n characters of the line.
func blank(line string, n int) string {
	runes := []rune(line)
	space := []rune(strings.Repeat(" ", max(n, 0)))
	for i := range space {
		if i < len(runes) && runes[i] == '\t' {
			space[i] = '\t'
		}
	}
	return string(space)
}

// nearest returns the one of the known keys that was probably meant, or "".
func nearest(key string, known []string) string {
	key = strings.ToLower(key)
	best, least := "", 2+len(key)/3 // a key shares at least two thirds with what was meant
	for _, k := range known {
		if n := distance(key, k); n < least {
			best, least = k, n
		}
	}
	if best != "" || len(key) < 4 {
		return best
	}
	for _, k := range known {
		if strings.Contains(k, key) {
			return k
		}
	}
	return ""
}

// distance is Levenshtein's: how many characters to insert, delete or replace to get from a to b.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			replaced := diagonal
			if r != s {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
