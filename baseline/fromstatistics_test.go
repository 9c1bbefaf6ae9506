package baseline

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/capture"
	"tidemark/profile"
)

// sketched has 11 rows in a sketch of three levels, whose values stand for 1, 2 and 4 rows; one is out of range.
const sketched = `{"version":0.0,"dataset":{"item_count":13},"features":[{"name":"x","inferred_type":"Fractional","numerical_statistics":{
	"common":{"num_present":11,"num_missing":1},"mean":4.5,"sum":49.5,"std_dev":2.1,"min":0.5,"max":9.5,
	"distribution":{"kll":{"buckets":[{"lower_bound":0.5,"upper_bound":9.5,"count":11.0}],
	"sketch":{"parameters":{"c":0.64,"k":2048.0},"data":[[9.0,1.0,5.0],[3.0,-0.0e0],[4.0]]}}}}}]}`

func fromStatistics(t *testing.T, content, constraints string, roles Roles) (*Baseline, error) {
	t.Helper()
	if constraints != "" {
		constraints = write(t, "constraints.json", constraints)
	}
	return FromStatistics(write(t, "statistics.json", content), constraints, roles, built)
}

func mustFromStatistics(t *testing.T, content, constraints string, roles Roles) *Baseline {
	t.Helper()
	b, err := fromStatistics(t, content, constraints, roles)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// numbersOf makes statistics of one numeric column.
func numbersOf(kind DataType, n *NumberStatistics, present int64) *Statistics {
	return &Statistics{Rows: present, Features: []FeatureStatistics{{Name: "x", Type: kind, Present: present, Numbers: n}}}
}

func TestFromStatisticsIsAsBuilt(t *testing.T) {
	path := write(t, "weather.csv", weather)
	roles := Roles{Predictions: []string{"score"}, Ignored: []string{"code"}}
	want := mustBuild(t, roles, path)
	// Up to the sketch's size its first level is the values themselves.
	for name, values := range map[string][]float64{"score": {0.5, 0.25, 0.75, 0.5}, "days": {3, 1, 2, 2}, "temperature": {0.5, -2, 1.5}} {
		for i := range want.Statistics.Features {
			if f := &want.Statistics.Features[i]; f.Name == name {
				f.Numbers.Sketch = &Sketch{C: 0.64, K: 2048, Levels: [][]float64{values}}
			}
		}
	}
	roles.Ignored = nil // it is not in the statistics
	got := mustFromStatistics(t, marshal(t, want.Statistics), "", roles)
	if diff := cmp.Diff(want.Schema.Watched()[:4], got.Schema.Watched()[:4]); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	for i := range want.Profile.Features {
		w, g := &want.Profile.Features[i], &got.Profile.Features[i]
		if diff := cmp.Diff(w.Layout, g.Layout); diff != "" {
			t.Errorf("layout (-built +from statistics):\n%s", diff)
		}
		if w.Captured != g.Captured || w.Missing != g.Missing || w.Negative != g.Negative || w.Fractional != g.Fractional || !slices.Equal(w.Bins, g.Bins) || !slices.Equal(w.Offsets, g.Offsets) {
			t.Errorf("%s: %+v, want %+v", w.Layout.Name, g, w)
		}
	}
	if diff := cmp.Diff([]string{"statistics.json"}, got.Source); diff != "" || !got.Created.Equal(built) {
		t.Errorf("created %v from %v", got.Created, got.Source)
	}
}

// Whatever the values, a sketch that holds them all gives the baseline that a build from them gives, and exact figures.
func TestFromStatisticsIsAsBuiltForAnyValues(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Map(rapid.IntRange(-5, 5), func(i int) float64 { return float64(i) })), 1, 300).Draw(t, "values")
		var content strings.Builder
		content.WriteString("x\n")
		for _, x := range values {
			fmt.Fprintf(&content, "%s\n", appendDecimal(nil, x))
		}
		path := dir + "/x.csv"
		replace(t, path, content.String())
		want, err := Build([]string{path}, Roles{}, built)
		if err != nil {
			t.Fatal(err)
		}
		want.Statistics.Features[0].Numbers.Sketch = &Sketch{C: 0.64, K: 2048, Levels: [][]float64{values}}
		got := &Baseline{Statistics: want.Statistics, Constraints: want.Constraints}
		if err := got.fill(Roles{}); err != nil {
			t.Fatal(err)
		}
		w, g, n := &want.Profile.Features[0], &got.Profile.Features[0], want.Statistics.Features[0].Numbers
		if !slices.Equal(w.Layout.Edges, g.Layout.Edges) || !slices.Equal(w.Layout.Ranks, g.Layout.Ranks) || !slices.Equal(w.Bins, g.Bins) {
			t.Fatalf("edges %v, ranks %v, bins %v,\nwant %v, %v, %v", g.Layout.Edges, g.Layout.Ranks, g.Bins, w.Layout.Edges, w.Layout.Ranks, w.Bins)
		}
		mean, _ := g.Moments.Mean()
		deviation, _ := g.Moments.StdDev()
		if mean != n.Mean || deviation != n.StdDev || g.Moments.Min != n.Min || g.Moments.Max != n.Max {
			t.Fatalf("mean %v, deviation %v, %v to %v; want %+v", mean, deviation, g.Moments.Min, g.Moments.Max, n)
		}
	})
}

