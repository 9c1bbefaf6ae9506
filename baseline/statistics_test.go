package baseline

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// weather has a column of every type; the model's answer comes first, as in SageMaker's files.
const weather = `score,days,temperature,town,code,empty,mixed
0.25,3,1.5,Bonn,true,,1
0.75,1,-2,Köln,false,,x
0.5,2,,Bonn,true,,2.5
0.5,2,0.5,"Bonn, Beuel",,,
`

// weatherStatistics is what Model Monitor's definitions give for it, worked out by hand.
const weatherStatistics = `{"version":0.0,"dataset":{"item_count":4},"features":[
{"name":"score","inferred_type":"Fractional","numerical_statistics":{"common":{"num_present":4,"num_missing":0},
 "mean":0.5,"sum":2.0,"std_dev":0.1767766952966369,"min":0.25,"max":0.75,"distribution":{"kll":{"buckets":[
 {"lower_bound":0.25,"upper_bound":0.3,"count":1.0},{"lower_bound":0.3,"upper_bound":0.35,"count":0.0},
 {"lower_bound":0.35,"upper_bound":0.4,"count":0.0},{"lower_bound":0.4,"upper_bound":0.45,"count":0.0},
 {"lower_bound":0.45,"upper_bound":0.5,"count":0.0},{"lower_bound":0.5,"upper_bound":0.55,"count":2.0},
 {"lower_bound":0.55,"upper_bound":0.6,"count":0.0},{"lower_bound":0.6,"upper_bound":0.65,"count":0.0},
 {"lower_bound":0.65,"upper_bound":0.7,"count":0.0},{"lower_bound":0.7,"upper_bound":0.75,"count":1.0}]}}}},
{"name":"days","inferred_type":"Integral","numerical_statistics":{"common":{"num_present":4,"num_missing":0},
 "mean":2.0,"sum":8.0,"std_dev":0.7071067811865476,"min":1.0,"max":3.0,"distribution":{"kll":{"buckets":[
 {"lower_bound":1.0,"upper_bound":1.2,"count":1.0},{"lower_bound":1.2,"upper_bound":1.4,"count":0.0},
 {"lower_bound":1.4,"upper_bound":1.6,"count":0.0},{"lower_bound":1.6,"upper_bound":1.8,"count":0.0},
 {"lower_bound":1.8,"upper_bound":2.0,"count":0.0},{"lower_bound":2.0,"upper_bound":2.2,"count":2.0},
 {"lower_bound":2.2,"upper_bound":2.4,"count":0.0},{"lower_bound":2.4,"upper_bound":2.6,"count":0.0},
 {"lower_bound":2.6,"upper_bound":2.8,"count":0.0},{"lower_bound":2.8,"upper_bound":3.0,"count":1.0}]}}}},
{"name":"temperature","inferred_type":"Fractional","numerical_statistics":{"common":{"num_present":3,"num_missing":1},
 "mean":0.0,"sum":0.0,"std_dev":1.4719601443879744,"min":-2.0,"max":1.5,"distribution":{"kll":{"buckets":[
 {"lower_bound":-2.0,"upper_bound":-1.65,"count":1.0},{"lower_bound":-1.65,"upper_bound":-1.3,"count":0.0},
 {"lower_bound":-1.3,"upper_bound":-0.95,"count":0.0},{"lower_bound":-0.95,"upper_bound":-0.6000000000000001,"count":0.0},
 {"lower_bound":-0.6000000000000001,"upper_bound":-0.25,"count":0.0},{"lower_bound":-0.25,"upper_bound":0.10000000000000009,"count":0.0},
 {"lower_bound":0.10000000000000009,"upper_bound":0.4500000000000002,"count":0.0},{"lower_bound":0.4500000000000002,"upper_bound":0.7999999999999998,"count":1.0},
 {"lower_bound":0.7999999999999998,"upper_bound":1.15,"count":0.0},{"lower_bound":1.15,"upper_bound":1.5,"count":1.0}]}}}},
{"name":"town","inferred_type":"String","string_statistics":{"common":{"num_present":4,"num_missing":0},"distinct_count":3.0,"completeness":1.0,
 "distribution":{"categorical":{"buckets":[{"value":"Bonn","count":2},{"value":"Bonn, Beuel","count":1},{"value":"Köln","count":1}]}}}},
{"name":"code","inferred_type":"String","string_statistics":{"common":{"num_present":3,"num_missing":1},"distinct_count":2.0,"completeness":0.75,
 "distribution":{"categorical":{"buckets":[{"value":"true","count":2},{"value":"false","count":1}]}}}},
{"name":"empty","inferred_type":"Unknown","string_statistics":{"common":{"num_present":0,"num_missing":4},"distinct_count":0.0,"completeness":0.0}},
{"name":"mixed","inferred_type":"String","string_statistics":{"common":{"num_present":3,"num_missing":1},"distinct_count":3.0,"completeness":0.75,
 "distribution":{"categorical":{"buckets":[{"value":"1","count":1},{"value":"2.5","count":1},{"value":"x","count":1}]}}}}]}`

