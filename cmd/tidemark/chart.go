package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"tidemark/detectors"
)

const (
	maxLabelWidth = 24
	minBarWidth   = 4

	referenceColor = "\x1b[34m" // blue
	currentColor   = "\x1b[33m" // yellow
	resetColor     = "\x1b[0m"
)

// histogramChart draws h for a terminal that is width columns wide: a line for each cell with the reference's share
// and the current one side by side, all bars on one scale.
func histogramChart(w io.Writer, title string, h detectors.Histogram, width int, color bool) error {
	labels, err := cellLabels(h)
	if err != nil {
		return fmt.Errorf("draw the histogram of %s: %w", title, err)
	}
	labelWidth := 0
	for _, label := range labels {
		labelWidth = max(labelWidth, utf8.RuneCountInString(label))
	}
	largest := max(slices.Max(h.Reference), slices.Max(h.Current))
	barWidth := max(minBarWidth, (width-labelWidth-len("  100.0%   100.0% "))/2)

	paint := func(text, with string) string {
		if !color || text == "" {
			return text
		}
		return with + text + resetColor
	}
	var chart strings.Builder
	fmt.Fprintln(&chart, printable(title))
	fmt.Fprintf(&chart, "%*s  %s%*s%s\n", labelWidth, "", paint("reference", referenceColor),
		len("100.0% ")+barWidth+2-len("reference"), "", paint("current", currentColor))
	for i, label := range labels {
		reference, current := bar(h.Reference[i], largest, barWidth), bar(h.Current[i], largest, barWidth)
		padding := barWidth - utf8.RuneCountInString(reference)
		line := fmt.Sprintf("%*s  %6s %s%*s  %6s %s", labelWidth, label, percent(h.Reference[i]), paint(reference, referenceColor),
			padding, "", percent(h.Current[i]), paint(current, currentColor))
		fmt.Fprintln(&chart, strings.TrimRight(line, " "))
	}
	_, err = io.WriteString(w, chart.String())
	return err
}

// terminal is the width of what w writes to, and whether it shows colours. What is no terminal has the given width.
func terminal(w io.Writer, otherwise int) (width int, color bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return otherwise, false
	}
	if wide, _, err := term.GetSize(int(f.Fd())); err == nil {
		otherwise = wide
	}
	return otherwise, os.Getenv("NO_COLOR") == ""
}

// cellLabels names the cells of h: by its labels, or by the intervals between its edges.
func cellLabels(h detectors.Histogram) ([]string, error) {
	var labels []string
	if h.Edges == nil {
		for _, label := range h.Labels {
			labels = append(labels, shorten(printable(label), maxLabelWidth))
		}
	} else {
		edges := compactAll(h.Edges)
		labels = append(labels, "< "+edges[0])
		for i := range edges[1:] {
			labels = append(labels, edges[i]+" to "+edges[i+1])
		}
		labels = append(labels, ">= "+edges[len(edges)-1])
	}
	if len(labels) == 0 || len(h.Reference) != len(labels) || len(h.Current) != len(labels) {
		return nil, fmt.Errorf("%d cells with %d reference and %d current shares", len(labels), len(h.Reference), len(h.Current))
	}
	return labels, nil
}

// bar is a bar for share where largest fills width columns, exact to an eighth of a column. A share above 0 is
// always seen.
func bar(share, largest float64, width int) string {
	if share <= 0 {
		return ""
	}
	eighths := max(1, int(math.Round(share/largest*float64(8*width))))
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + "%" }

// compactAll writes rising numbers with three significant digits, or with as many more as tell them apart.
func compactAll(numbers []float64) []string {
	texts := make([]string, len(numbers))
	for digits := 3; digits <= 17; digits++ {
		for i, x := range numbers {
			texts[i] = compact(x, digits)
		}
		if len(slices.Compact(slices.Clone(texts))) == len(texts) {
			break
		}
	}
	return texts
}

// compact writes x with at most the given number of significant digits: 12345 is 12.3K.
func compact(x float64, digits int) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	if err != nil {
		rounded = x // beyond the largest float
	}
	size, unit, suffix := math.Abs(rounded), 1.0, ""
	switch {
	case size >= 1e12:
	case size >= 1e9:
		unit, suffix = 1e9, "G"
	case size >= 1e6:
		unit, suffix = 1e6, "M"
	case size >= 1e3:
		unit, suffix = 1e3, "K"
	}
	return strconv.FormatFloat(rounded/unit, 'g', digits, 64) + suffix
}

// printable keeps control characters, which categories may hold, from the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// shorten cuts s to at most width characters.
func shorten(s string, width int) string {
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return s
}
