package diff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/detectors"
	"tidemark/profile"
)

func build(t rapid.TB, content string, roles baseline.Roles) *baseline.Baseline {
	t.Helper()
	dir, err := os.MkdirTemp("", "diff")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "data.csv")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := baseline.Build([]string{path}, roles, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	return b
}

// column is a file of one column.
func column(values ...string) string { return "x\n" + strings.Join(values, "\n") + "\n" }

func repeat(n int, value string) []string { return slices.Repeat([]string{value}, n) }

var psi = map[string]float64{"psi": 0.2}

func only(t *testing.T, r Result) Column {
	t.Helper()
	if len(r.Columns) != 1 || r.Differs != r.Columns[0].Differs {
		t.Fatalf("result %+v", r)
	}
	return r.Columns[0]
}

func TestEqualBaselines(t *testing.T) {
	content := "x,name\n1.5,a\n2.5,b\n,a\n7,a\n"
	r := Compare(build(t, content, baseline.Roles{}), build(t, content, baseline.Roles{}), map[string]float64{"psi": 1e-9, "missing_share": 1e-9})
	if r.Differs || !r.SameLayout || r.Reference != r.Current || r.Reference.Rows != 4 {
		t.Errorf("result %+v", r)
	}
	for _, c := range r.Columns {
		if c.Change != "" || c.Compared != ByBins || c.Undecided != nil || c.New != nil || c.Vanished != nil || *c.Scores["psi"].Score != 0 {
			t.Errorf("column %+v", c)
		}
	}
}

func TestSchemaChanges(t *testing.T) {
	reference := build(t, "same,role,kind,gone,note\n1,1,1,1,a\n", baseline.Roles{Ignored: []string{"note"}})
	current := build(t, "same,role,kind,note,more\n1,1,x,b,1\n", baseline.Roles{Ignored: []string{"note"}, Predictions: []string{"role"}})
	var got []string
	for _, c := range Compare(reference, current, psi).Columns {
		got = append(got, fmt.Sprintf("%s %q %q %v", c.Name, c.Change, c.Compared, c.Differs))
	}
	want := []string{
		`same "" "bins" false`, `role "role" "bins" true`, `kind "kind" "" true`, `gone "vanished" "" true`, `note "" "" false`, `more "new" "" true`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

// Whole numbers up to a hundred different ones have a bin each, so both sides have the same edges.
func TestSameBins(t *testing.T) {
	reference := build(t, column(append(repeat(50, "1"), repeat(50, "2")...)...), baseline.Roles{})
	current := build(t, column(append(repeat(25, "1"), repeat(75, "2")...)...), baseline.Roles{})
	c := only(t, Compare(reference, current, psi))
	want := 0.25*math.Log(1.5) - 0.25*math.Log(0.5)
	if got := c.Scores["psi"]; c.Compared != ByBins || math.Abs(*got.Score-want) > 1e-12 || !got.Differs || *got.Threshold != 0.2 {
		t.Errorf("compared by %s, PSI %+v, want %v", c.Compared, got, want)
	}
	if got := *c.Scores["ks"].Score; got != 0.25 {
		t.Errorf("KS %v, want 0.25", got)
	}
	if *c.Reference.Mean != 1.5 || *c.Current.Mean != 1.75 || *c.Reference.StdDev != 0.5 || c.Current.Count != 100 {
		t.Errorf("summaries %+v, %+v", c.Reference, c.Current)
	}
}

func TestCategories(t *testing.T) {
	forced := baseline.Roles{Categorical: []string{"x"}}
	// a and b are in both, c only in the reference, d only in the current one; e is rare in the reference.
	reference := build(t, column(slices.Concat(repeat(40, "a"), repeat(40, "b"), repeat(19, "c"), repeat(1, "e"))...), forced)
	current := build(t, column(slices.Concat(repeat(40, "a"), repeat(20, "b"), repeat(30, "d"), repeat(10, "e"))...), forced)
	c := only(t, Compare(reference, current, map[string]float64{"l_infinity": 0.25, "new_categories": 0.35}))
	if diff := cmp.Diff([]string{"d"}, c.New); diff != "" {
		t.Errorf("new (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"c"}, c.Vanished); diff != "" {
		t.Errorf("vanished (-want +got):\n%s", diff)
	}
	if got := c.Scores["l_infinity"]; c.Compared != ByCategories || math.Abs(*got.Score-0.3) > 1e-12 || !got.Differs {
		t.Errorf("compared by %s, L-infinity %v, want that of d, 0.3", c.Compared, *got.Score)
	}
	if got := c.Scores["new_categories"]; got.Score == nil || *got.Score != 0.3 || got.Differs {
		t.Errorf("new categories %+v, want 0.3", got)
	}
	// Cells a, b, c, d and the rest, which is e: (q-p) ln(q/p) with shares of at least 0.0001.
	term := func(p, q float64) float64 { return (q - p) * math.Log(q/p) }
	want := term(.4, .2) + term(.19, 1e-4) + term(1e-4, .3) + term(.01, .1)
	if got := *c.Scores["psi"].Score; math.Abs(got-want) > 1e-12 {
		t.Errorf("PSI %v, want %v", got, want)
	}
}

// What a baseline does not know by name may be new or not.
func TestNewShareOfOpenColumns(t *testing.T) {
	forced := baseline.Roles{Categorical: []string{"x"}}
	reference := build(t, column(append(repeat(90, "a"), repeat(10, strings.Repeat("long", 40))...)...), forced) // open
	current := build(t, column(append(repeat(80, "a"), repeat(20, "b")...)...), forced)
	thresholds := map[string]float64{"new_categories": 0.1}
	c := only(t, Compare(reference, current, thresholds))
	if got := c.Scores["new_categories"]; got.Score != nil || *got.Lower != 0 || *got.Upper != 0.2 || got.Differs {
		t.Errorf("new categories %+v, want 0 to 0.2", got)
	}
	if diff := cmp.Diff([]string{"new_categories"}, c.Undecided); diff != "" || c.Differs {
		t.Errorf("differs %v, undecided (-want +got):\n%s", c.Differs, diff)
	}
	c = only(t, Compare(current, reference, thresholds)) // the long name is certainly not a or b, but not kept
	if got := c.Scores["new_categories"]; got.Score != nil || *got.Lower != 0 || *got.Upper != 0.1 {
		t.Errorf("new categories %+v, want 0 to 0.1", got)
	}
}

// sample draws the values of a column: with ties, or not.
func sample(t *rapid.T, name string) []float64 {
	shift, scale := rapid.Float64Range(-2, 2).Draw(t, name+" shift"), rapid.Float64Range(0.1, 3).Draw(t, name+" scale")
	grid := rapid.SampledFrom([]float64{0, 0.1, 0.5}).Draw(t, name+" grid")
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, name+" seed"), 0))
	values := make([]float64, rapid.IntRange(1, 600).Draw(t, name+" rows"))
	for i := range values {
		values[i] = shift + scale*random.NormFloat64()
		if grid > 0 {
			values[i] = math.Round(values[i]/grid)*grid + 0.05
		}
	}
	return values
}

