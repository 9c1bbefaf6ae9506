package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidemark/baseline"
	"tidemark/capture"
)

func baselineCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "baseline",
		Short: "Build or show a baseline",
		Example: `  tidemark baseline build training.csv --label churned -o ./baseline
  tidemark baseline show ./baseline`,
	}
	c.AddCommand(baselineBuildCommand(), baselineShowCommand())
	return c
}

func baselineBuildCommand() *cobra.Command {
	var roles baseline.Roles
	var directory, constraints string
	c := &cobra.Command{
		Use:   "build DATA...",
		Short: "Build a baseline from training data",
		Long: `Build a baseline from the data a model was trained on: CSV with a header line (also gzipped) or Parquet. Columns that no
flag names are features. A column is numeric when its values are numbers, else categorical. Beside the baseline it writes
statistics.json and constraints.json as SageMaker Model Monitor has them.

The data may also be the statistics.json of a SageMaker Model Monitor baseline, with its constraints.json in --constraints.`,
		Example: `  tidemark baseline build training.csv --label churned -o ./baseline
  tidemark baseline build reference.parquet --prediction score,class --time timestamp --ignore id
  tidemark baseline build statistics.json --constraints constraints.json --prediction _c0`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			b, err := buildBaseline(files, constraints, roles)
			if err != nil {
				return err
			}
			if err := b.Save(directory); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "baseline %s: %d rows, %d features, %d predictions; saved to %s\n",
				b.ID, b.Profile.Rows, len(b.Schema.With(capture.Feature)), len(b.Schema.With(capture.Prediction)), directory)
			return err
		},
	}
	flags := c.Flags()
	flags.StringVarP(&directory, "output", "o", "baseline", "`directory` to save to")
	flags.StringVar(&constraints, "constraints", "", "`file` of the constraints that go with a statistics.json")
	roleFlags(flags, &roles)
	return c
}

// buildBaseline builds from a statistics.json, or from data.
func buildBaseline(files []string, constraints string, roles baseline.Roles) (*baseline.Baseline, error) {
	switch statistics := slices.IndexFunc(files, isStatistics); {
	case statistics < 0 && constraints != "":
		return nil, usageError{errors.New("--constraints goes with a statistics.json: from data, the constraints are made")}
	case statistics < 0:
		return baseline.Build(files, roles, time.Now())
	case len(files) > 1:
		return nil, usageError{fmt.Errorf("%s goes with no other file: give one statistics.json, or files of data", files[statistics])}
	}
	return baseline.FromStatistics(files[0], constraints, roles, time.Now())
}

// isStatistics says whether a file is taken for a statistics.json.
func isStatistics(path string) bool { return strings.HasSuffix(strings.ToLower(path), ".json") }

// roleFlags adds the flags that say what the columns of a file mean.
func roleFlags(flags *pflag.FlagSet, roles *baseline.Roles) {
	flags.StringSliceVar(&roles.Predictions, "prediction", nil, "`columns` that the model put out")
	flags.StringSliceVar(&roles.Labels, "label", nil, "`columns` with the truth, which captures do not carry")
	flags.StringSliceVar(&roles.Times, "time", nil, "`column` with the event time")
	flags.StringSliceVar(&roles.IDs, "id", nil, "`column` with an id of the row")
	flags.StringSliceVar(&roles.Ignored, "ignore", nil, "`columns` that captures do not carry")
	flags.StringSliceVar(&roles.Categorical, "categorical", nil, "`columns` of numbers that are names, such as codes")
	flags.BoolVar(&roles.NoHeader, "no-header", false, "CSV files begin with a row; their columns are called _c0, _c1 and so on")
}

func baselineShowCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "show DIRECTORY",
		Short:   "Show a baseline",
		Example: "  tidemark baseline show ./baseline",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			b, err := baseline.Load(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return showBaselineJSON(c.OutOrStdout(), b)
			}
			return showBaseline(c.OutOrStdout(), b)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// shownColumn is a watched column in baseline show --json.
type shownColumn struct {
	Name    string       `json:"name"`
	Role    capture.Role `json:"role"`
	Kind    capture.Kind `json:"kind"`
	Count   int64        `json:"count"`
	Missing int64        `json:"missing"`
	Invalid int64        `json:"invalid"`
	Mean    *float64     `json:"mean,omitempty"`
	StdDev  *float64     `json:"stddev,omitempty"`
	Min     *float64     `json:"min,omitempty"`
	Max     *float64     `json:"max,omitempty"`
	Bins    int          `json:"bins"`
}

func shownColumns(b *baseline.Baseline) []shownColumn {
	var columns []shownColumn
	for i, column := range b.Schema.Watched() {
		f := &b.Profile.Features[i]
		shown := shownColumn{
			Name: column.Name, Role: column.Role, Kind: column.Kind,
			Count: f.Captured, Missing: f.Missing, Invalid: f.Invalid, Bins: len(f.Bins),
		}
		if mean, ok := f.Moments.Mean(); ok {
			low, high := f.Moments.Min, f.Moments.Max
			shown.Mean, shown.Min, shown.Max = &mean, &low, &high
		}
		if deviation, ok := f.Moments.StdDev(); ok {
			shown.StdDev = &deviation
		}
		columns = append(columns, shown)
	}
	return columns
}

func showBaselineJSON(w io.Writer, b *baseline.Baseline) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		ID      string        `json:"id"`
		Layout  string        `json:"layout"`
		Created time.Time     `json:"created"`
		Source  []string      `json:"source"`
		Rows    int64         `json:"rows"`
		Columns []shownColumn `json:"columns"`
	}{b.ID, b.Profile.Layout.ID(), b.Created, b.Source, b.Profile.Rows, shownColumns(b)})
}

func showBaseline(w io.Writer, b *baseline.Baseline) error {
	fmt.Fprintf(w, "baseline %s  layout %s  built %s  from %v  %d rows\n\n",
		b.ID, b.Profile.Layout.ID(), b.Created.Format(time.RFC3339), b.Source, b.Profile.Rows)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "column\trole\tkind\tmissing\tinvalid\tmean\tstddev\tmin\tmax\tbins\t")
	number := func(x *float64) string {
		if x == nil {
			return ""
		}
		return fmt.Sprintf("%.4g", *x)
	}
	for _, c := range shownColumns(b) {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%d\t\n", c.Name, c.Role, c.Kind, c.Missing, c.Invalid,
			number(c.Mean), number(c.StdDev), number(c.Min), number(c.Max), c.Bins)
	}
	return table.Flush()
}
