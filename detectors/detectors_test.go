package detectors

import (
	"math"
	"reflect"
	"testing"

	"tidemark/capture"
	"tidemark/profile"
)

// continuous is the layout of a column whose k-th 240-quantile is k.
func continuous() *profile.FeatureLayout {
	f := &profile.FeatureLayout{Name: "x", Kind: capture.Numeric}
	for k := range profile.Quantiles {
		f.Edges, f.Ranks = append(f.Edges, float64(k)), append(f.Ranks, k)
	}
	f.Edges = append(f.Edges, math.Nextafter(profile.Quantiles, math.Inf(1)))
	f.Ranks = append(f.Ranks, profile.Quantiles)
	return f
}

// flag is the layout of a 0/1 column, half of it 0.
func flag() *profile.FeatureLayout {
	return &profile.FeatureLayout{
		Name: "flag", Kind: capture.Numeric,
		Edges: []float64{0, math.SmallestNonzeroFloat64, 1, math.Nextafter(1, 2)}, Ranks: []int{120, 120, 240, 240},
	}
}

func colours() *profile.FeatureLayout {
	return &profile.FeatureLayout{Name: "colour", Kind: capture.Categorical, Categories: []string{"blue", "green", "red"}, Rare: []string{"mauve"}}
}

// feature has the given counts in its fine bins.
func feature(layout *profile.FeatureLayout, bins ...int64) *profile.Feature {
	f := &profile.Feature{Layout: layout, Bins: make([]int64, layout.Bins())}
	copy(f.Bins, bins)
	f.Captured = sum(f.Bins)
	return f
}

// deciled has the given counts in the ten decile cells of the continuous layout, spread over two fine bins each.
func deciled(cells ...int64) *profile.Feature {
	f := feature(continuous())
	for i, n := range cells {
		f.Bins[24*i+1] += n - n/2
		f.Bins[24*i+24] += n / 2
	}
	f.Captured = sum(f.Bins)
	return f
}

func withNew(f *profile.Feature, names map[string]int64, other int64) *profile.Feature {
	f.New, f.NewOther = names, other
	f.Captured += f.NewRows()
	return f
}

func withNegative(f *profile.Feature, n int64) *profile.Feature {
	f.Negative = n
	return f
}

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-12*max(1, math.Abs(want)) }

