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
	"tidemark/monitor"
	"tidemark/windows"
)

func baselineCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "baseline",
		Short: "Build, show or compare baselines",
		Example: `  tidemark baseline build training.csv --label churned -o ./baseline
  tidemark baseline show ./baseline
  tidemark baseline diff ./baseline ./retrained`,
	}
	c.AddCommand(baselineBuildCommand(), baselineShowCommand(), baselineDiffCommand())
	return c
}

func baselineBuildCommand() *cobra.Command {
	var roles baseline.Roles
	var directory, constraints, cycle, review string
	c := &cobra.Command{
		Use:   "build DATA...",
		Short: "Build a baseline from training data",
		Long: `Build a baseline from the data a model was trained on: CSV with a header line (also gzipped) or Parquet. Columns that no
flag names are features. A column is numeric when its values are numbers, else categorical. Beside the baseline it writes
statistics.json and constraints.json as SageMaker Model Monitor has them.

The data may also be the statistics.json of a SageMaker Model Monitor baseline, with its constraints.json in --constraints.

With --seasonal the rows are also counted by calendar slot, in UTC, and a window is compared with the slots that it covers:
traffic of Monday 8 o'clock with that of other Mondays at 8.`,
		Example: `  tidemark baseline build training.csv --label churned -o ./baseline
  tidemark baseline build reference.parquet --prediction score,class --time timestamp --ignore id
  tidemark baseline build year.csv --time at --seasonal hour_of_week --review-after 90d
  tidemark baseline build statistics.json --constraints constraints.json --prediction _c0`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			reviewAfter, err := reviewAfter(review)
			if err != nil {
				return err
			}
			if cycle != "" {
				if err := baseline.Cycle(cycle).Validate(); err != nil {
					return usageError{fmt.Errorf("--seasonal: %w", err)}
				}
				if slices.ContainsFunc(files, isStatistics) {
					return usageError{errors.New("--seasonal needs the rows, and a statistics.json has none: build from the data")}
				}
			}
			b, err := buildBaseline(files, constraints, roles)
			if err != nil {
				return err
			}
			if cycle != "" {
				if err := b.AddSeasonal(files, baseline.Cycle(cycle)); err != nil {
					return err
				}
			}
			if !slices.ContainsFunc(files, isStatistics) {
				if err := b.Calibrate(files); err != nil {
					return err
				}
			}
			if reviewAfter > 0 {
				b.ReviewBy = b.Created.Add(reviewAfter)
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
	flags.StringVar(&cycle, "seasonal", "", "also count by the slots of a `cycle`: hour_of_day, hour_of_week, day_of_week or month; needs --time")
	flags.StringVar(&review, "review-after", "", "`age`, such as 90d, from which on check and run ask to review the baseline")
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

// reviewAfter reads the flag, which may be empty.
func reviewAfter(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := windows.ParseDuration(text)
	if err == nil && d < time.Second {
		err = errors.New("is too short: give the age at which to review it, such as 90d")
	}
	if err != nil {
		return 0, usageError{fmt.Errorf("--review-after %q %w", text, err)}
	}
	return d, nil
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
	// Kappa is how many rows that follow each other are worth one independent row, by the length of the blocks.
	Kappa []baseline.Kappa `json:"kappa,omitempty"`
}

func shownColumns(b *baseline.Baseline) []shownColumn {
	var columns []shownColumn
	for i, column := range b.Schema.Watched() {
		f := &b.Profile.Features[i]
		shown := shownColumn{
			Name: column.Name, Role: column.Role, Kind: column.Kind,
			Count: f.Captured, Missing: f.Missing, Invalid: f.Invalid, Bins: len(f.Bins), Kappa: b.Calibration(i).Kappa,
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

// shownSeasonal is the slots in baseline show --json. Thin ones have fewer rows than a reference needs.
type shownSeasonal struct {
	Cycle baseline.Cycle `json:"cycle"`
	Least int64          `json:"least"`
	Most  int64          `json:"most"`
	Thin  int            `json:"thin"`
	Slots []shownSlot    `json:"slots"`
}

type shownSlot struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
}

func shownSlots(b *baseline.Baseline) *shownSeasonal {
	if b.Seasonal == nil {
		return nil
	}
	rows := b.Seasonal.Rows()
	s := &shownSeasonal{Cycle: b.Seasonal.Cycle, Least: slices.Min(rows), Most: slices.Max(rows)}
	for slot, n := range rows {
		s.Slots = append(s.Slots, shownSlot{s.Cycle.Name(slot), n})
		if n < baseline.MinReferenceRows {
			s.Thin++
		}
	}
	return s
}

func showBaselineJSON(w io.Writer, b *baseline.Baseline) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		ID       string         `json:"id"`
		Layout   string         `json:"layout"`
		Created  time.Time      `json:"created"`
		ReviewBy time.Time      `json:"review_by,omitzero"`
		Source   []string       `json:"source"`
		Rows     int64          `json:"rows"`
		Seasonal *shownSeasonal `json:"seasonal,omitempty"`
		Columns  []shownColumn  `json:"columns"`
		// Warnings say where the default alarm budget cannot keep its promise with this baseline.
		Warnings []string `json:"warnings,omitempty"`
	}{b.ID, b.Profile.Layout.ID(), b.Created, b.ReviewBy, b.Source, b.Profile.Rows, shownSlots(b), shownColumns(b), monitor.BaselineWarnings(b, monitor.DefaultMinEffect)})
}

func showBaseline(w io.Writer, b *baseline.Baseline) error {
	fmt.Fprintf(w, "baseline %s  layout %s  built %s  from %v  %d rows\n",
		b.ID, b.Profile.Layout.ID(), b.Created.Format(time.RFC3339), b.Source, b.Profile.Rows)
	if !b.ReviewBy.IsZero() {
		fmt.Fprintf(w, "to be reviewed by %s\n", b.ReviewBy.Format(time.RFC3339))
	}
	if s := shownSlots(b); s != nil {
		fmt.Fprintf(w, "seasonal by %s: %d slots of %d to %d rows; %d have fewer than %d, which windows fill up from slots like them\n",
			s.Cycle, len(s.Slots), s.Least, s.Most, s.Thin, baseline.MinReferenceRows)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "column\trole\tkind\tmissing\tinvalid\tmean\tstddev\tmin\tmax\tbins\tkappa\t")
	number := func(x *float64) string {
		if x == nil {
			return ""
		}
		return fmt.Sprintf("%.4g", *x)
	}
	for _, c := range shownColumns(b) {
		kappa := "unknown"
		if len(c.Kappa) > 0 {
			var values []string
			for _, k := range c.Kappa {
				values = append(values, fmt.Sprintf("%.3g", k.Value))
			}
			kappa = strings.Join(values, "/")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%d\t%s\t\n", c.Name, c.Role, c.Kind, c.Missing, c.Invalid,
			number(c.Mean), number(c.StdDev), number(c.Min), number(c.Max), c.Bins, kappa)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nkappa: how many rows that follow each other are worth one independent row, in blocks of 30, 100, 300 and 1000 rows")
	for _, warning := range monitor.BaselineWarnings(b, monitor.DefaultMinEffect) {
		fmt.Fprintln(w, "warning:", warning)
	}
	return nil
}
