package detectors

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/profile"
)

// overCells are the statistics over cells, and those of two values.
var overCells = []string{
	"psi", "jensen_shannon", "hellinger", "total_variation", "l_infinity", "kullback_leibler",
	"chi_square", "g_test", "proportion_z", "fisher",
}

// texts are the values of a sample as in a file, missing ones being empty.
func texts(s *Sample) []string {
	var values []string
	for _, x := range s.Numbers {
		values = append(values, strconv.FormatFloat(x, 'g', -1, 64))
	}
	for name, n := range s.Categories {
		for range n {
			values = append(values, name)
		}
	}
	for range s.Missing {
		values = append(values, "")
	}
	return values
}

// profiles builds a baseline from the reference, and counts the current sample in its layout.
func profiles(t *testing.T, reference, current *Sample) (r, c *profile.Feature) {
	t.Helper()
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	rows := [][]string{{"x", "row"}}
	for i, v := range texts(reference) {
		rows = append(rows, []string{v, strconv.Itoa(i)})
	}
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "reference.csv")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	roles := baseline.Roles{Ignored: []string{"row"}}
	if !reference.Numeric() {
		roles.Categorical = []string{"x"}
	}
	b, err := baseline.Build([]string{path}, roles, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	batch := capture.NewBatch(b.Schema)
	counted := make([]int32, 0, current.Captured)
	for i, v := range texts(current) {
		if err := batch.AppendCells(0, capture.Input, [][]byte{[]byte(v)}); err != nil {
			t.Fatal(err)
		}
		counted = append(counted, int32(i))
	}
	p := profile.New(&b.Layout)
	p.Observe(batch, counted)
	return b.Profile.Feature("x"), p.Feature("x")
}

// TestProfilesAgainstSamples checks that over the golden inputs the score of profiles is that of the samples, or
// within its bounds.
func TestProfilesAgainstSamples(t *testing.T) {
	numeric, categorical := loadInputs(t)
	defined := make(map[string]int)
	bounded := 0
	for _, inputs := range []map[string][2]*Sample{numeric, categorical} {
		for name, in := range inputs {
			r, c := profiles(t, in[0], in[1])
			if r.Present() != in[0].Present() || c.Present() != in[1].Present() {
				t.Fatalf("%s: %d and %d values counted of %d and %d", name, r.Present(), c.Present(), in[0].Present(), in[1].Present())
			}
			for _, statistic := range overCells {
				got, ok := New(statistic).Score(r, c)
				want, okExact := New(statistic).Exact(in[0], in[1])
				if ok && !okExact || !ok && okExact && statistic != "proportion_z" && statistic != "fisher" {
					t.Errorf("%s/%s: defined %v, but exactly %v", name, statistic, ok, okExact)
				}
				if !ok {
					continue
				}
				defined[statistic]++
				tolerance := 1e-9 * math.Max(1, math.Abs(want.Value))
				if name == "with_nulls" && in[0].Numeric() {
					tolerance = 0.02 * want.Value // a value of the 361 is the third decile, and rounding counts it below
				}
				low, high := got.Value, got.Value
				if got.Lower != nil {
					low, high = *got.Lower, math.Inf(1)
					bounded++
				}
				if got.Upper != nil {
					high = *got.Upper
				}
				if want.Value < low-tolerance || want.Value > high+tolerance {
					t.Errorf("%s/%s: score %v within %v and %v, but exactly %v", name, statistic, got.Value, low, high, want.Value)
				}
			}
		}
	}
	for _, statistic := range overCells {
		least := map[string]int{"l_infinity": 13, "proportion_z": 5, "fisher": 5}[statistic]
		if least == 0 {
			least = 39
		}
		if defined[statistic] < least {
			t.Errorf("%s is defined for %d inputs", statistic, defined[statistic])
		}
	}
	if bounded == 0 {
		t.Error("no score had bounds")
	}
}
