package detectors

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/capture"
	"tidemark/profile"
)

func TestCompare(t *testing.T) {
	after := func(v float64) float64 { return math.Nextafter(v, math.Inf(1)) }
	many := &profile.FeatureLayout{Name: "letter", Kind: capture.Categorical}
	for _, letter := range "abcdefghijklmn" {
		many.Categories = append(many.Categories, string(letter))
	}
	steps := &profile.FeatureLayout{
		Name: "steps", Kind: capture.Numeric,
		Edges: []float64{1, after(1), 2.5, after(2.5), 4, after(4)}, Ranks: []int{80, 80, 160, 160, 240, 240},
	}
	for _, test := range []struct {
		name               string
		reference, current *profile.Feature
		want               Histogram
	}{
		{
			"deciles", deciled(2, 2, 2, 2, 2, 2, 2, 2, 2, 2), feature(continuous(), 1, 0, 2, 0, 1),
			Histogram{
				Edges:     []float64{24, 48, 72, 96, 120, 144, 168, 192, 216},
				Reference: []float64{.1, .1, .1, .1, .1, .1, .1, .1, .1, .1}, Current: []float64{1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
			},
		},
		{
			"by value", feature(flag(), 0, 6, 0, 2), feature(flag(), 0, 1, 0, 3),
			Histogram{Labels: []string{"0", "1"}, Reference: []float64{.75, .25}, Current: []float64{.25, .75}},
		},
		{
			"by value, and outside", feature(steps, 0, 2, 0, 1, 0, 1), feature(steps, 1, 0, 1, 0, 1, 0, 1),
			Histogram{
				Labels:    []string{"below 1", "1", "1 to 2.5", "2.5", "2.5 to 4", "4", "above 4"},
				Reference: []float64{0, .5, 0, .25, 0, .25, 0}, Current: []float64{.25, 0, .25, 0, .25, 0, .25},
			},
		},
		{
			"no edges", feature(&profile.FeatureLayout{Kind: capture.Numeric}), feature(&profile.FeatureLayout{Kind: capture.Numeric}, 4),
			Histogram{Labels: []string{"any"}, Reference: []float64{0}, Current: []float64{1}},
		},
		{
			"categories by share", feature(colours(), 1, 2, 1), feature(colours(), 4, 0, 0),
			Histogram{Labels: []string{"green", "blue", "red"}, Reference: []float64{.5, .25, .25}, Current: []float64{0, 1, 0}},
		},
		{
			"other and new", feature(colours(), 2, 1, 0, 1), withNew(feature(colours(), 0, 0, 1, 1), map[string]int64{"pink": 1}, 1),
			Histogram{
				Labels:    []string{"blue", "green", "red", "other", "new"},
				Reference: []float64{.5, .25, 0, .25, 0}, Current: []float64{0, 0, .25, .25, .5},
			},
		},
		{
			"beyond twelve", feature(many, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2), feature(many, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4),
			Histogram{
				Labels:    []string{"m", "n", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "other"},
				Reference: []float64{.125, .125, .0625, .0625, .0625, .0625, .0625, .0625, .0625, .0625, .0625, .0625, .125},
				Current:   []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
			},
		},
		{
			"nothing", feature(colours(), 1), feature(colours()),
			Histogram{Labels: []string{"blue", "green", "red"}, Reference: []float64{1, 0, 0}, Current: []float64{0, 0, 0}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Compare(test.reference, test.current)); diff != "" {
				t.Errorf("histogram (-want +got):\n%s", diff)
			}
		})
	}
}
