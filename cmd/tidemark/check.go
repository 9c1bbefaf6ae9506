package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tidemark/config"
	"tidemark/monitor"
	"tidemark/windows"
)

// usageError is an error of how Tidemark was called or configured: it ends the process with 2.
type usageError struct{ error }

// Unwrap returns the error itself.
func (e usageError) Unwrap() error { return e.error }

func checkCommand() *cobra.Command {
	var file string
	var asJSON, connecting bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration file",
		Long: `Check a configuration file without connecting to anything. Every fault is reported at once, each with its line
and column. The exit code is 0 when there is none and 2 otherwise. Baselines that are past their review are warned of.

With --connect, what a good file names is tried as well: the baselines, the brokers with TLS and SASL, the topics and
their settings, and the rights of the user. Nothing is changed. The exit code is 1 when anything of that fails.`,
		Example: `  tidemark check -c tidemark.yaml
  tidemark check -c tidemark.yaml --connect
  tidemark check -c tidemark.yaml --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			loaded, err := config.Load(file, os.LookupEnv)
			var warnings []string
			var forecasts []monitor.Forecast
			if err == nil {
				var monitors []*monitor.Monitor
				monitors, err = loadMonitors(loaded.Monitors)
				warnings = append(reviewWarnings(monitors, time.Now()), budgetWarnings(monitors)...)
				forecasts = monitor.Forecasts(monitors)
			}
			if asJSON {
				var attempts []attempt
				if err == nil && connecting {
					attempts = connect(c.Context(), loaded, nil)
				}
				if written := printCheckJSON(c.OutOrStdout(), file, warnings, forecasts, err, attempts); written != nil {
					return written
				}
				return errors.Join(checkFailure(file, err), connectFailure(attempts))
			}
			if err != nil {
				if faults := (*config.Faults)(nil); errors.As(err, &faults) {
					fmt.Fprintf(c.ErrOrStderr(), "%v\n\n", faults)
				}
				return checkFailure(file, err)
			}
			for _, warning := range warnings {
				fmt.Fprintln(c.ErrOrStderr(), "warning:", warning)
			}
			if err := printChecked(c.OutOrStdout(), file, loaded, forecasts); err != nil || !connecting {
				return err
			}
			fmt.Fprintln(c.OutOrStdout())
			return connectFailure(connect(c.Context(), loaded, c.OutOrStdout()))
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "tidemark.yaml", "configuration `file`")
	c.Flags().BoolVar(&connecting, "connect", false, "also try what the file names")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// checkFailure sums up what is wrong with the file, of which the faults themselves have been printed.
func checkFailure(file string, err error) error {
	var faults *config.Faults
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &faults):
		return usageError{err}
	case len(faults.Faults) == 1:
		return usageError{fmt.Errorf("%s has 1 fault", file)}
	}
	return usageError{fmt.Errorf("%s has %d faults", file, len(faults.Faults))}
}

// checkResult is what check --json prints.
type checkResult struct {
	OK       bool         `json:"ok"`
	Faults   []checkFault `json:"faults"`
	Warnings []string     `json:"warnings,omitempty"`
	// Forecasts are of the monitors with an alarm budget.
	Forecasts []monitor.Forecast `json:"forecasts,omitempty"`
	// Connect is what came of --connect; OK is of the file and of these.
	Connect []attempt `json:"connect,omitempty"`
}

// checkFault is one fault; its line and column are 0 and its path is empty when the file cannot be read.
type checkFault struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path"`
	Message string `json:"message"`
}

func printCheckJSON(w io.Writer, file string, warnings []string, forecasts []monitor.Forecast, err error, attempts []attempt) error {
	result := checkResult{OK: err == nil && connectFailure(attempts) == nil, Faults: []checkFault{}, Warnings: warnings, Forecasts: forecasts, Connect: attempts}
	var faults *config.Faults
	if errors.As(err, &faults) {
		for _, f := range faults.Faults {
			result.Faults = append(result.Faults, checkFault{file, f.Line, f.Column, f.Path, f.Text()})
		}
	} else if err != nil {
		result.Faults = append(result.Faults, checkFault{File: file, Message: err.Error()})
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(result)
}

// printChecked shows what the monitors of a good configuration watch.
func printChecked(w io.Writer, file string, c *config.Config, forecasts []monitor.Forecast) error {
	if _, err := fmt.Fprintf(w, "%s: ok\n\n", file); err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MONITOR\tENDPOINT\tVARIANT\tWINDOWS\tPANE\tRULES")
	for _, m := range c.Monitors {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, m.Match.Endpoint, m.Match.Variant,
			windowList(m.Windows), shortDuration(windows.Pane(m.Windows)), strings.Join(m.Rules(), ", "))
	}
	if err := table.Flush(); err != nil || len(forecasts) == 0 {
		return err
	}
	fmt.Fprintln(w)
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MONITOR\tA SHIFT OF\tIS FOUND AFTER\tIN THE SLOWEST NUMBER")
	for _, f := range forecasts {
		after := fmt.Sprintf("about %.2g records and half a pane", f.Records)
		if f.Records >= 100 {
			after = fmt.Sprintf("about %.0f records and half a pane", f.Records)
		}
		if f.Records == 0 {
			after = "never"
		}
		fmt.Fprintf(table, "%s\t%g sd\t%s\t%s\n", f.Monitor, f.Shift, after, f.Feature)
	}
	return table.Flush()
}

func windowList(specs []windows.Spec) string {
	all := make([]string, len(specs))
	for i, s := range specs {
		all[i] = shortDuration(s.Size)
		if s.Step() != s.Size {
			all[i] += " every " + shortDuration(s.Step())
		}
	}
	return strings.Join(all, ", ")
}

// shortDuration leaves the zeros at the end of a duration out: 1m, not 1m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
