package main

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/capture"
)

func TestTrafficRecord(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.FixedZone("", 3600))
	got := string(newTraffic(1).record(at, "id-1"))
	want := `{"captureData":{` +
		`"endpointInput":{"observedContentType":"text/csv","mode":"INPUT",` +
		`"data":"31,employed,8.8,32076,mortgage,16400,consolidation,0.192,0.198,3,0,web","encoding":"CSV"},` +
		`"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"0.0348","encoding":"CSV"}},` +
		`"eventMetadata":{"eventId":"id-1","inferenceTime":"2026-03-04T04:06:07.089Z"},"eventVersion":"0"}`
	if got != want {
		t.Errorf("record is\n%s\nwant\n%s", got, want)
	}
}

func TestTrafficCSV(t *testing.T) {
	var out bytes.Buffer
	if err := newTraffic(1).csv(&out, 2); err != nil {
		t.Fatal(err)
	}
	want := `age,employment,employment_years,income,housing,loan_amount,loan_purpose,debt_ratio,credit_used,open_accounts,late_payments,channel,default_probability
31,employed,8.8,32076,mortgage,16400,consolidation,0.192,0.198,3,0,web,0.0348
43,employed,3.3,34624,own,11600,consolidation,0.206,0.160,7,0,web,0.0294
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestTrafficSchema(t *testing.T) {
	schema := newTraffic(1).schema()
	if err := schema.Validate(); err != nil {
		t.Error(err)
	}
	if features, predictions := len(schema.With(capture.Feature)), len(schema.With(capture.Prediction)); features != 12 || predictions != 1 {
		t.Errorf("%d features and %d predictions, want 12 and 1", features, predictions)
	}
}

// The drift must be seen in the columns that drift and in the model's answers, and nowhere else.
func TestTrafficDriftIsSeenByPSI(t *testing.T) {
	const windows, size = 200, 1000
	drifted := map[string]bool{"income": true, "debt_ratio": true}

	source := newTraffic(1)
	names := columnNames(source)
	reference := columns(source, 20_000)
	before := psiOfWindows(source, reference, windows, size)
	source.drift(0.5)
	after := psiOfWindows(source, reference, windows, size)

	for i, name := range names {
		if worst := slices.Max(before[i]); worst > 0.1 {
			t.Errorf("%s: PSI of %.3f without drift, want at most 0.1", name, worst)
		}
		above := 0
		for _, score := range after[i] {
			if score > 0.2 {
				above++
			}
		}
		worst := slices.Max(after[i])
		t.Logf("%-20s without drift at most %.3f; with drift %.3f to %.3f, above 0.2 in %d of %d windows",
			name, slices.Max(before[i]), slices.Min(after[i]), worst, above, windows)
		switch {
		case drifted[name] && above < windows*98/100:
			t.Errorf("%s: PSI above 0.2 in %d of %d windows with drift, want nearly all", name, above, windows)
		case !drifted[name] && name != "default_probability" && worst > 0.1:
			t.Errorf("%s: PSI of %.3f, want at most 0.1 as it does not drift", name, worst)
		}
	}
}

func TestTrafficOtherColumnsStayAsTheyWere(t *testing.T) {
	steady, shifted := newTraffic(7), newTraffic(7)
	shifted.drift(1)
	changed := map[string]bool{}
	names := columnNames(steady)
	for range 100 {
		a, b := steady.row(), shifted.row()
		for i := range a {
			if a[i] != b[i] {
				changed[names[i]] = true
			}
		}
	}
	got, want := slices.Sorted(maps.Keys(changed)), []string{"debt_ratio", "default_probability", "income"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTrafficDeviations(t *testing.T) {
	source := newTraffic(3)
	names, data := columnNames(source), columns(source, 200_000)
	for _, test := range []struct {
		column string
		scale  func(float64) float64
		want   float64
	}{
		{"income", math.Log, incomeDeviation},
		{"debt_ratio", func(x float64) float64 { return x }, debtDeviation},
	} {
		var sum, squares, n float64
		for _, cell := range data[slices.Index(names, test.column)] {
			x, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum, squares, n = sum+test.scale(x), squares+test.scale(x)*test.scale(x), n+1
		}
		if got := math.Sqrt(squares/n - sum/n*sum/n); math.Abs(got-test.want) > 0.01*test.want {
			t.Errorf("%s: standard deviation is %.4f, want %.4f within 1 %%", test.column, got, test.want)
		}
	}
}

func TestTrafficMissingShares(t *testing.T) {
	source := newTraffic(4)
	names, missing := columnNames(source), map[string]int{}
	for i, column := range columns(source, 10_000) {
		for _, cell := range column {
			if cell == "" {
				missing[names[i]]++
			}
		}
	}
	want := map[string]int{"employment_years": 87, "housing": 103}
	if diff := cmp.Diff(want, missing); diff != "" {
		t.Error(diff)
	}
}

func columnNames(source *traffic) []string {
	var names []string
	for _, c := range source.schema().Columns {
		names = append(names, c.Name)
	}
	return names
}

// columns returns the cells of rows rows by column.
func columns(source *traffic, rows int) [][]string {
	data := make([][]string, len(source.schema().Columns))
	for range rows {
		for i, cell := range source.row() {
			data[i] = append(data[i], cell)
		}
	}
	return data
}

// psiOfWindows returns the PSI of each column in each of the windows that source fills next: the textbook's, over
// the reference's deciles or categories, written apart from the product's on purpose.
func psiOfWindows(source *traffic, reference [][]string, windows, size int) [][]float64 {
	scores := make([][]float64, len(reference))
	cells := make([]func(string) string, len(reference))
	expected := make([]map[string]float64, len(reference))
	for i, c := range source.schema().Columns {
		cells[i] = func(s string) string { return s }
		if c.Kind == capture.Numeric {
			cells[i] = decileOf(reference[i])
		}
		expected[i] = shares(reference[i], cells[i])
	}
	for range windows {
		for i, column := range columns(source, size) {
			scores[i] = append(scores[i], psi(expected[i], shares(column, cells[i])))
		}
	}
	return scores
}

// decileOf returns the function that says in which decile of the reference a number is; equal deciles are one.
func decileOf(reference []string) func(string) string {
	var sorted []float64
	for _, s := range reference {
		if x, err := strconv.ParseFloat(s, 64); err == nil {
			sorted = append(sorted, x)
		}
	}
	slices.Sort(sorted)
	var edges []float64
	for i := 1; i < 10; i++ {
		edges = append(edges, sorted[i*len(sorted)/10])
	}
	edges = slices.Compact(edges)
	return func(s string) string {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return s
		}
		k := 0
		for k < len(edges) && edges[k] <= x {
			k++
		}
		return strconv.Itoa(k)
	}
}

// shares returns the share of each cell among the values that are there.
func shares(column []string, cell func(string) string) map[string]float64 {
	counts, present := map[string]float64{}, 0.0
	for _, s := range column {
		if s != "" {
			counts[cell(s)]++
			present++
		}
	}
	for k := range counts {
		counts[k] /= present
	}
	return counts
}

func psi(expected, actual map[string]float64) float64 {
	all := maps.Clone(expected)
	maps.Copy(all, actual)
	score := 0.0
	for k := range all {
		p, q := max(expected[k], 1e-4), max(actual[k], 1e-4)
		score += (q - p) * math.Log(q/p)
	}
	return score
}
