package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidemark/baseline"
	"tidemark/detectors"
	"tidemark/monitor"
)

// scoreOptions are the flags of score.
type scoreOptions struct {
	reference, current []string
	roles              baseline.Roles
	thresholds         []string
	minSamples         int64
	constraints        string
	exact              bool
	json, chart        bool
	svg                string
}

func scoreCommand() *cobra.Command {
	var o scoreOptions
	c := &cobra.Command{
		Use:   "score",
		Short: "Compare two files, or a file with a baseline",
		Long: `Compare the columns of current data with those of reference data: all statistics of every feature and prediction, without
Kafka. The reference is files or the directory of a baseline; the current data is files (CSV with a header line, also
gzipped, or Parquet). Columns are matched by name; a label, time, id or ignored column of the reference may be absent.

The statistics are computed from counts over the reference's bins, as tidemark run does. With --exact they are computed
from the values themselves, which are held in memory: 8 bytes for each number of both sides and up to twice that while
they are read, so 320 to 640 MB for two million rows of 20 numbers.

Statistics with a threshold decide: those of a monitor's defaults (` + defaultThresholds() + `)
and those that --threshold names. What counts is by how much a score is above what is expected of samples of its size when
nothing changed. It decides nothing when reference or current have fewer values than --min-samples.

With --constraints the quality is not judged by the defaults but by the constraints of a SageMaker Model Monitor baseline:
violations have its check types and wording.

In --json, count is the rows that have the column, with or without a value. The exit code is 3 when there is drift, a
quality score over its threshold, or a column missing or extra.`,
		Example: `  tidemark score --reference training.csv --current july.csv --label churned
  tidemark score --reference ./baseline --current july.parquet --json
  tidemark score --reference a.csv --current b.csv --exact --threshold ks=0.1 --chart
  tidemark score --reference statistics.json --constraints constraints.json --current july.csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.OutOrStdout()) },
	}
	flags := c.Flags()
	flags.StringSliceVar(&o.reference, "reference", nil, "`files` of reference data, a baseline directory, or a statistics.json (required)")
	flags.StringSliceVar(&o.current, "current", nil, "`files` of current data (required)")
	roleFlags(flags, &o.roles)
	flags.StringSliceVar(&o.thresholds, "threshold", nil, "`method=value` from which on a statistic decides; may be repeated")
	flags.StringVar(&o.constraints, "constraints", "", "`file` of constraints, as SageMaker Model Monitor has them, that decide quality")
	flags.Int64Var(&o.minSamples, "min-samples", monitor.DefaultMinSamples, "fewest `values` on either side that a score decides with")
	flags.BoolVar(&o.exact, "exact", false, "compute from the values, not from bins")
	flags.BoolVar(&o.json, "json", false, "print the result as JSON")
	flags.BoolVar(&o.chart, "chart", false, "also draw reference and current of every column")
	flags.StringVar(&o.svg, "svg", "", "`directory` to write a picture of every column to, as SVG")
	return c
}

func (o *scoreOptions) run(w io.Writer) error {
	rules, err := o.rules()
	if err != nil {
		return usageError{err}
	}
	sides, err := o.read()
	if err != nil {
		return err
	}
	scores := sides.score(rules)
	scores.minSamples = o.minSamples
	if o.svg != "" {
		if err := writePictures(o.svg, scores); err != nil {
			return err
		}
	}
	if o.json {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(scores)
	} else {
		width, color := terminal(w, 80)
		err = printScores(w, scores, width)
		if err == nil && o.chart {
			err = printCharts(w, scores, width, color)
		}
	}
	if err == nil && (scores.Drift || len(scores.Violations) > 0) {
		return errFound
	}
	return err
}

// rules are the rules that decide: a monitor's defaults, changed and added to by --threshold.
func (o *scoreOptions) rules() (map[string]monitor.Rule, error) {
	switch {
	case len(o.reference) == 0:
		return nil, errors.New("--reference is missing: name the files to compare with, or a baseline directory")
	case len(o.current) == 0:
		return nil, errors.New("--current is missing: name the files to compare")
	case o.chart && o.json:
		return nil, errors.New("--chart and --json exclude each other: keep one")
	case o.minSamples < 1:
		return nil, fmt.Errorf("--min-samples is %d: give a positive number of values", o.minSamples)
	}
	rules := make(map[string]monitor.Rule)
	for _, r := range defaultRules() {
		if o.constraints == "" || detectors.KindOf(r.Method) == detectors.KindDrift {
			rules[r.Method] = r
		}
	}
	for _, given := range o.thresholds {
		method, text, ok := strings.Cut(given, "=")
		value, err := strconv.ParseFloat(text, 64)
		switch {
		case !ok || err != nil || !(value > 0) || math.IsInf(value, 0):
			return nil, fmt.Errorf("--threshold %s: write METHOD=VALUE with a value above 0, such as psi=0.25", given)
		case detectors.New(method) == nil:
			return nil, fmt.Errorf("--threshold %s: %q is not known: use one of %s", given, method, strings.Join(statistics(), ", "))
		}
		rules[method] = monitor.Rule{Method: method, Threshold: value}
	}
	for method, r := range rules {
		r.MinSamples = o.minSamples
		rules[method] = r
	}
	return rules, nil
}

// defaultRules judge two files, of which there is no stream that an alarm budget could be kept in: psi over the customary limit,
// and the quality rules of a monitor whose configuration gives none.
func defaultRules() []monitor.Rule {
	c := monitor.DefaultConfig()
	c.Drift = []monitor.Rule{{Method: "psi", Threshold: 0.2}}
	c.Complete()
	return slices.Concat(c.Drift, c.Quality)
}

func defaultThresholds() string {
	var texts []string
	for _, r := range defaultRules() {
		texts = append(texts, fmt.Sprintf("%s %g", r.Method, r.Threshold))
	}
	return strings.Join(texts, ", ")
}

// statistics are the names of all statistics.
func statistics() []string { return slices.Concat(detectors.Drift, detectors.Quality) }

func (o *scoreOptions) read() (*sides, error) {
	b, err := o.readReference()
	if err != nil {
		return nil, err
	}
	data, err := b.Open(o.current)
	if err != nil {
		return nil, err
	}
	s := &sides{columns: b.Schema.Watched(), reference: b.Profile, missing: data.Missing, extra: data.Extra}
	if s.current, err = data.Profile(); err != nil {
		return nil, err
	}
	if o.constraints != "" {
		if s.constraints, err = baseline.ReadConstraints(o.constraints); err != nil {
			return nil, err
		}
		if s.statistics, err = data.Statistics(); err != nil {
			return nil, err
		}
	}
	if !o.exact {
		return s, nil
	}
	if s.currentValues, err = data.Values(); err != nil {
		return nil, err
	}
	reference, err := b.Open(o.reference)
	if err != nil {
		return nil, err
	}
	s.values, err = reference.Values()
	return s, err
}

// readReference loads the baseline, or builds one from the reference's files or its statistics.json.
func (o *scoreOptions) readReference() (*baseline.Baseline, error) {
	directory := slices.IndexFunc(o.reference, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && info.IsDir()
	})
	if directory < 0 && !slices.ContainsFunc(o.reference, isStatistics) {
		return baseline.Build(o.reference, o.roles, time.Now())
	}
	if directory < 0 {
		if o.exact {
			return nil, usageError{errors.New("--exact needs the values of the reference, and a statistics.json has only counts: name the data with --reference")}
		}
		return buildBaseline(o.reference, o.constraints, o.roles)
	}
	path := o.reference[directory]
	r := o.roles
	switch {
	case len(o.reference) > 1:
		return nil, usageError{fmt.Errorf("--reference: %s is a directory: give one baseline directory, or files", path)}
	case o.exact:
		return nil, usageError{fmt.Errorf("--exact needs the values of the reference, and the baseline in %s has only counts: name its files with --reference", path)}
	case r.NoHeader || len(slices.Concat(r.Predictions, r.Labels, r.Times, r.IDs, r.Ignored, r.Categorical)) > 0:
		return nil, usageError{fmt.Errorf("the baseline in %s says already what its columns mean: leave out --prediction, --label, --time, --id, --ignore, --categorical and --no-header", path)}
	}
	return baseline.Load(path)
}
