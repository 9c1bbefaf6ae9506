package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/detectors"
)

func TestHistogramChart(t *testing.T) {
	tests := []struct {
		name      string
		histogram detectors.Histogram
		width     int
		color     bool
		want      string
	}{
		{
			name: "numbers",
			histogram: detectors.Histogram{
				Edges:     []float64{18_449.5, 25_000, 34_720, 52_181, 1_234_567},
				Reference: []float64{0.1, 0.2, 0.3, 0.25, 0.15, 0},
				Current:   []float64{0.4, 0.25, 0.2, 0.1, 0.0499, 0.0001},
			},
			width: 80,
			want: `
income
                reference                        current
       < 18.4K   10.0% ██████                     40.0% ████████████████████████
  18.4K to 25K   20.0% ████████████               25.0% ███████████████
  25K to 34.7K   30.0% ██████████████████         20.0% ████████████
34.7K to 52.2K   25.0% ███████████████            10.0% ██████
52.2K to 1.23M   15.0% █████████                   5.0% ███
      >= 1.23M    0.0%                             0.0% ▏
`,
		},
		{
			name: "categories in colour",
			histogram: detectors.Histogram{
				Labels:    []string{"web", "app", "new"},
				Reference: []float64{0.5, 0.5, 0},
				Current:   []float64{0.25, 0, 0.75},
			},
			width: 60,
			color: true,
			want: "\nincome\n" +
				"     \x1b[34mreference\x1b[0m                   \x1b[33mcurrent\x1b[0m\n" +
				"web   50.0% \x1b[34m████████████▋\x1b[0m         25.0% \x1b[33m██████▍\x1b[0m\n" +
				"app   50.0% \x1b[34m████████████▋\x1b[0m          0.0%\n" +
				"new    0.0%                       75.0% \x1b[33m███████████████████\x1b[0m\n",
		},
		{
			name: "a terminal too narrow",
			histogram: detectors.Histogram{
				Labels:    []string{"a category whose name is much too long for a chart", "escape \x1b[2J", "größe"},
				Reference: []float64{1, 0, 0},
				Current:   []float64{0.5, 0.25, 0.25},
			},
			width: 10,
			want: `
income
                          reference    current
a category whose name i…  100.0% ████   50.0% ██
             escape ?[2J    0.0%        25.0% █
                   größe    0.0%        25.0% █
`,
		},
		{
			name:      "no current values",
			histogram: detectors.Histogram{Edges: []float64{0}, Reference: []float64{0, 0}, Current: []float64{0, 0}},
			width:     60,
			want: `
income
      reference                   current
 < 0    0.0%                        0.0%
>= 0    0.0%                        0.0%
`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			if err := histogramChart(&out, "income", test.histogram, test.width, test.color); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, "\n"+out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHistogramChartErrors(t *testing.T) {
	var out strings.Builder
	err := histogramChart(&out, "income", detectors.Histogram{Edges: []float64{1, 2}, Reference: []float64{1}, Current: []float64{0, 1, 0}}, 80, false)
	if want := "draw the histogram of income: 3 cells with 1 reference and 3 current shares"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if out.Len() > 0 {
		t.Errorf("wrote %q before the error", out.String())
	}
	err = histogramChart(&out, "income", detectors.Histogram{}, 80, false)
	if want := "draw the histogram of income: 0 cells with 0 reference and 0 current shares"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	full := errors.New("full")
	err = histogramChart(brokenWriter{full}, "income", detectors.Histogram{Labels: []string{"a"}, Reference: []float64{1}, Current: []float64{1}}, 80, false)
	if !errors.Is(err, full) {
		t.Errorf("error is %v, want that of the writer", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestCompact(t *testing.T) {
	for _, test := range []struct {
		numbers []float64
		want    []string
	}{
		{[]float64{-12_345, -1, 0, 0.000012, 0.0123, 1, 999.6, 45_000, 2.5e9, 3e15}, []string{"-12.3K", "-1", "0", "1.2e-05", "0.0123", "1", "1K", "45K", "2.5G", "3e+15"}},
		{[]float64{1001, 1002, 1003}, []string{"1.001K", "1.002K", "1.003K"}},
		{[]float64{0.1, 0.10000000000000002}, []string{"0.10000000000000001", "0.10000000000000002"}},
		{[]float64{0.5}, []string{"0.5"}},
	} {
		if diff := cmp.Diff(test.want, compactAll(test.numbers)); diff != "" {
			t.Errorf("%v: %s", test.numbers, diff)
		}
	}
}
