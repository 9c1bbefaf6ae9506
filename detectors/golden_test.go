package detectors

import (
	"math"
	"slices"
	"testing"
)

// goldenCells are the figures of a binning in testdata/cells.json.gz. Tests are [statistic, p-value].
type goldenCells struct {
	Reference, Current []int64
	Edges              []float64
	PSI                *float64
	KL                 *float64 `json:"kullback_leibler"`
	JS                 *float64 `json:"jensen_shannon"`
	Hellinger          *float64
	TV                 *float64    `json:"total_variation"`
	LInfinity          *float64    `json:"l_infinity"`
	Chi                *[2]float64 `json:"chi2"`
	ChiPlain           *[2]float64 `json:"chi2_no_yates"`
	G                  *[2]float64 `json:"g_test"`
	Z                  *[2]float64 `json:"proportion_z"`
	Fisher             *[2]float64 `json:"fisher_exact"`
}

type goldenNumeric struct {
	Deciles            goldenCells `json:"ref_deciles_open"`
	Equal              goldenCells `json:"ref_equal_width_10_open"`
	Width              goldenCells `json:"combined_equal_width_10"`
	Sturges            goldenCells `json:"combined_sturges"`
	Doane              goldenCells `json:"ref_doane"`
	Evidently, Frouros map[string]*float64
	NannyML            map[string]struct {
		Value *float64
		Bins  []float64
	}
}

type goldenCategorical struct {
	goldenCells
	Keys               []string
	Evidently, NannyML map[string]*float64
	NannyMLBins        []string `json:"nannyml_bins"`
}

type goldenFile struct {
	Numeric     map[string]goldenNumeric
	Categorical map[string]goldenCategorical
}

// check compares a score with values of another library: the statistic to 1e-9 of itself (1e-12 where it is near 0),
// the p-value to 1e-6 of itself.
func check(t *testing.T, what string, got Score, value float64, p *float64) {
	t.Helper()
	if math.Abs(got.Value-value) > 1e-9*math.Abs(value)+1e-12 {
		t.Errorf("%s: score %v, want %v", what, got.Value, value)
	}
	if p != nil && (got.PValue() == nil || math.Abs(*got.PValue()-*p) > 1e-6*math.Abs(*p)) {
		t.Errorf("%s: p-value %v, want %v", what, got.PValue(), *p)
	}
}

// checkCells compares all divergences and tests over cells with those of the golden binning.
func checkCells(t *testing.T, what string, c cells, want goldenCells) {
	t.Helper()
	check(t, what+"/psi", PSI{}.over(c), *want.PSI, nil)
	check(t, what+"/kullback_leibler", KullbackLeibler{}.over(c), *want.KL, nil)
	check(t, what+"/hellinger", Hellinger{}.over(c), *want.Hellinger, nil)
	check(t, what+"/total_variation", TotalVariation{}.over(c), *want.TV, nil)
	check(t, what+"/chi_square", ChiSquare{}.over(c), want.Chi[0], &want.Chi[1])
	check(t, what+"/g_test", GTest{}.over(c), want.G[0], &want.G[1])
	check(t, what+"/jensen_shannon", JensenShannon{}.over(c), *want.JS, nil)
}

// TestGoldenNumeric compares the numeric inputs over the reference's deciles with numpy's and scipy's figures, and
// the same formulas over four other binnings.
func TestGoldenNumeric(t *testing.T) {
	var golden goldenFile
	readGolden(t, "testdata/cells.json.gz", &golden)
	numeric, _ := loadInputs(t)
	for name, in := range numeric {
		want := golden.Numeric[name]
		c, ok := sampleCells(in[0], in[1])
		if !ok {
			t.Fatalf("%s: no cells", name)
		}
		edges := decileEdges(in[0].Numbers)
		if !slices.Equal(edges, want.Deciles.Edges) {
			t.Errorf("%s: deciles %v, want %v", name, edges, want.Deciles.Edges)
		}
		if !slices.Equal(c.reference, want.Deciles.Reference) || !slices.Equal(c.current, want.Deciles.Current) {
			t.Fatalf("%s: counts %v, want %v and %v", name, c, want.Deciles.Reference, want.Deciles.Current)
		}
		for statistic, value := range map[string]*float64{
			"psi": want.Deciles.PSI, "kullback_leibler": want.Deciles.KL, "jensen_shannon": want.Deciles.JS,
			"hellinger": want.Deciles.Hellinger, "total_variation": want.Deciles.TV,
			"chi_square": &want.Deciles.Chi[0], "g_test": &want.Deciles.G[0],
		} {
			got, defined := New(statistic).Exact(in[0], in[1])
			if !defined {
				t.Errorf("%s/%s: undefined", name, statistic)
			}
			check(t, name+"/"+statistic, got, *value, nil)
		}
		for rule, binning := range map[string]goldenCells{
			"deciles": want.Deciles, "equal width": want.Equal, "combined": want.Width, "sturges": want.Sturges, "doane": want.Doane,
		} {
			checkCells(t, name+"/"+rule, cells{reference: binning.Reference, current: binning.Current}, binning)
		}
	}
}

// TestGoldenCategorical compares the categorical inputs, each category by its name.
func TestGoldenCategorical(t *testing.T) {
	var golden goldenFile
	readGolden(t, "testdata/cells.json.gz", &golden)
	_, categorical := loadInputs(t)
	for name, in := range categorical {
		want := golden.Categorical[name]
		for statistic, figures := range map[string]*[2]float64{
			"psi": {*want.PSI}, "kullback_leibler": {*want.KL}, "jensen_shannon": {*want.JS}, "hellinger": {*want.Hellinger},
			"total_variation": {*want.TV}, "l_infinity": {*want.LInfinity},
			"chi_square": want.Chi, "g_test": want.G, "proportion_z": want.Z, "fisher": want.Fisher,
		} {
			got, defined := New(statistic).Exact(in[0], in[1])
			if defined != (figures != nil) && name != "single" { // of one value there is nothing to test, and no drift
				t.Errorf("%s/%s: defined %v", name, statistic, defined)
			}
			if figures == nil {
				continue
			}
			p := &figures[1]
			if figures[1] == 0 { // no test
				p = nil
			}
			check(t, name+"/"+statistic, got, figures[0], p)
		}
		if want.Z != nil {
			z, _ := ProportionZ{}.Exact(in[0], in[1])
			check(t, name+"/z squared", Score{Value: z.Value * z.Value, Tail: z.Tail}, want.ChiPlain[0], &want.ChiPlain[1])
		}
	}
}
