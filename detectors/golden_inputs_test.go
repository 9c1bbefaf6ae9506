package detectors

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"tidemark/capture"
)

// readGolden reads a gzipped JSON file of testdata; see its README.md.
func readGolden(t testing.TB, path string, into any) {
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

// loadInputs returns the reference and the current sample of each golden input by its name.
func loadInputs(t testing.TB) (numeric, categorical map[string][2]*Sample) {
	t.Helper()
	var inputs struct {
		Numeric     map[string]struct{ Ref, Cur []*float64 }
		Categorical map[string]struct{ Ref, Cur []*string }
	}
	readGolden(t, "testdata/inputs.json.gz", &inputs)
	numeric, categorical = make(map[string][2]*Sample), make(map[string][2]*Sample)
	for name, in := range inputs.Numeric {
		numeric[name] = [2]*Sample{numbers(in.Ref), numbers(in.Cur)}
	}
	for name, in := range inputs.Categorical {
		categorical[name] = [2]*Sample{names(in.Ref), names(in.Cur)}
	}
	if len(numeric) != 26 || len(categorical) != 13 {
		t.Fatalf("%d numeric and %d categorical inputs", len(numeric), len(categorical))
	}
	return numeric, categorical
}

// numbers makes a sample of values, nil being missing.
func numbers(values []*float64) *Sample {
	s := &Sample{Kind: capture.Numeric, Captured: int64(len(values))}
	for _, v := range values {
		if v == nil {
			s.Missing++
			continue
		}
		s.Numbers = append(s.Numbers, *v)
	}
	slices.Sort(s.Numbers)
	return s
}

// names makes a sample of categories, nil being missing.
func names(values []*string) *Sample {
	s := &Sample{Kind: capture.Categorical, Captured: int64(len(values)), Categories: make(map[string]int64)}
	for _, v := range values {
		if v == nil {
			s.Missing++
			continue
		}
		s.Categories[*v]++
	}
	return s
}