func TestScores(t *testing.T) {
	even := deciled(100, 100, 100, 100, 100, 100, 100, 100, 100, 100)
	for _, test := range []struct {
		name               string
		statistic          Statistic
		reference, current *profile.Feature
		want               float64
	}{
		// The shifted normal sample of scipy's golden file (0.5 sigma, 1,000 and 800 rows), counted by deciles:
		// 0.2072 is what reference deciles with a floor of 1e-4 give.
		{"shifted normal", PSI{}, even, deciled(37, 50, 48, 56, 62, 75, 103, 85, 110, 174), 0.2072309240999201},
		{"identical", PSI{}, even, even, 0},
		{"another size, same shares", PSI{}, even, deciled(3, 3, 3, 3, 3, 3, 3, 3, 3, 3), 0},
		// (0.8-0.5) ln(0.8/0.5) + (0.2-0.5) ln(0.2/0.5) = 0.3 ln 4
		{"0/1 by value", PSI{}, feature(flag(), 0, 50, 0, 50), feature(flag(), 0, 80, 0, 20), 0.3 * math.Log(4)},
		// 0: (0-0.5) with the floor; 0.4 lies between the values, where the reference has nothing.
		{"0/1 became a probability", PSI{}, feature(flag(), 0, 50, 0, 50), feature(flag(), 0, 0, 10), 2*(0.5-1e-4)*math.Log(5000) + (1-1e-4)*math.Log(10000)},
		{"one empty cell", PSI{}, feature(flag(), 0, 100), feature(flag(), 0, 50, 0, 50), 0.5*math.Log(2) + (0.5-1e-4)*math.Log(5000)},
		// 0.5 -> 0.25, 0.3 -> 0.3, 0.2 -> 0.25; other 0 -> 0.1 and new 0 -> 0.1 with the floor
		{
			"categories", PSI{}, feature(colours(), 50, 30, 20), withNew(feature(colours(), 25, 30, 25, 10), map[string]int64{"pink": 4, "grey": 3}, 3),
			0.25*math.Log(2) + 0.05*math.Log(1.25) + 2*(0.1-1e-4)*math.Log(1000),
		},
		{"underflow joins the first decile", PSI{}, even, feature(continuous(), 1), 9*(0.1-1e-4)*math.Log(1000) + 0.9*math.Log(10)},

		{"identical", KS{}, even, even, 0},
		{"half above", KS{}, even, deciled(0, 0, 0, 0, 0, 1, 1, 1, 1, 1), 0.5},
		{"disjoint", KS{}, feature(flag(), 0, 7), feature(flag(), 0, 0, 0, 3), 1},
		{"0.5 against 0.8", KS{}, feature(flag(), 0, 50, 0, 50), feature(flag(), 0, 80, 0, 20), 0.3},
		// F_ref is 1/4, 1/2, 3/4, 1; F_cur 0, 1/4, 1, 1
		{"two crossings", KS{}, feature(flag(), 1, 1, 1, 1), feature(flag(), 0, 1, 3, 0), 0.25},

		{"identical", LInfinity{}, feature(colours(), 5, 3, 2), feature(colours(), 50, 30, 20), 0},
		{"categories", LInfinity{}, feature(colours(), 50, 30, 20), feature(colours(), 25, 30, 45), 0.25},
		{"other", LInfinity{}, feature(colours(), 50, 50, 0, 0), feature(colours(), 30, 30, 0, 40), 0.4},
		// 0.5 -> 0.4 twice; pink 0.05 and grey 0.15 by name, not 0.2 together
		{"new by name", LInfinity{}, feature(colours(), 50, 50), withNew(feature(colours(), 40, 40), map[string]int64{"pink": 5, "grey": 15}, 0), 0.15},
		{"new without a name", LInfinity{}, feature(colours(), 50, 50), withNew(feature(colours(), 30, 30), nil, 40), 0.4},
		{"new in the reference", LInfinity{}, withNew(feature(colours(), 50), map[string]int64{"pink": 50}, 0), feature(colours(), 10), 0.5},
		{"new in both", LInfinity{}, withNew(feature(colours(), 50), map[string]int64{"pink": 50}, 0), withNew(feature(colours(), 5), map[string]int64{"pink": 5}, 0), 0},

		{"rise", MissingShare{}, &profile.Feature{Captured: 100, Missing: 10}, &profile.Feature{Captured: 8, Missing: 4}, 0.4},
		{"fall", MissingShare{}, &profile.Feature{Captured: 100, Missing: 10}, &profile.Feature{Captured: 8}, 0},
		{"all missing", MissingShare{}, &profile.Feature{Captured: 100}, &profile.Feature{Captured: 8, Missing: 8}, 1},

		{"new", NewCategories{}, feature(colours(), 1), withNew(feature(colours(), 6), map[string]int64{"pink": 2}, 2), 0.4},
		{"missing values do not count", NewCategories{}, feature(colours(), 1), &profile.Feature{Layout: colours(), Captured: 10, Missing: 6, New: map[string]int64{"pink": 1}}, 0.25},
		{"none", NewCategories{}, feature(colours(), 1), feature(colours(), 1), 0},

		// 2/90 -> 4/10
		{"rise", TypeShare{}, &profile.Feature{Captured: 100, Missing: 10, Invalid: 9}, &profile.Feature{Captured: 20, Missing: 10, Invalid: 4}, 0.3},
		{"fall", TypeShare{}, &profile.Feature{Captured: 100, Invalid: 9}, &profile.Feature{Captured: 20, Invalid: 1}, 0},

		{"beyond both ends", OutOfRange{}, feature(flag(), 0, 50, 0, 50), feature(flag(), 1, 4, 2, 1, 2), 0.3},
		{"within", OutOfRange{}, feature(flag(), 0, 50, 0, 50), feature(flag(), 0, 0, 7), 0},
		{"the reference's own", OutOfRange{}, feature(flag(), 10, 40, 0, 40, 10), feature(flag(), 3, 5, 0, 0, 2), 0.3},
		{"fall", OutOfRange{}, feature(flag(), 10, 40, 0, 40, 10), feature(flag(), 1, 9), 0},

		{"none before", NegativeShare{}, feature(flag(), 0, 50, 0, 50), withNegative(feature(flag(), 3, 5), 2), 0.25},
		{"some before", NegativeShare{}, withNegative(feature(flag(), 1, 50), 1), withNegative(feature(flag(), 8), 8), 0},
		{"none", NegativeShare{}, feature(flag(), 0, 50, 0, 50), feature(flag(), 3, 5), 0},

		{"same size", Cardinality{}, feature(colours(), 4, 3, 2, 1), feature(colours(), 9, 1), 0.5},
		{"stuck", Cardinality{}, feature(colours(), 4, 3, 3), feature(colours(), 10), 2. / 3},
		// Two rows drawn from 3 and 1 are alike with probability C(3,2)/C(4,2) = 1/2: 1.5 values expected, 1 seen.
		{"rarefied reference", Cardinality{}, feature(colours(), 3, 1), feature(colours(), 2), 1 - 1/1.5},
		{"rarefied current", Cardinality{}, feature(colours(), 2), feature(colours(), 3, 1), 1 - 1/1.5},
		{"new ones", Cardinality{}, feature(colours(), 3, 3, 0, 1), withNew(feature(colours(), 1, 1), map[string]int64{"pink": 2, "grey": 1}, 2), 1 - 3./5},
	} {
		t.Run(test.statistic.Name()+"/"+test.name, func(t *testing.T) {
			got, defined := test.statistic.Score(test.reference, test.current)
			if !defined || !near(got.Value, test.want) {
				t.Errorf("score %v, %v, want %v", got.Value, defined, test.want)
			}
		})
	}
}

