package detectors

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestNDCG(t *testing.T) {
	var cases []struct {
		Name      string
		Reference []float64 `json:"relevance_ref"`
		Current   []float64 `json:"score_cur"`
		Sklearn   float64   `json:"sklearn_ndcg"`
		Direct    float64   `json:"direct_stable_sort"`
	}
	readGolden(t, "testdata/ndcg.json.gz", &cases)
	if len(cases) != 8 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		got, defined := NDCG(c.Reference, c.Current)
		if !defined || !near(got, c.Sklearn) {
			t.Errorf("%s: %v, %v, want %v", c.Name, got, defined, c.Sklearn)
		}
		sorted := slices.Sorted(slices.Values(c.Current))
		if ties := len(slices.Compact(sorted)) < len(c.Current); !ties && !near(got, c.Direct) {
			t.Errorf("%s: %v, want %v by the formula", c.Name, got, c.Direct)
		}
	}
	for _, test := range []struct {
		name               string
		reference, current []float64
		want               float64
		defined            bool
	}{
		{"one feature", []float64{0.3}, []float64{0.1}, 1, true},
		{"scale", []float64{3e300, 1e300, 2e300}, []float64{3e-300, 1e-300, 2e-300}, 1, true},
		{"smallest and largest", []float64{math.MaxFloat64, math.SmallestNonzeroFloat64}, []float64{1, 0}, 1, true},
		// all tied: the mean of 1 and 1/log2(3), against 1
		{"all tied", []float64{1, 0}, []float64{0, 0}, (1 + 1/math.Log2(3)) / 2, true},
		{"no attributions", []float64{0, 0}, []float64{1, 2}, 0, false},
		{"no features", nil, nil, 0, false},
		{"a feature is missing", []float64{1, 2}, []float64{1}, 0, false},
		{"signed", []float64{1, -2}, []float64{1, 2}, 0, false},
		{"signed now", []float64{1, 2}, []float64{1, -2}, 0, false},
		{"not a number", []float64{1, 2}, []float64{1, math.NaN()}, 0, false},
		{"infinite", []float64{1, math.Inf(1)}, []float64{1, 2}, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, defined := NDCG(test.reference, test.current); defined != test.defined || !near(got, test.want) {
				t.Errorf("%v, %v, want %v, %v", got, defined, test.want, test.defined)
			}
		})
	}
}

// TestNDCGProperties: above 0 and at most 1, 1 for the same order, and the order of the features does not matter.
func TestNDCGProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(t, "features")
		attribution := rapid.OneOf(rapid.Float64Range(0, 1), rapid.Map(rapid.IntRange(0, 2), func(i int) float64 { return float64(i) }))
		reference := rapid.SliceOfN(attribution, n, n).Draw(t, "reference")
		current := rapid.SliceOfN(attribution, n, n).Draw(t, "current")
		reference[0] = 1 // not all are 0
		got, defined := NDCG(reference, current)
		if !defined || !(got > 0 && got <= 1) {
			t.Fatalf("%v, %v", got, defined)
		}
		roots := make([]float64, n)
		for i, a := range reference {
			roots[i] = math.Sqrt(a)
		}
		if same, _ := NDCG(reference, roots); !near(same, 1) {
			t.Fatalf("%v for the same order", same)
		}
		places := make([]int, n)
		for i := range places {
			places[i] = i
		}
		var shuffled, shuffledCurrent []float64
		for _, i := range rapid.Permutation(places).Draw(t, "order") {
			shuffled, shuffledCurrent = append(shuffled, reference[i]), append(shuffledCurrent, current[i])
		}
		if other, _ := NDCG(shuffled, shuffledCurrent); !near(other, got) {
			t.Fatalf("%v, but %v in another order", got, other)
		}
	})
}