func compact(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line))
	}
	return b.String()
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBuildCountsStatistics compares text, so that floats are written as floats, in Model Monitor's order.
func TestBuildCountsStatistics(t *testing.T) {
	b := mustBuild(t, Roles{Predictions: []string{"score"}}, write(t, "weather.csv", weather))
	want := strings.Split(compact(t, weatherStatistics), `{"name"`)
	got := strings.Split(marshal(t, b.Statistics), `{"name"`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	back, err := ParseStatistics([]byte(weatherStatistics))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.Split(marshal(t, back), `{"name"`)); diff != "" {
		t.Errorf("read and written (-want +got):\n%s", diff)
	}
}

func TestSaveWritesSageMakersFiles(t *testing.T) {
	b := mustBuild(t, Roles{Predictions: []string{"score"}}, write(t, "weather.csv", weather))
	dir := t.TempDir()
	if err := b.Save(dir); err != nil {
		t.Fatal(err)
	}
	s, err := ReadStatistics(filepath.Join(dir, "statistics.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := marshal(t, s); got != compact(t, weatherStatistics) {
		t.Errorf("statistics.json: %s", got)
	}
	c, err := ReadConstraints(filepath.Join(dir, "constraints.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := marshal(t, c), marshal(t, b.Constraints); got != want {
		t.Errorf("constraints.json: %s, want %s", got, want)
	}
}

func TestNoHeader(t *testing.T) {
	bare := mustBuild(t, Roles{NoHeader: true}, write(t, "bare.csv", "1,a\n2,b\n1,a\n"), write(t, "headed.csv", "_c0,_c1\n2,b\n"))
	named := mustBuild(t, Roles{}, write(t, "named.csv", "_c0,_c1\n1,a\n2,b\n1,a\n2,b\n"))
	if bare.ID != named.ID || bare.Profile.Rows != 4 {
		t.Errorf("baseline %s of %d rows, want %s of 4", bare.ID, bare.Profile.Rows, named.ID)
	}
	if got, want := marshal(t, bare.Statistics), marshal(t, named.Statistics); got != want {
		t.Errorf("statistics %s, want %s", got, want)
	}
	data, err := named.Open([]string{write(t, "current.csv", "3,a\n1,z\n")})
	if err != nil {
		t.Fatal(err)
	}
	p, err := data.Profile()
	if err != nil {
		t.Fatal(err)
	}
	if p.Rows != 2 || p.Feature("_c1").NewRows() != 1 {
		t.Errorf("%d rows, %d of new categories, want 2 and 1", p.Rows, p.Feature("_c1").NewRows())
	}
	s, err := data.Statistics()
	if err != nil {
		t.Fatal(err)
	}
	if s.Rows != 2 || s.Features[0].Numbers.Max != 3 || s.Features[1].Names.Distinct != 2 {
		t.Errorf("statistics %s", marshal(t, s))
	}
}

// Statistics of current data are of the columns that constraints are about, by the places in this file.
func TestStatisticsOfCurrentData(t *testing.T) {
	b := mustBuild(t, smallRoles, write(t, "small.csv", small))
	data, err := b.Open([]string{write(t, "current.csv", "plan,extra,age,note,id,score\nx,1.5,1,n,a,2\n,2,oops,n,b,3\n")})
	if err != nil {
		t.Fatal(err)
	}
	s, err := data.Statistics()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range s.Features {
		got = append(got, fmt.Sprintf("%s %s %d present %d missing %v", f.Name, f.Type, f.Present, f.Missing, f.Types))
	}
	want := []string{
		"plan String 1 present 1 missing {0 0 1}",
		"extra Fractional 2 present 0 missing {1 1 0}",
		"age String 2 present 0 missing {1 0 1}",
		"score Integral 2 present 0 missing {2 0 0}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManyNames(t *testing.T) {
	var content strings.Builder
	content.WriteString("few,many,most\n")
	const rows = 60_000
	for i := range rows {
		fmt.Fprintf(&content, "n%d,n%d,n%d\n", i%maxListed, i%(maxListed+1), i)
	}
	b := mustBuild(t, Roles{}, write(t, "names.csv", content.String()))
	few, many, most := b.Statistics.Features[0].Names, b.Statistics.Features[1].Names, b.Statistics.Features[2].Names
	if !few.listed() || few.Distinct != maxListed || len(b.Constraints.Features[0].Domains) != maxListed {
		t.Errorf("%d values: listed %v, %v different, %d in the domain", maxListed, few.listed(), few.Distinct, len(b.Constraints.Features[0].Domains))
	}
	if many.listed() || many.Distinct != maxListed+1 || b.Constraints.Features[1].Domains != nil {
		t.Errorf("%d values: listed %v, %v different, domain %v", maxListed+1, many.listed(), many.Distinct, b.Constraints.Features[1].Domains)
	}
	if most.listed() || most.Unlisted != rows-maxNamed || math.Abs(most.Distinct-rows) > 0.06*rows { // three standard errors
		t.Errorf("%d values: listed %v, %v different, %d unlisted", rows, most.listed(), most.Distinct, most.Unlisted)
	}
	if text := marshal(t, b.Statistics); strings.Count(text, `"categorical"`) != 1 {
		t.Errorf("%d lists of values, want 1", strings.Count(text, `"categorical"`))
	}
}

func TestNumbersThatAreNotFinite(t *testing.T) {
	b := mustBuild(t, Roles{}, write(t, "huge.csv", "x,y\n1e999,1\n1.5,NaN\n2.5,2\n"))
	x, y := b.Statistics.Features[0], b.Statistics.Features[1]
	if x.Type != Fractional || x.Present != 2 || x.Missing != 1 || x.Numbers.Max != 2.5 || x.Numbers.Mean != 2 {
		t.Errorf("x: %+v %+v", x, x.Numbers)
	}
	if y.Type != String || y.Present != 3 || len(y.Names.Values) != 3 {
		t.Errorf("y: %+v", y)
	}
}

func TestParseStatisticsTolerates(t *testing.T) {
	s, err := ParseStatistics([]byte("\xef\xbb\xbf" + `{"dataset":{"item_count":10.0,"new":[]},"more":{},"features":[
		{"name":"a","numerical_statistics":{"common":{"num_present":4.0,"num_missing":6},"mean":1,"std_dev":"0.5","min":0,"max":2,"distribution":{}}},
		{"name":"b","inferred_type":"String","string_statistics":{"common":{"num_present":10,"num_missing":0}}},
		{"name":"c","inferred_type":"Unknown"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Statistics{Rows: 10, Features: []FeatureStatistics{
		{Name: "a", Type: Fractional, Present: 4, Missing: 6, Types: TypeCounts{Fractional: 4}, Numbers: &NumberStatistics{Mean: 1, Sum: 4, StdDev: 0.5, Max: 2}},
		{Name: "b", Type: String, Present: 10, Types: TypeCounts{String: 10}, Names: &NameStatistics{Unlisted: 10}},
		{Name: "c", Type: Unknown},
	}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseStatisticsRefuses(t *testing.T) {
	for content, want := range map[string]string{
		``:                          "not a statistics.json",
		`[]`:                        "not a statistics.json",
		`{"regression_metrics":{}}`: "features: there are none",
		`{"features":[{}]}`:         `feature 1, "": it has no name`,
		`{"features":[{"name":"a"},{"name":"a"}]}`:                                                                                   `feature 2: the name "a" appears twice`,
		`{"dataset":{"item_count":-1},"features":[{"name":"a"}]}`:                                                                    "dataset.item_count is -1",
		`{"dataset":{"item_count":1e300},"features":[{"name":"a"}]}`:                                                                 "dataset.item_count is 1e+300",
		`{"dataset":{"item_count":1.5},"features":[{"name":"a"}]}`:                                                                   "dataset.item_count is 1.5",
		`{"dataset":{"item_count":"NaN"},"features":[{"name":"a"}]}`:                                                                 "dataset.item_count is NaN",
		`{"features":[{"name":"a","inferred_type":"Date"}]}`:                                                                         `inferred_type is "Date"`,
		`{"features":[{"name":"a","inferred_type":"Integral"}]}`:                                                                     "no statistics of that kind",
		`{"features":[{"name":"a","numerical_statistics":{}}]}`:                                                                      "num_present or num_missing is not there",
		`{"dataset":{"item_count":1},"features":[{"name":"a","numerical_statistics":{"common":{"num_present":1,"num_missing":0}}}]}`: "mean is not there",
		`{"dataset":{"item_count":1},"features":[{"name":"a","string_statistics":{"common":{"num_present":1,"num_missing":1}}}]}`:    "are 2 together, but dataset.item_count is 1",
		`{"dataset":{"item_count":1},"features":[{"name":"a","string_statistics":{"common":{"num_present":1,"num_missing":0},"distribution":{"categorical":{"buckets":[{"value":"x","count":1},{"value":"y","count":1}]}}}}]}`: `value "y": with its count, 1, the values are more than num_present, 1`,
		`{"dataset":{"item_count":[]},"features":[{"name":"a"}]}`: "[] is not a number",
	} {
		if _, err := ParseStatistics([]byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", content, err, want)
		}
	}
}

func TestDecimal(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0.0", 24: "24.0", -2: "-2.0", 0.1: "0.1", 1e20: "100000000000000000000.0", 1e21: "1e+21", 1e-7: "1e-07",
		math.Inf(1): `"Infinity"`, math.Inf(-1): `"-Infinity"`,
	} {
		text := marshal(t, decimal(x))
		var back decimal
		if err := json.Unmarshal([]byte(text), &back); err != nil || text != want || float64(back) != x {
			t.Errorf("%v is %s and comes back as %v (error %v), want %s", x, text, back, err, want)
		}
	}
	if text := marshal(t, decimal(math.NaN())); text != `"NaN"` {
		t.Errorf("NaN is %s", text)
	}
}

// FuzzStatistics checks that whatever the file holds, it is refused or makes a baseline that loads, with the counts of the file.
func FuzzStatistics(f *testing.F) {
	f.Add([]byte(weatherStatistics))
	f.Add([]byte(sketched))
	f.Add([]byte(`{"dataset":{"item_count":3},"features":[{"name":"x","numerical_statistics":{"common":{"num_present":3,"num_missing":0},"mean":1e308,"std_dev":1e308,"min":-1e308,"max":1.7e308}}]}`))
	f.Add([]byte(`{"dataset":{"item_count":1000000000000},"features":[{"name":"x","inferred_type":"Integral","numerical_statistics":{"common":{"num_present":1000000000000,"num_missing":0},"mean":0,"std_dev":1,"min":-5,"max":5e9,
		"distribution":{"kll":{"buckets":[{"lower_bound":-5,"upper_bound":5e9,"count":2}],"sketch":{"data":[[],[],[1,2,3],null,[-5]]}}}}}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := ParseStatistics(content)
		if err != nil {
			return
		}
		b := &Baseline{Created: built, Statistics: s, Constraints: s.Suggest()}
		if err := b.fill(Roles{}); err != nil {
			return
		}
		if _, err := ParseStatistics([]byte(marshal(t, s))); err != nil {
			t.Fatalf("written and read: %v", err)
		}
		var d document
		text := marshal(t, document{Version: fileVersion, ID: b.ID, Created: b.Created, Schema: b.Schema, Layout: b.Layout, Rows: b.Profile.Rows, Features: countsOf(b.Profile)})
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		if _, err := d.baseline(); err != nil {
			t.Fatal(err)
		}
		for i := range s.Features {
			if got, want := b.Profile.Feature(s.Features[i].Name).Present(), s.Features[i].Present; got != want {
				t.Fatalf("%d values present, want %d", got, want)
			}
		}
	})
}
