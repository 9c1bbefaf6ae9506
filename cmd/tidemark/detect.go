package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/detectors/sequential"
)

func detectCommand() *cobra.Command {
	var column string
	var params []string
	var asJSON bool
	c := &cobra.Command{
		Use:   "detect NAME FILE --column NAME",
		Short: "Run a sequential detector over a column of a file",
		Long: `Run a sequential detector over a column, in the order of the file: CSV with a header line (also gzipped) or Parquet. It
prints the rows at which the detector sees drift, counted from 0. After a drift it begins anew with the next row.

adwin, page_hinkley, cusum and kswin take any number up to 1e100 in size. ddm and eddm take errors: 1 for a wrong
prediction, 0 for a right one; hddm_a and hddm_w take those or any share from 0 to 1. true and false are 1 and 0. Other
cells, and missing ones, are counted as ignored: they change nothing, but keep their place in the count of rows.

Detectors and their parameters, with the defaults:
` + detectorList() + `
The exit code is 0 whether there is drift or not.`,
		Example: `  tidemark detect adwin predictions.csv --column score
  tidemark detect page_hinkley traffic.parquet --column income --param threshold=20 --param mode=up --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if column == "" {
				return usageError{errors.New("--column is needed: it names the column to watch")}
			}
			d, err := detect(c.Context(), args[0], args[1], column, params)
			if err != nil {
				return err
			}
			if asJSON {
				return d.printJSON(c.OutOrStdout())
			}
			return d.print(c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&column, "column", "", "`name` of the column to watch")
	c.Flags().StringArrayVar(&params, "param", nil, "parameter of the detector, as `name=value`; may be repeated")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// detectorList is the detectors and their parameters as lines of text.
func detectorList() string {
	var list strings.Builder
	for _, name := range sequential.Names {
		fmt.Fprintf(&list, "  %s\n", name)
		parameters, _ := sequential.Parameters(name, nil) // the defaults are in range
		for _, p := range parameters {
			fmt.Fprintf(&list, "    %-26s %s; %s\n", p.Name+"="+p.Text(), p.Meaning, p.Range())
		}
	}
	return list.String()
}

// detection is what a detector found in a column.
type detection struct {
	detector, column string
	parameters       []sequential.Parameter
	rows, ignored    int
	drifts, warnings []row
}

// row is a row of the file at which a detector found something.
type row struct {
	Index int     `json:"index"` // of the row, from 0
	value float64 // in the column
}

func detect(ctx context.Context, name, path, column string, params []string) (*detection, error) {
	given, err := parseParams(name, params)
	if err != nil {
		return nil, usageError{err}
	}
	detector, err := sequential.New(name, given)
	if err != nil {
		return nil, usageError{err}
	}
	d := &detection{detector: name, column: column, drifts: []row{}, warnings: []row{}}
	if d.parameters, err = sequential.Parameters(name, given); err != nil {
		return nil, err
	}
	err = baseline.EachCell(path, column, func(cell []byte) error {
		d.update(detector, cell)
		return ctx.Err()
	})
	if errors.Is(err, baseline.ErrNoColumn) {
		return nil, usageError{err}
	}
	return d, err
}

// parseParams reads name=value.
func parseParams(detector string, params []string) (map[string]float64, error) {
	known, err := sequential.Parameters(detector, nil)
	if err != nil {
		return nil, err
	}
	given := map[string]float64{}
	for _, param := range params {
		name, text, found := strings.Cut(param, "=")
		if !found {
			return nil, fmt.Errorf("--param %s: write it as name=value", param)
		}
		if _, twice := given[name]; twice {
			return nil, fmt.Errorf("--param %s is given twice: keep one", name)
		}
		given[name] = 0 // a name that is not known is for New to refuse
		for _, p := range known {
			if p.Name != name {
				continue
			}
			if given[name], err = p.Parse(text); err != nil {
				return nil, fmt.Errorf("%s: %w", detector, err)
			}
		}
	}
	return given, nil
}

// update takes the next cell.
func (d *detection) update(detector sequential.Sequential, cell []byte) {
	at := row{Index: d.rows}
	d.rows++
	var ok bool
	if at.value, ok = number(cell); !ok {
		d.ignored++
		return
	}
	switch detector.Update(at.value) {
	case sequential.Drift:
		d.drifts = append(d.drifts, at)
	case sequential.Warning:
		d.warnings = append(d.warnings, at)
	case sequential.Ignored:
		d.ignored++
	}
}

// number reads a cell as a number; true is 1 and false 0.
func number(cell []byte) (float64, bool) {
	switch string(capture.Canonical(cell)) {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	x, missing, valid := capture.ParseNumber(cell)
	return x, valid && !missing
}

func (d *detection) printJSON(w io.Writer) error {
	parameters := map[string]any{}
	for _, p := range d.parameters {
		switch text := p.Text(); {
		case p.Words == nil:
			parameters[p.Name] = p.Value
		case text == "true", text == "false":
			parameters[p.Name] = text == "true"
		default:
			parameters[p.Name] = text
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Detector   string         `json:"detector"`
		Parameters map[string]any `json:"parameters"`
		Rows       int            `json:"rows"`
		Ignored    int            `json:"ignored"`
		Detections []row          `json:"detections"`
		Warnings   []row          `json:"warnings"`
	}{d.detector, parameters, d.rows, d.ignored, d.drifts, d.warnings})
}

func (d *detection) print(w io.Writer) error {
	if len(d.drifts) > 0 {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(table, "index\tvalue\t")
		for _, at := range d.drifts {
			fmt.Fprintf(table, "%d\t%g\t\n", at.Index, at.value)
		}
		if err := table.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintf(w, "%s saw drift at %d of %d rows of %s; it warned at %d and ignored %d.\n",
		d.detector, len(d.drifts), d.rows, d.column, len(d.warnings), d.ignored)
	return err
}
