package main

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

// The scripts run the commands that need no broker.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
			"dated": dated,
			"rows":  rows,
		},
	})
}

// exits CODE COMMAND... runs a command that must end with the code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("%q ended with %s, want %s", args[1:], code, args[0])
	}
}

// rows N FILE repeats the rows of a CSV file, below its header, until each is there N times.
func rows(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	header, below, _ := strings.Cut(ts.ReadFile(args[1]), "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(header+"\n"+strings.Repeat(below, n)), 0o644))
}

var date = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// dated FILE replaces the dates in a file, which differ from run to run.
func dated(ts *testscript.TestScript, _ bool, args []string) {
	text := date.ReplaceAllString(ts.ReadFile(args[0]), "DATE")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// Every command shows an example of its use.
func TestExamples(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		path := c.CommandPath()
		root, help := rootCommand(), &bytes.Buffer{}
		root.SetOut(help)
		root.SetArgs(append(strings.Fields(path)[1:], "--help"))
		if err := root.Execute(); err != nil {
			t.Errorf("%s --help: %v", path, err)
		}
		_, examples, _ := strings.Cut(help.String(), "\nExamples:\n")
		example, _, _ := strings.Cut(examples, "\n\n")
		if !strings.Contains(example, "  "+path) {
			t.Errorf("%s --help has no example of itself:\n%s", path, help)
		}
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit(rootCommand())
}
