package detectors_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/detectors"
	"tidemark/profile"
)

// ordered are the statistics of this file: those of ranks, distances and means.
var ordered = []string{
	"ks", "wasserstein", "wasserstein_normalized", "cramer_von_mises", "anderson_darling", "mann_whitney", "welch_t", "energy",
}

// figure is a statistic and its p-value, nil where a library gives none, or none that is finite.
type figure [2]*float64

// golden is what other libraries say of one pair of columns of testdata/inputs.json.gz (testdata/ordered.json.gz):
// scipy 1.17.1 (ks_2samp asymptotic, mannwhitneyu asymptotic with continuity correction, anderson_ksamp with
// mid-ranks, cramervonmises_2samp asymptotic, ttest_ind unequal variances), Evidently 0.7.23, frouros 0.9.0,
// NannyML 0.13.1, and alibi-detect 0.13.0, which keeps single precision.
type golden struct {
	SciPy, Frouros, NannyML, Alibi map[string]figure
	Evidently                      map[string]*float64
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// pair is a reference and a current sample.
type pair struct{ reference, current *detectors.Sample }

func readPairs(t testing.TB) map[string]pair {
	t.Helper()
	var inputs struct {
		Numeric map[string]struct{ Ref, Cur []*float64 }
	}
	readJSON(t, "testdata/inputs.json.gz", &inputs)
	pairs := make(map[string]pair)
	for name, in := range inputs.Numeric {
		r, c := sampleOf(), sampleOf()
		for s, values := range map[*detectors.Sample][]*float64{r: in.Ref, c: in.Cur} {
			s.Captured = int64(len(values))
			for _, v := range values {
				if v == nil {
					s.Missing++
					continue
				}
				s.Numbers = append(s.Numbers, *v)
			}
			slices.Sort(s.Numbers)
		}
		pairs[name] = pair{r, c}
	}
	return pairs
}

func sampleOf(values ...float64) *detectors.Sample {
	s := &detectors.Sample{Kind: capture.Numeric, Captured: int64(len(values)), Numbers: slices.Clone(values)}
	slices.Sort(s.Numbers)
	return s
}

// nearly says whether got is want, where both may be missing.
func nearly(got, want *float64, relative, absolute float64) bool {
	if got == nil || want == nil {
		return got == want
	}
	return math.Abs(*got-*want) <= relative*math.Abs(*want)+absolute
}

func text(x *float64) string {
	if x == nil {
		return "nothing"
	}
	return fmt.Sprint(*x)
}

// undefined are the golden figures that scipy has no finite number or an error for, and what they are here: undefined.
// Nothing else may be.
var undefined = map[string][]string{
	"constant_equal":     {"anderson_darling", "welch_t", "wasserstein_normalized"},
	"constant_different": {"welch_t", "wasserstein_normalized"},
	"constant_vs_normal": {"wasserstein_normalized"},
	"single_1_5":         {"cramer_von_mises", "welch_t", "wasserstein_normalized"},
}

func TestOrderedGolden(t *testing.T) {
	var want map[string]golden
	readJSON(t, "testdata/ordered.json.gz", &want)
	pairs := readPairs(t)
	if len(want) != 26 || len(pairs) != 26 {
		t.Fatalf("%d results for %d pairs", len(want), len(pairs))
	}
	for name, in := range pairs {
		scores := make(map[string]figure)
		for _, statistic := range ordered {
			score, defined := detectors.New(statistic).Exact(in.reference, in.current)
			if defined == slices.Contains(undefined[name], statistic) {
				t.Errorf("%s/%s: defined is %v", name, statistic, defined)
			}
			if score.Lower != nil || score.Upper != nil {
				t.Errorf("%s/%s: exact, but has bounds", name, statistic)
			}
			if defined {
				scores[statistic] = figure{&score.Value, score.PValue()}
			}
		}
		check := func(library, statistic string, want figure, relative float64) {
			t.Helper()
			got := scores[statistic]
			absolute, pAbsolute := 1e-13, 4e-15
			if statistic == "welch_t" && want[0] != nil { // theirs is of reference minus current
				want[0] = new(-*want[0])
				if name == "big_offset" { // theirs are of means that are rounded to 1.2e-7
					absolute, pAbsolute = 1e-6, 1e-9
				}
			}
			// Ours is undefined where theirs is not a finite statistic.
			if got == (figure{}) && (want[0] == nil || statistic == "welch_t" && *want[1] == 0) {
				return
			}
			// A T or t of no difference is 0 but for rounding; p-values of scipy's series of Cramér and von Mises have
			// rounding errors of 1e-15.
			if !nearly(got[0], want[0], relative, absolute) {
				t.Errorf("%s/%s: %s, %s says %s", name, statistic, text(got[0]), library, text(want[0]))
			}
			if want[1] != nil && !nearly(got[1], want[1], max(relative, 1e-6), pAbsolute) {
				t.Errorf("%s/%s: p-value %s, %s says %s", name, statistic, text(got[1]), library, text(want[1]))
			}
		}
		w := want[name]
		for statistic, f := range w.SciPy {
			check("scipy", statistic, f, 1e-9)
		}
		for statistic, f := range w.Frouros {
			// frouros takes exact p-values of U for 8 values and less, and of T for 20 and less.
			few := map[string]int{"mann_whitney": 8, "cramer_von_mises": 20}[statistic]
			if min(len(in.reference.Numbers), len(in.current.Numbers)) <= few {
				f[1] = nil
			}
			check("frouros", statistic, f, 1e-9)
		}
		for statistic, f := range w.NannyML {
			check("NannyML", statistic, f, 1e-9)
		}
		for statistic, f := range w.Alibi {
			if statistic == "cramer_von_mises" && len(in.reference.Numbers) <= 20 {
				f[1] = nil // an exact p-value
			}
			if f[1] != nil && *f[1] < 1e-10 {
				f[1] = nil // noise in single precision
			}
			check("alibi-detect", statistic, f, 2e-6)
		}
		// Evidently: the distance over the standard deviation or 0.001, the energy distance, and the p-values of
		// Anderson and Darling and of Cramér and von Mises.
		if d := scores["wasserstein"][0]; !nearly(new(*d/max(*w.Evidently["std"], 0.001)), w.Evidently["wasserstein"], 1e-9, 0) {
			t.Errorf("%s: %v over %v, Evidently says %v", name, *d, *w.Evidently["std"], *w.Evidently["wasserstein"])
		}
		if d := scores["wasserstein_normalized"][0]; d != nil && *w.Evidently["std"] >= 0.001 && !nearly(d, w.Evidently["wasserstein"], 1e-9, 0) {
			t.Errorf("%s: normalised %v, Evidently says %v", name, *d, *w.Evidently["wasserstein"])
		}
		if !nearly(scores["energy"][0], w.Evidently["energy"], 1e-9, 0) {
			t.Errorf("%s: %v, Evidently says %v", name, *scores["energy"][0], *w.Evidently["energy"])
		}
		for _, statistic := range []string{"anderson_darling", "cramer_von_mises"} {
			if want := w.Evidently[statistic]; want != nil && !nearly(scores[statistic][1], want, 1e-6, 4e-15) {
				t.Errorf("%s/%s: p-value %s, Evidently says %v", name, statistic, text(scores[statistic][1]), *want)
			}
		}
	}
}

// profilesOf builds a baseline of the reference, and counts the current values in its layout, in as many panes as told.
func profilesOf(t testing.TB, in pair, panes int) (reference, current *profile.Feature) {
	t.Helper()
	cells := func(s *detectors.Sample) (cells []string) {
		for _, x := range s.Numbers {
			cells = append(cells, strconv.FormatFloat(x, 'g', -1, 64))
		}
		for range s.Missing {
			cells = append(cells, "")
		}
		return cells
	}
	var file bytes.Buffer
	file.WriteString("x,row\n")
	for _, cell := range cells(in.reference) {
		file.WriteString(cell + ",0\n")
	}
	path := filepath.Join(t.TempDir(), "reference.csv")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := baseline.Build([]string{path}, baseline.Roles{Ignored: []string{"row"}}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	parts := make([]*profile.Profile, panes)
	batches := make([]*capture.Batch, panes)
	rows := make([][]int32, panes)
	for i := range parts {
		parts[i], batches[i] = profile.New(&b.Layout), capture.NewBatch(b.Schema)
	}
	for i, cell := range cells(in.current) {
		p := i % panes
		if err := batches[p].AppendCells(0, capture.Input, [][]byte{[]byte(cell)}); err != nil {
			t.Fatal(err)
		}
		rows[p] = append(rows[p], int32(len(rows[p])))
	}
	for i := range parts {
		parts[i].Observe(batches[i], rows[i])
		if i > 0 {
			parts[0].Merge(parts[i])
		}
	}
	return b.Profile.Feature("x"), parts[0].Feature("x")
}

// checkBounds checks that the score of profiles holds what the samples say, and that no figure is NaN or infinite.
func checkBounds(t rapid.TB, name string, score, exact detectors.Score) {
	t.Helper()
	for _, x := range []*float64{&score.Value, score.Lower, score.Upper, score.Expected, score.PValue(), &exact.Value, exact.Expected, exact.PValue()} {
		if x != nil && (math.IsNaN(*x) || math.IsInf(*x, 0)) {
			t.Fatalf("%s: a figure is %v", name, *x)
		}
	}
	low, high := math.Inf(-1), math.Inf(1)
	if score.Lower == nil && score.Upper == nil { // exact, but for rounding
		tolerance := 1e-9 * max(1, math.Abs(exact.Value))
		low, high = score.Value-tolerance, score.Value+tolerance
	}
	if score.Lower != nil {
		low = *score.Lower
	}
	if score.Upper != nil {
		high = *score.Upper
	}
	if !(low <= exact.Value && exact.Value <= high) || !(low <= score.Value && score.Value <= high) {
		t.Fatalf("%s: score %v from %v to %v, but exactly %v", name, score.Value, low, high, exact.Value)
	}
}

// TestLargeOffset checks t against the figure with 40 digits (mpmath): scipy's is wrong in the seventh.
func TestLargeOffset(t *testing.T) {
	in := readPairs(t)["big_offset"]
	const want = 3.823007885847874764586513826144950081018
	exact, _ := detectors.WelchT{}.Exact(in.reference, in.current)
	score, _ := detectors.WelchT{}.Score(profilesOf(t, in, 3))
	for _, got := range []float64{exact.Value, score.Value} {
		if math.Abs(got-want) > 1e-11 {
			t.Errorf("t is %v, want %v", got, want)
		}
	}
}

// TestOrderedBounds checks that over the golden inputs the exact value is within the bounds of the profiles' score.
func TestOrderedBounds(t *testing.T) {
	open := make(map[string]int)
	for name, in := range readPairs(t) {
		r, c := profilesOf(t, in, 1)
		for _, statistic := range ordered {
			exact, want := detectors.New(statistic).Exact(in.reference, in.current)
			score, defined := detectors.New(statistic).Score(r, c)
			if defined != want {
				t.Errorf("%s/%s: defined is %v, exactly %v", name, statistic, defined, want)
			}
			if !defined {
				continue
			}
			if score.Lower != nil {
				open[statistic]++
			}
			checkBounds(t, name+"/"+statistic, score, exact)
			if testing.Verbose() {
				t.Logf("%-20s %-22s exact %.6g score %.6g from %s to %s, expected %s p %s exact %s", name, statistic, exact.Value, score.Value, text(score.Lower), text(score.Upper), text(score.Expected), text(score.PValue()), text(exact.PValue()))
			}
		}
	}
	for _, statistic := range ordered {
		if open[statistic] == 0 && statistic != "welch_t" {
			t.Errorf("%s never had bounds", statistic)
		}
	}
}
