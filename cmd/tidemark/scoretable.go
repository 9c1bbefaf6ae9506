package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidemark/capture"
	"tidemark/detectors"
)

// minNameWidth is the least that a narrow terminal leaves of a column's name.
const minNameWidth = 8

// printScores writes a table of the columns, the largest psi first, then the violations, then what it comes to.
func printScores(w io.Writer, result *scoreResult, width int) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%d reference rows, %d current rows\n\n", result.rows[0], result.rows[1])
	features := byPSI(result.Features)
	rows := [][]string{{"column", "type", "psi", "expected", "ks/linf", "w1/sd", "missing", "p", "verdict"}}
	for _, f := range features {
		rows = append(rows, tableRow(f))
	}
	writeTable(&out, rows, width)
	if slices.ContainsFunc(features, func(f scoredFeature) bool { return f.Scores["psi"].Expected != nil }) {
		out.WriteString("\nexpected: the psi of samples of these sizes when nothing changed; p: of the psi.\n")
	}
	if len(result.Violations) > 0 {
		fmt.Fprintln(&out)
		for _, v := range result.Violations {
			fmt.Fprintf(&out, "%s: %s\n", printable(v.Feature), v.Message)
		}
	}
	fmt.Fprintf(&out, "\n%s\n", conclusion(result, features))
	_, err := io.WriteString(w, out.String())
	return err
}

// byPSI orders columns by falling psi; those without one are last.
func byPSI(features []scoredFeature) []scoredFeature {
	psi := func(f scoredFeature) float64 {
		if score, ok := f.Scores["psi"]; ok {
			return score.Score
		}
		return -1
	}
	sorted := slices.Clone(features)
	slices.SortStableFunc(sorted, func(a, b scoredFeature) int { return cmp.Compare(psi(b), psi(a)) })
	return sorted
}

func tableRow(f scoredFeature) []string {
	kind, distance, shift := "num", "ks", "wasserstein_normalized"
	if f.Type == capture.Categorical {
		kind, distance, shift = "cat", "l_infinity", ""
	}
	decimals := func(name string) string {
		if score, ok := f.Scores[name]; ok {
			return strconv.FormatFloat(score.Score, 'f', 3, 64)
		}
		return ""
	}
	expected, p, shifted := "", "", ""
	psi := f.Scores["psi"]
	if psi.Expected != nil {
		expected = strconv.FormatFloat(*psi.Expected, 'f', 3, 64)
	}
	if psi.PValue != nil {
		p = probability(*psi.PValue)
	}
	if score, ok := f.Scores[shift]; ok {
		shifted = compact(score.Score, 3)
		if math.Abs(score.Score) < 10 {
			shifted = strconv.FormatFloat(score.Score, 'f', 3, 64)
		}
	}
	return []string{printable(f.Name), kind, decimals("psi"), expected, decimals(distance), shifted, missingChange(f), p, verdict(f)}
}

// probability writes a p-value, of which small ones are all alike.
func probability(p float64) string {
	if p < 0.001 {
		return "<.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

// missingChange is by how many percent of the rows the missing values rose, or nothing when there are none.
func missingChange(f scoredFeature) string {
	if f.Reference.Count == 0 || f.Current.Count == 0 || f.Reference.Missing == 0 && f.Current.Missing == 0 {
		return ""
	}
	share := func(c counts) float64 { return float64(c.Missing) / float64(c.Count) }
	return fmt.Sprintf("%+.1f%%", 100*(share(f.Current)-share(f.Reference)))
}

// verdict is the worst that the scores of a column say.
func verdict(f scoredFeature) string {
	if f.Current.Count == 0 {
		return "absent"
	}
	quality, few, judged := false, false, false
	for name, score := range f.Scores {
		switch {
		case score.Drift && detectors.KindOf(name) == detectors.KindDrift:
			return "drift"
		case score.Drift:
			quality = true
		case score.Insufficient:
			few = true
		case score.Threshold != nil:
			judged = true
		}
	}
	switch {
	case quality:
		return "quality"
	case few:
		return "too few"
	case judged:
		return "ok"
	}
	return ""
}

// writeTable aligns names and verdicts to the left and figures to the right. Names are shortened to fit the width.
func writeTable(out *strings.Builder, rows [][]string, width int) {
	widths := make([]int, len(rows[0]))
	total := 0
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		total += widths[i] + 2
	}
	if over := total - 2 - width; over > 0 {
		widths[0] = max(minNameWidth, widths[0]-over)
	}
	for _, row := range rows {
		line := fmt.Sprintf("%-*s", widths[0], shorten(row[0], widths[0]))
		for i, cell := range row[1:] {
			if i+2 == len(row) {
				line += "  " + cell
				break
			}
			line += fmt.Sprintf("  %*s", widths[i+1], cell)
		}
		fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
}

// conclusion is the result in a sentence.
func conclusion(result *scoreResult, features []scoredFeature) string {
	var drifted []string
	judged := false
	for _, f := range features {
		v := verdict(f)
		if v == "drift" {
			drifted = append(drifted, printable(f.Name))
		}
		judged = judged || v != "too few" && v != "absent" && v != ""
	}
	violations := ""
	switch n := len(result.Violations); {
	case n == 1:
		violations = "1 violation"
	case n > 1:
		violations = fmt.Sprintf("%d violations", n)
	}
	switch {
	case len(drifted) > 0:
		sentence := fmt.Sprintf("Drift in %d of %d columns: %s", len(drifted), len(features), list(drifted))
		if violations != "" {
			sentence += "; and " + violations
		}
		return sentence + "."
	case violations != "":
		return "No drift, but " + violations + "."
	case !judged:
		return fmt.Sprintf("Nothing could be judged: no column has the %d values on either side that a score decides with (--min-samples).", result.minSamples)
	}
	for _, f := range features {
		psi := f.Scores["psi"]
		switch {
		case psi.Threshold == nil || psi.Insufficient:
		case psi.Expected != nil:
			return fmt.Sprintf("No drift: the largest psi is %.3f (%s), of which %.3f is expected; drift is more than %g above that.",
				psi.Score, printable(f.Name), *psi.Expected, *psi.Threshold)
		default:
			return fmt.Sprintf("No drift: the largest psi is %.3f (%s), not over %g.", psi.Score, printable(f.Name), *psi.Threshold)
		}
	}
	return "No drift."
}

// maxListed is the number of names that a sentence lists.
const maxListed = 5

func list(names []string) string {
	switch n := len(names); {
	case n == 1:
		return names[0]
	case n > maxListed:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), n-maxListed)
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// printCharts draws every column that has values, in the order of the table.
func printCharts(w io.Writer, result *scoreResult, width int, color bool) error {
	for _, f := range byPSI(result.Features) {
		histogram := detectors.Compare(f.profiles[0], f.profiles[1])
		if len(histogram.Reference) == 0 {
			continue
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		if err := histogramChart(w, chartTitle(f), histogram, width, color); err != nil {
			return err
		}
	}
	return nil
}

// chartTitle is the name of a column with its psi.
func chartTitle(f scoredFeature) string {
	psi, ok := f.Scores["psi"]
	if !ok {
		return f.Name
	}
	title := fmt.Sprintf("%s: psi %.3f", f.Name, psi.Score)
	if psi.Expected != nil {
		title += fmt.Sprintf(", of which %.3f is expected", *psi.Expected)
	}
	return title
}