func TestSketchLevels(t *testing.T) {
	b := mustFromStatistics(t, strings.Replace(sketched, "-0.0e0", "6.0", 1), "", Roles{})
	x := b.Profile.Feature("x")
	if b.Profile.Rows != 13 || x.Captured != 12 || x.Missing != 1 || x.Present() != 11 {
		t.Errorf("%d rows, %d captured, %d missing, %d present", b.Profile.Rows, x.Captured, x.Missing, x.Present())
	}
	// The level's weights: 1 for 1, 5 and 9, 2 for 3 and 6, 4 for 4; the smallest and the largest are not in the sketch and
	// take the places of 1 and 9.
	want := map[float64]int64{0.5: 1, 3: 2, 4: 4, 5: 1, 6: 2, 9.5: 1}
	got := map[float64]int64{}
	for value := range want {
		probe := profile.New(&b.Layout)
		probe.Features[0].AddNumber(value, 1)
		got[value] = x.Bins[slices.Index(probe.Features[0].Bins, 1)]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if mean, _ := x.Moments.Mean(); mean != 4.5 {
		t.Errorf("mean %v", mean)
	}
	if deviation, _ := x.Moments.StdDev(); deviation != 2.1 {
		t.Errorf("deviation %v", deviation)
	}
	if _, err := fromStatistics(t, sketched, "", Roles{}); err == nil || !strings.Contains(err.Error(), `feature "x": sketch: level 1 holds`) {
		t.Errorf("0 is not from 0.5 to 9.5: error %v", err)
	}
}

// Weights that do not add up to num_present are scaled; levels may be longer than a sketch's parameters allow.
func TestSketchOfManyRows(t *testing.T) {
	const present = 1_000_003
	levels := make([][]float64, 9)
	for i := range 3000 { // 768,000 rows
		levels[8] = append(levels[8], math.Mod(float64(i)*0.6180339887, 1))
	}
	s := numbersOf(Fractional, &NumberStatistics{Mean: 0.5, StdDev: 0.25, Min: 0, Max: 1, Sketch: &Sketch{Levels: levels}}, present)
	x := mustFromStatistics(t, marshal(t, s), "", Roles{}).Profile.Feature("x")
	if x.Present() != present || sumOf(x.Bins) != present {
		t.Fatalf("%d present, %d in bins, want %d", x.Present(), sumOf(x.Bins), present)
	}
	for _, k := range x.Layout.Cells(10) { // cut k has k tenths of a uniform distribution below it
		below := float64(sumOf(x.Bins[:k])) / present
		if want := math.Round(below * 10); math.Abs(below*10-want) > 0.02 {
			t.Errorf("%v of the rows are below a decile", below)
		}
	}
}

func sumOf(counts []int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

func TestBucketsWithoutSketch(t *testing.T) {
	n := &NumberStatistics{Mean: 5, StdDev: 2, Min: 0, Max: 10, Buckets: newBuckets(0, 10)}
	for i := range n.Buckets {
		n.Buckets[i].Count = 240
	}
	x := mustFromStatistics(t, marshal(t, numbersOf(Fractional, n, 2400)), "", Roles{}).Profile.Feature("x")
	if sumOf(x.Bins) != 2400 || x.Layout.Edges[0] != 0 || x.Layout.Edges[len(x.Layout.Edges)-1] != math.Nextafter(10, 11) {
		t.Errorf("%d rows from %v to %v", sumOf(x.Bins), x.Layout.Edges[0], x.Layout.Edges[len(x.Layout.Edges)-1])
	}
	for k, cut := range x.Layout.Cells(10) { // the k-th decile of an even spread is k
		if edge := x.Layout.Edges[cut-1]; math.Abs(edge-float64(k+1)) > 0.01 {
			t.Errorf("decile %d is %v", k+1, edge)
		}
	}
	// Of integers, the rows of a bucket are at its integers, so that 0 and 1 are told apart as the values they are.
	n = &NumberStatistics{Mean: 0.25, StdDev: 0.4, Min: 0, Max: 1, Buckets: newBuckets(0, 1)}
	n.Buckets[0].Count, n.Buckets[9].Count = 75, 25
	x = mustFromStatistics(t, marshal(t, numbersOf(Integral, n, 100)), "", Roles{}).Profile.Feature("x")
	after := func(v float64) float64 { return math.Nextafter(v, 2) }
	if diff := cmp.Diff([]float64{0, after(0), 1, after(1)}, x.Layout.Edges); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{0, 75, 0, 25, 0}, x.Bins); diff != "" {
		t.Errorf("bins (-want +got):\n%s", diff)
	}
}

func TestWithoutDistribution(t *testing.T) {
	b := mustFromStatistics(t, marshal(t, numbersOf(Fractional, &NumberStatistics{Mean: 3, StdDev: 1, Min: 1, Max: 8}, 50)), "", Roles{})
	x := b.Profile.Feature("x")
	if diff := cmp.Diff([]float64{1, math.Nextafter(8, 9)}, x.Layout.Edges); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{0, 50, 0}, x.Bins); diff != "" {
		t.Errorf("bins (-want +got):\n%s", diff)
	}
	town := mustFromStatistics(t, `{"dataset":{"item_count":9},"features":[{"name":"zip","inferred_type":"String","string_statistics":{
		"common":{"num_present":8,"num_missing":1},"distinct_count":5000.0}}]}`, "", Roles{}).Profile.Feature("zip")
	if !town.Layout.Open || len(town.Layout.Categories) != 0 || !slices.Equal(town.Bins, []int64{8}) || town.Missing != 1 {
		t.Errorf("unlisted values: %+v of %+v", town, town.Layout)
	}
}

