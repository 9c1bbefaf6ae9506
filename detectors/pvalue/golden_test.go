package pvalue

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// golden reads values of scipy 1.17.1 and statsmodels 0.15.0; see testdata/README.md.
func golden(t *testing.T, path string, into any) {
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
		t.Fatal(err)
	}
}

// within says whether got is want up to a relative error.
func within(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance*math.Abs(want) }

func TestTails(t *testing.T) {
	var want struct {
		Normal  [][2]float64 `json:"norm_sf"`
		Chi     [][3]float64 `json:"chi2_sf"`
		Clopper [][4]float64 `json:"beta_ppf_clopper_pearson_95"`
	}
	golden(t, "testdata/tails.json.gz", &want)
	if len(want.Normal) != 11 || len(want.Chi) != 48 || len(want.Clopper) != 5 {
		t.Fatalf("%d, %d and %d values", len(want.Normal), len(want.Chi), len(want.Clopper))
	}
	for _, w := range want.Normal {
		if got := Normal(w[0]); !within(got, w[1], 1e-12) {
			t.Errorf("Normal(%v) = %v, want %v", w[0], got, w[1])
		}
	}
	for _, w := range want.Chi {
		if got := ChiSquare(w[0], w[1]); !within(got, w[2], 1e-11) {
			t.Errorf("ChiSquare(%v, %v) = %v, want %v", w[0], w[1], got, w[2])
		}
	}
	for _, w := range want.Clopper {
		lower, upper := ClopperPearson(int64(w[0]), int64(w[1]), 0.95)
		if !within(lower, w[2], 1e-10) || !within(upper, w[3], 1e-10) {
			t.Errorf("ClopperPearson(%v, %v) = %v, %v, want %v, %v", w[0], w[1], lower, upper, w[2], w[3])
		}
	}
}

// TestFarTails checks tails down to 1e-300 against closed forms: for an even number of degrees of freedom, 2k, the
// chi-square tail is the probability of fewer than k events at rate x/2; for one degree, twice the normal's.
func TestFarTails(t *testing.T) {
	for _, half := range []int{1, 2, 5, 20, 100, 500} {
		for _, x := range []float64{1e-9, 1, 10, 100, 300, 600, 1000, 1300} {
			rate := x / 2
			logs := make([]float64, half)
			for k := range logs {
				factorial, _ := math.Lgamma(float64(k) + 1)
				logs[k] = float64(k)*math.Log(rate) - rate - factorial
			}
			want := 0.0
			for _, l := range logs {
				want += math.Exp(l)
			}
			if got := ChiSquare(x, 2*float64(half)); !within(got, want, 1e-9) && want > 1e-300 {
				t.Errorf("ChiSquare(%v, %v) = %v, want %v", x, 2*half, got, want)
			}
		}
	}
	for z := 0.5; z < 37; z += 0.5 {
		if got, want := ChiSquare(z*z, 1), NormalTwoSided(-z); !within(got, want, 1e-9) {
			t.Errorf("ChiSquare(%v, 1) = %v, but the normal's is %v", z*z, got, want)
		}
		// Mills' ratio: z/(z^2+1) < tail/density < 1/z.
		density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
		if got := Normal(z); got <= density*z/(z*z+1) || got >= density/z {
			t.Errorf("Normal(%v) = %v is outside %v and %v", z, got, density*z/(z*z+1), density/z)
		}
	}
	for _, x := range []float64{-1, 0, 1e-300, 1e5, math.MaxFloat64} {
		for _, df := range []float64{0, 1, 9, 1e6} {
			if got := ChiSquare(x, df); !(got >= 0 && got <= 1) {
				t.Errorf("ChiSquare(%v, %v) = %v", x, df, got)
			}
		}
	}
}

func TestCorrections(t *testing.T) {
	type combined struct{ Statistic, PValue any }
	var cases []struct {
		Name       string
		P          []float64
		BH         []float64 `json:"statsmodels_fdr_bh"`
		BHScipy    []float64 `json:"scipy_bh"`
		BY         []float64 `json:"statsmodels_fdr_by"`
		BYScipy    []float64 `json:"scipy_by"`
		Bonferroni []float64 `json:"statsmodels_bonferroni"`
		Holm       []float64 `json:"statsmodels_holm"`
		Sidak      []float64 `json:"statsmodels_sidak"`
		HolmSidak  []float64 `json:"statsmodels_holm-sidak"`
		Hochberg   []float64 `json:"statsmodels_simes-hochberg"`
		Hommel     []float64 `json:"statsmodels_hommel"`
		Fisher     combined  `json:"combine_fisher"`
		Stouffer   combined  `json:"combine_stouffer"`
		Pearson    combined  `json:"combine_pearson"`
		Tippett    combined  `json:"combine_tippett"`
	}
	golden(t, "testdata/corrections.json.gz", &cases)
	if len(cases) != 8 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		for _, test := range []struct {
			name    string
			correct func([]float64) []float64
			want    []float64
		}{
			{"Benjamini-Hochberg", BenjaminiHochberg, c.BH},
			{"Benjamini-Hochberg, scipy", BenjaminiHochberg, c.BHScipy},
			{"Benjamini-Yekutieli", BenjaminiYekutieli, c.BY},
			{"Benjamini-Yekutieli, scipy", BenjaminiYekutieli, c.BYScipy},
			{"Bonferroni", Bonferroni, c.Bonferroni},
			{"Holm", Holm, c.Holm},
			{"Sidak", Sidak, c.Sidak},
			{"Holm-Sidak", HolmSidak, c.HolmSidak},
			{"Hochberg", Hochberg, c.Hochberg},
			{"Hommel", Hommel, c.Hommel},
		} {
			got := test.correct(c.P)
			if len(got) != len(c.P) || len(test.want) != len(c.P) {
				t.Fatalf("%s/%s: %d values and %d wanted for %d", c.Name, test.name, len(got), len(test.want), len(c.P))
			}
			for i := range got {
				if !within(got[i], test.want[i], 1e-9) {
					t.Errorf("%s/%s: %v became %v, want %v", c.Name, test.name, c.P[i], got[i], test.want[i])
				}
			}
		}
		for _, test := range []struct {
			name    string
			combine func([]float64) float64
			want    any
		}{
			{"Fisher", CombineFisher, c.Fisher.PValue},
			{"Stouffer", CombineStouffer, c.Stouffer.PValue},
			{"Pearson", CombinePearson, c.Pearson.PValue},
			{"Tippett", CombineTippett, c.Tippett.PValue},
		} {
			want, number := test.want.(float64)
			if !number { // of 0 and 1 scipy's Stouffer is not a number
				want = 1
			}
			if got := test.combine(c.P); !within(got, want, 1e-9) {
				t.Errorf("%s/%s: combined to %v, want %v", c.Name, test.name, got, want)
			}
		}
	}
}