func TestUndefined(t *testing.T) {
	numbers, names := feature(flag(), 0, 5, 0, 5), feature(colours(), 5, 5)
	empty, emptyNames := feature(flag()), feature(colours())
	missing := feature(flag())
	missing.Captured, missing.Missing = 10, 10
	invalid := feature(flag())
	invalid.Captured, invalid.Invalid = 10, 10
	nan := feature(flag())
	nan.Captured, nan.NaN = 10, 10
	for _, test := range []struct {
		name               string
		statistic          Statistic
		reference, current *profile.Feature
	}{
		{"empty current", PSI{}, numbers, empty},
		{"empty reference", PSI{}, empty, numbers},
		{"both empty", PSI{}, emptyNames, emptyNames},
		{"all missing", PSI{}, numbers, missing},
		{"all invalid", PSI{}, numbers, invalid},
		{"all NaN", PSI{}, nan, numbers},
		{"categorical", KS{}, names, names},
		{"empty current", KS{}, numbers, empty},
		{"all missing", KS{}, missing, numbers},
		{"numeric", LInfinity{}, numbers, numbers},
		{"empty current", LInfinity{}, names, emptyNames},
		{"empty reference", LInfinity{}, emptyNames, names},
		{"not captured", MissingShare{}, numbers, empty},
		{"reference not captured", MissingShare{}, empty, numbers},
		{"numeric", NewCategories{}, numbers, numbers},
		{"not captured", NewCategories{}, names, emptyNames},
		{"not captured", TypeShare{}, numbers, empty},
		{"categorical", OutOfRange{}, names, names},
		{"empty current", OutOfRange{}, numbers, empty},
		{"empty reference", OutOfRange{}, empty, numbers},
		{"no edges", OutOfRange{}, feature(&profile.FeatureLayout{Kind: capture.Numeric}, 5), feature(&profile.FeatureLayout{Kind: capture.Numeric}, 5)},
		{"categorical", NegativeShare{}, names, names},
		{"empty current", NegativeShare{}, withNegative(feature(flag(), 1), 1), empty},
		{"empty reference", NegativeShare{}, empty, numbers},
		{"empty current", Cardinality{}, names, emptyNames},
		{"all missing", Cardinality{}, missing, numbers},
		{"all missing", TypeShare{}, numbers, missing},
		{"reference all missing", TypeShare{}, missing, numbers},
	} {
		t.Run(test.statistic.Name()+"/"+test.name, func(t *testing.T) {
			if got, defined := test.statistic.Score(test.reference, test.current); defined || !reflect.ValueOf(got).IsZero() {
				t.Errorf("score %v, %v, want undefined", got, defined)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for kind, names := range map[string][]string{"drift": Drift, "quality": Quality} {
		for _, name := range names {
			if s := New(name); s == nil || s.Name() != name || KindOf(name) != kind {
				t.Errorf("%s: statistic %v of kind %q, want kind %q", name, s, KindOf(name), kind)
			}
		}
	}
	if New("kolmogorov") != nil || KindOf("kolmogorov") != "" {
		t.Error("an unknown name has a statistic")
	}
}

// BenchmarkScore compares a window of a feature with its baseline by each statistic.
func BenchmarkScore(b *testing.B) {
	reference, current := deciled(100, 100, 100, 100, 100, 100, 100, 100, 100, 100), deciled(37, 50, 48, 56, 62, 75, 103, 85, 110, 174)
	for _, name := range Drift {
		s := New(name)
		b.Run(s.Name(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Score(reference, current)
			}
		})
	}
}