func TestNamesAndDomains(t *testing.T) {
	const towns = `{"dataset":{"item_count":10},"features":[{"name":"town","inferred_type":"String","string_statistics":{"common":{"num_present":10,"num_missing":0},
		"distinct_count":3.0,"distribution":{"categorical":{"buckets":[{"value":"Bonn","count":6},{"value":"True","count":2},{"value":"Ulm","count":1}]}}}}]}`
	town := mustFromStatistics(t, towns, `{"features":[{"name":"town","string_constraints":{"domains":["Bonn","Kiel"]}},{"name":"other"}]}`, Roles{}).Profile.Feature("town")
	want := profile.FeatureLayout{Name: "town", Kind: capture.Categorical, Categories: []string{"Bonn", "true"}, Rare: []string{"Kiel", "Ulm"}, Open: true, Half: []int{1}}
	if diff := cmp.Diff(want, *town.Layout); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{6, 2, 2}, town.Bins); diff != "" { // one row has a value that the file does not list
		t.Errorf("bins (-want +got):\n%s", diff)
	}
}

func TestRolesOfStatistics(t *testing.T) {
	days := &Sketch{C: 0.64, K: 2048, Levels: [][]float64{{2, 2, 1, 3}}}
	s, err := ParseStatistics([]byte(weatherStatistics))
	if err != nil {
		t.Fatal(err)
	}
	s.Features[1].Numbers.Sketch = days
	b := mustFromStatistics(t, marshal(t, s), "", Roles{Predictions: []string{"score"}, Categorical: []string{"days"}, Ignored: []string{"mixed"}, Labels: []string{"code"}})
	want := []capture.Column{
		{Name: "score", Role: capture.Prediction, Kind: capture.Numeric},
		{Name: "days", Role: capture.Feature, Kind: capture.Categorical},
		{Name: "temperature", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "town", Role: capture.Feature, Kind: capture.Categorical},
		{Name: "code", Role: capture.Label},
		{Name: "empty", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "mixed", Role: capture.Ignored},
	}
	if diff := cmp.Diff(want, b.Schema.Columns); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	f := b.Profile.Feature("days")
	if !slices.Equal(f.Layout.Categories, []string{"2"}) || !slices.Equal(f.Layout.Rare, []string{"1", "3"}) || !slices.Equal(f.Bins, []int64{2, 2}) || f.Layout.Open {
		t.Errorf("days: %+v in %+v", f, f.Layout)
	}
	for want, roles := range map[string]Roles{
		`no column "sore", which is named as prediction: did you mean "score"?`: {Predictions: []string{"sore"}},
		`feature "temperature": its values are numbers of which the file`:       {Categorical: []string{"temperature"}},
	} {
		if _, err := fromStatistics(t, weatherStatistics, "", roles); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestFromStatisticsRefuses(t *testing.T) {
	figures := func(change func(n *NumberStatistics)) *Statistics {
		n := &NumberStatistics{Mean: 1, StdDev: 1, Max: 2, Buckets: newBuckets(0, 2)}
		n.Buckets[0].Count = 10
		change(n)
		return numbersOf(Fractional, n, 10)
	}
	for want, s := range map[string]*Statistics{
		"dataset.item_count is 0":                {Features: []FeatureStatistics{{Name: "x", Type: Unknown}}},
		"mean is NaN: it must be finite":         figures(func(n *NumberStatistics) { n.Mean = math.NaN() }),
		"std_dev is +Inf":                        figures(func(n *NumberStatistics) { n.StdDev = math.Inf(1) }),
		"min is 3, max 2":                        figures(func(n *NumberStatistics) { n.Min = 3 }),
		"bucket 2: count is -1":                  figures(func(n *NumberStatistics) { n.Buckets[1].Count = -1 }),
		"bucket 1: count is NaN":                 figures(func(n *NumberStatistics) { n.Buckets[0].Count = math.NaN() }),
		"bucket 3 goes from 0.1 to 0.6":          figures(func(n *NumberStatistics) { n.Buckets[2] = Bucket{0.1, 0.6, 1} }),
		"sketch: level 0 holds 7":                figures(func(n *NumberStatistics) { n.Sketch = &Sketch{Levels: [][]float64{{7}}} }),
		"sketch: level 0 holds NaN":              figures(func(n *NumberStatistics) { n.Sketch = &Sketch{Levels: [][]float64{{math.NaN()}}} }),
		"sketch: level 62 is not empty: a value": figures(func(n *NumberStatistics) { n.Sketch = &Sketch{Levels: append(make([][]float64, 62), []float64{1})} }),
	} {
		if _, err := fromStatistics(t, marshal(t, s), "", Roles{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func replace(t *rapid.T, path, content string) {
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Whatever figures a file has, they are refused or make a baseline whose counts are whole and whose file loads.
func TestHostileFigures(t *testing.T) {
	figure := rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, -1, 0.1, 7, 1e-320, 1e15, 1e300, -1e300, math.MaxFloat64, -math.MaxFloat64, math.Inf(1), math.NaN()})
	made := 0
	rapid.Check(t, func(t *rapid.T) {
		low, high := figure.Draw(t, "min"), figure.Draw(t, "max")
		if high < low && rapid.Bool().Draw(t, "ordered") {
			low, high = high, low
		}
		n := &NumberStatistics{Mean: figure.Draw(t, "mean"), StdDev: math.Abs(figure.Draw(t, "std_dev")), Min: low, Max: high}
		if rapid.Bool().Draw(t, "buckets") {
			n.Buckets = newBuckets(low, high)
			for i := range n.Buckets {
				n.Buckets[i].Count = math.Abs(rapid.SampledFrom([]float64{0, 1, 3.5, 1e6, 1e12, math.NaN()}).Draw(t, "count"))
			}
		}
		if rapid.Bool().Draw(t, "sketch") {
			n.Sketch = &Sketch{Levels: rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom([]float64{low, high, low/2 + high/2, 0}), 0, 3), 0, 50).Draw(t, "levels")}
		}
		present := rapid.SampledFrom([]int64{1, 2, 3, 1000, maxExpanded + 1, maxCount}).Draw(t, "present")
		kind := rapid.SampledFrom([]DataType{Integral, Fractional}).Draw(t, "type")
		s := numbersOf(kind, n, present)
		b := &Baseline{Statistics: s, Constraints: s.Suggest()}
		if err := b.fill(Roles{}); err != nil {
			return
		}
		made++
		x := &b.Profile.Features[0]
		if sumOf(x.Bins) != present || x.Moments.Count != present {
			t.Fatalf("%d in bins, %d in moments, want %d", sumOf(x.Bins), x.Moments.Count, present)
		}
		d := document{ID: b.ID, Created: built, Schema: b.Schema, Layout: b.Layout, Rows: b.Profile.Rows, Features: countsOf(b.Profile)}
		if _, err := d.baseline(); err != nil {
			t.Fatal(err)
		}
	})
	if made == 0 {
		t.Error("none was accepted")
	}
}

// A file's size bounds what is made of it.
func TestManyBuckets(t *testing.T) {
	n := &NumberStatistics{Mean: 0.5, Max: 1, Buckets: make([]Bucket, 100_000)}
	for i := range n.Buckets {
		n.Buckets[i] = Bucket{float64(i) / 1e5, float64(i+1) / 1e5, 1e6}
	}
	points, err := n.spread(false)
	if err != nil || len(points) != len(n.Buckets) {
		t.Errorf("%d points (error %v), want one a bucket", len(points), err)
	}
}
