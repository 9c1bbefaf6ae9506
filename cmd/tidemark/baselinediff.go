package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tidemark/baseline"
	"tidemark/baseline/diff"
	"tidemark/detectors"
)

func baselineDiffCommand() *cobra.Command {
	var asJSON bool
	var limits []string
	c := &cobra.Command{
		Use:   "diff REFERENCE CURRENT",
		Short: "Compare two baselines",
		Long: `Compare two baselines: which columns and categories are new, gone or mean something else, and how far the distributions
are apart. Columns that both count alike have exact scores. Numbers that were cut into other bins have a range that the
score is certainly in, categories are compared as far as both know them.

The exit code is 3 when a column changed or a score is certainly over its threshold; by default that of the rules that a
monitor has by default.`,
		Example: `  tidemark baseline diff ./baseline ./retrained
  tidemark baseline diff ./baseline ./retrained --threshold psi=0.1,ks=0.05 --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			thresholds, err := parseThresholds(limits)
			if err != nil {
				return err
			}
			reference, err := baseline.Load(args[0])
			if err != nil {
				return err
			}
			current, err := baseline.Load(args[1])
			if err != nil {
				return err
			}
			result := diff.Compare(reference, current, thresholds)
			if asJSON {
				encoder := json.NewEncoder(c.OutOrStdout())
				encoder.SetIndent("", "  ")
				err = encoder.Encode(result)
			} else {
				err = printDiff(c.OutOrStdout(), &result)
			}
			if err == nil && result.Differs {
				return errFound
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	c.Flags().StringSliceVar(&limits, "threshold", nil, "`statistic=score` above which a column differs, instead of the default ones")
	return c
}

// parseThresholds reads statistic=score; without any it returns those of score's default rules.
func parseThresholds(limits []string) (map[string]float64, error) {
	thresholds := map[string]float64{}
	if len(limits) == 0 {
		for _, rule := range defaultRules() {
			thresholds[rule.Method] = rule.Threshold
		}
		return thresholds, nil
	}
	for _, limit := range limits {
		name, value, _ := strings.Cut(limit, "=")
		if detectors.New(name) == nil {
			return nil, usageError{fmt.Errorf("--threshold %q: statistic %q is not known: use one of %v", limit, name, slices.Concat(detectors.Drift, detectors.Quality))}
		}
		score, err := strconv.ParseFloat(value, 64)
		if err != nil || !(score > 0) {
			return nil, usageError{fmt.Errorf("--threshold %q: give a score above 0, such as psi=0.2", limit)}
		}
		thresholds[name] = score
	}
	return thresholds, nil
}

func printDiff(w io.Writer, r *diff.Result) error {
	layout := "other bins or categories"
	if r.SameLayout {
		layout = "the same layout"
	}
	fmt.Fprintf(w, "%s (%d rows) against %s (%d rows), %s\n\n", r.Reference.ID, r.Reference.Rows, r.Current.ID, r.Current.Rows, layout)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "column\tpsi\tks\tmissing\tmean\t\tstddev\t\t  verdict")
	for _, c := range r.Columns {
		if c.Compared == "" && c.Change == "" {
			continue // watched by neither
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t  %s\n", c.Name, scoreText(c.Scores, "psi"), scoreText(c.Scores, "ks"),
			scoreText(c.Scores, "missing_share"), bothTexts(&c, func(s *diff.Summary) *float64 { return s.Mean }),
			bothTexts(&c, func(s *diff.Summary) *float64 { return s.StdDev }), difference(&c))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	words := "They do not differ beyond the thresholds."
	if r.Differs {
		words = "They differ."
	}
	_, err := fmt.Fprintf(w, "\n%s\n", words)
	return err
}

// scoreText is a score or the range that it is in.
func scoreText(scores map[string]diff.Score, name string) string {
	s, there := scores[name]
	switch {
	case !there:
		return ""
	case s.Score != nil:
		return fmt.Sprintf("%.3f", *s.Score)
	}
	return fmt.Sprintf("%.3f to %.3f", *s.Lower, *s.Upper)
}

// bothTexts is two cells: a figure of the reference, and of the current baseline.
func bothTexts(c *diff.Column, figure func(*diff.Summary) *float64) string {
	text := func(s *diff.Summary) string {
		if s == nil || figure(s) == nil {
			return ""
		}
		return fmt.Sprintf("%.4g", *figure(s))
	}
	return text(c.Reference) + "\t" + text(c.Current)
}

// difference says what is different about a column.
func difference(c *diff.Column) string {
	var parts []string
	switch c.Change {
	case diff.New, diff.Vanished:
		parts = append(parts, c.Change)
	case diff.Role:
		parts = append(parts, fmt.Sprintf("was %s, is %s", c.Reference.Role, c.Current.Role))
	case diff.Kind:
		parts = append(parts, fmt.Sprintf("was %s, is %s", c.Reference.Kind, c.Current.Kind))
	}
	var over []string
	for name, s := range c.Scores {
		if s.Differs {
			over = append(over, fmt.Sprintf("%s over %g", name, *s.Threshold))
		}
	}
	slices.Sort(over)
	parts = append(parts, over...)
	if len(c.New) > 0 {
		parts = append(parts, "new "+namesText(c.New))
	}
	if len(c.Vanished) > 0 {
		parts = append(parts, "gone "+namesText(c.Vanished))
	}
	for _, name := range c.Undecided {
		parts = append(parts, name+" undecided")
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, "; ")
}

const maxNames = 5

// namesText lists the first few of the names.
func namesText(names []string) string {
	text := strings.Join(names[:min(len(names), maxNames)], ", ")
	if more := len(names) - maxNames; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