func texts(values []float64) []string {
	var all []string
	for _, x := range values {
		all = append(all, fmt.Sprint(x))
	}
	return all
}

// TestBracketsHoldTheTruth compares the brackets with what the values themselves give.
func TestBracketsHoldTheTruth(t *testing.T) {
	bracketed := 0
	rapid.Check(t, func(t *rapid.T) {
		r, c := sample(t, "reference"), sample(t, "current")
		reference, current := build(t, column(texts(r)...), baseline.Roles{}), build(t, column(texts(c)...), baseline.Roles{})
		got := Compare(reference, current, nil).Columns[0]
		slices.Sort(r)
		slices.Sort(c)
		exact, _ := detectors.KS{}.Exact(&detectors.Sample{Kind: capture.Numeric, Numbers: r, Captured: int64(len(r))}, &detectors.Sample{Kind: capture.Numeric, Numbers: c, Captured: int64(len(c))})
		if got.Compared != ByBrackets {
			return
		}
		bracketed++
		if ks := got.Scores["ks"]; exact.Value < *ks.Lower-1e-12 || exact.Value > *ks.Upper+1e-12 {
			t.Fatalf("KS %v is not in [%v, %v]", exact.Value, *ks.Lower, *ks.Upper)
		}
		// The current values counted in the reference's own layout give the PSI that the bracket is of.
		counted := countIn(t, reference, c)
		truth, _ := detectors.PSI{}.Score(reference.Profile.Feature("x"), counted)
		if psi := got.Scores["psi"]; truth.Value < *psi.Lower-1e-12 || truth.Value > *psi.Upper+1e-12 {
			t.Fatalf("PSI %v is not in [%v, %v]", truth.Value, *psi.Lower, *psi.Upper)
		}
	})
	if bracketed == 0 {
		t.Error("no pair had other edges: the samples test nothing")
	}
}

// countIn counts values in the layout of a baseline.
func countIn(t rapid.TB, b *baseline.Baseline, values []float64) *profile.Feature {
	t.Helper()
	p, batch, rows := profile.New(&b.Layout), capture.NewBatch(b.Schema), []int32(nil)
	for i, text := range texts(values) {
		if err := batch.AppendCells(0, capture.Input, [][]byte{[]byte(text)}); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, int32(i))
	}
	p.Observe(batch, rows)
	return p.Feature("x")
}

// Of two samples of many values the KS bracket is narrow: each side adds at most a bin of 1/240. That of the PSI, whose
// terms are steep where shares are small, is wider.
func TestBracketsAreNarrow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(shift float64) string {
		values := make([]float64, 20_000)
		for i := range values {
			values[i] = shift + random.NormFloat64()
		}
		return column(texts(values)...)
	}
	c := only(t, Compare(build(t, draw(0), baseline.Roles{}), build(t, draw(1), baseline.Roles{}), map[string]float64{"psi": 0.2, "ks": 0.38}))
	ks, psi := c.Scores["ks"], c.Scores["psi"]
	// N(0,1) and N(1,1): KS is 2 Phi(1/2) - 1 = 0.383.
	if *ks.Lower > 0.3829 || *ks.Upper < 0.3829 || *ks.Upper-*ks.Lower > 1.1/120 {
		t.Errorf("KS from %v to %v", *ks.Lower, *ks.Upper)
	}
	if *psi.Upper-*psi.Lower > 0.2 || !psi.Differs || ks.Differs {
		t.Errorf("PSI from %v to %v, over 0.2 %v; KS over 0.38 %v", *psi.Lower, *psi.Upper, psi.Differs, ks.Differs)
	}
	if diff := cmp.Diff([]string{"ks"}, c.Undecided, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("undecided (-want +got):\n%s", diff)
	}
}

// Columns without values on a side have nothing to compare.
func TestNoValues(t *testing.T) {
	c := only(t, Compare(build(t, column("1.5", "2.5"), baseline.Roles{}), build(t, column(`""`, `""`), baseline.Roles{}), map[string]float64{"psi": 0.2, "missing_share": 0.1}))
	if _, there := c.Scores["psi"]; there || *c.Scores["missing_share"].Score != 1 || !c.Differs || c.Current.Mean != nil {
		t.Errorf("column %+v", c)
	}
}
