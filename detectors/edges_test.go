package detectors

import (
	"math"
	"reflect"
	"testing"

	"tidemark/capture"
)

// TestEdges says what the statistics over cells mean of samples at the edge of sense. Each row has the values of psi,
// kullback_leibler, jensen_shannon, hellinger, total_variation, chi_square and g_test; those of proportion_z and fisher
// follow, NaN for undefined.
func TestEdges(t *testing.T) {
	inf, undefined := math.Inf(1), math.NaN()
	of := func(values ...float64) *Sample { return numeric(values, nil) }
	among := func(counts map[string]int64) *Sample {
		s := &Sample{Kind: capture.Categorical, Categories: counts}
		for _, n := range counts {
			s.Captured += n
		}
		return s
	}
	// A cell full on one side and empty on the other adds this to PSI; two of them are nothing in common.
	full := (1 - shareFloor) * math.Log(1/shareFloor)
	for _, test := range []struct {
		name               string
		reference, current *Sample
		want               [9]float64
	}{
		{"constant", of(5, 5, 5), of(5, 5), [9]float64{0, 0, 0, 0, 0, 0, 0, 0, 1}},
		// The decile is 5, and all values are from it on: deciles do not see a constant rise. Two values are told apart,
		// with 1/2 more for the empty counts: z = sqrt(1/(1/4 (1/2+1/2))), odds 2.5/0.5 against 0.5/2.5.
		{"a constant that rose", of(5, 5), of(7, 7), [9]float64{0, 0, 0, 0, 0, 0, 0, 2, 25}},
		// Below the decile it is another cell. Of 2x2 with 2 in each corner chi-square is sum (1-1/2)^2 / 1, G 2 (2+2) ln 2.
		{"a constant that fell", of(5, 5), of(3, 3), [9]float64{2 * full, math.Log(1/shareFloor) * (1 - shareFloor), 1, 1, 1, 1, 8 * math.Ln2, -2, 1.0 / 25}},
		{"one row each, equal", of(1), of(1), [9]float64{0, 0, 0, 0, 0, 0, 0, 0, 1}},
		// Each is the other's only difference: Yates leaves nothing.
		{"one row each, lower", of(1), of(0), [9]float64{2 * full, full, 1, 1, 1, 0, 4 * math.Ln2, -math.Sqrt2, 1.0 / 9}},
		{"infinite values in the outer cells", of(-inf, 1, 2, inf), of(-inf, 1, 2, inf), [9]float64{0, 0, 0, 0, 0, 0, 0, undefined, undefined}},
		{"only infinite values", of(inf, inf), of(-inf, inf), [9]float64{0, 0, 0, 0, 0, 0, 0, -2 / math.Sqrt(3), 1.0 / 5}},
		{"identical categories", among(map[string]int64{"a": 3, "b": 1}), among(map[string]int64{"a": 6, "b": 2}), [9]float64{0, 0, 0, 0, 0, 0, 0, 0, 1}},
		{"disjoint categories", among(map[string]int64{"a": 2}), among(map[string]int64{"b": 2}), [9]float64{2 * full, full, 1, 1, 1, 1, 8 * math.Ln2, 2, 25}},
		{
			"a new category", among(map[string]int64{"a": 4}), among(map[string]int64{"a": 2, "b": 2}),
			[9]float64{
				0.5*math.Log(2) + (0.5-shareFloor)*math.Log(0.5/shareFloor), math.Log(2) - shareFloor*math.Log(0.5/shareFloor),
				// (log2(4/3) + log2(2/3)/2 + 1/2)/2; 1 - sqrt(1/2); 1/2
				math.Sqrt((math.Log2(4.0/3) + math.Log2(2.0/3)/2 + 0.5) / 2), math.Sqrt(1 - math.Sqrt(0.5)), 0.5,
				// expected 3 3 1 1, differences 1 less 1/2
				0.25 * (2.0/3 + 2), 2 * (4*math.Log(4.0/3) + 2*math.Log(2.0/3) + 2*math.Log(2)), 0.5 / math.Sqrt(0.75*0.25/2), 9,
			},
		},
		{
			"a vanished category", among(map[string]int64{"a": 2, "b": 2}), among(map[string]int64{"a": 4}),
			[9]float64{
				0.5*math.Log(2) + (0.5-shareFloor)*math.Log(0.5/shareFloor), 0.5*math.Log(0.5) + 0.5*math.Log(0.5/shareFloor),
				math.Sqrt((math.Log2(4.0/3) + math.Log2(2.0/3)/2 + 0.5) / 2), math.Sqrt(1 - math.Sqrt(0.5)), 0.5,
				0.25 * (2.0/3 + 2), 2 * (4*math.Log(4.0/3) + 2*math.Log(2.0/3) + 2*math.Log(2)), -0.5 / math.Sqrt(0.75*0.25/2), 1.0 / 9,
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i, name := range []string{
				"psi", "kullback_leibler", "jensen_shannon", "hellinger", "total_variation", "chi_square", "g_test", "proportion_z", "fisher",
			} {
				got, defined := New(name).Exact(test.reference, test.current)
				if want := test.want[i]; defined == math.IsNaN(want) || defined && !near(got.Value, want) {
					t.Errorf("%s: %v, %v, want %v", name, got.Value, defined, want)
				}
			}
		})
	}
}

// TestEdgesUndefined checks that samples without values to compare have no score.
func TestEdgesUndefined(t *testing.T) {
	some := numeric([]float64{0, 1}, nil)
	names := &Sample{Kind: capture.Categorical, Captured: 2, Categories: map[string]int64{"a": 1, "b": 1}}
	for what, nothing := range map[string]*Sample{
		"unseen":      {Kind: capture.Numeric},
		"all missing": {Kind: capture.Numeric, Captured: 3, Missing: 3},
		"all invalid": {Kind: capture.Numeric, Captured: 3, Invalid: 3},
		"all NaN":     {Kind: capture.Numeric, Captured: 3, NaN: 3},
	} {
		for _, name := range overCells {
			for _, pair := range [][2]*Sample{{nothing, nothing}, {some, nothing}, {nothing, some}} {
				if got, defined := New(name).Exact(pair[0], pair[1]); defined || !reflect.ValueOf(got).IsZero() {
					t.Errorf("%s, %s: score %v", name, what, got)
				}
			}
		}
	}
	unseen := &Sample{Kind: capture.Categorical}
	for _, name := range overCells {
		if got, defined := New(name).Exact(names, unseen); defined || !reflect.ValueOf(got).IsZero() {
			t.Errorf("%s, unseen categories: score %v", name, got)
		}
	}
	if got, defined := (LInfinity{}).Exact(some, some); defined || !reflect.ValueOf(got).IsZero() {
		t.Errorf("l_infinity of numbers: score %v", got)
	}
}

// TestTwoValuesOfProfiles checks which profiles the tests of two values are defined for: those whose values can be
// told from each other.
func TestTwoValuesOfProfiles(t *testing.T) {
	// 40 of 100 against 60 of 100: z = 0.2/sqrt(1/4 (1/100+1/100)), odds 1.5/(2/3).
	z, odds := 0.2/math.Sqrt(0.25*0.02), 2.25
	oneRare := colours()
	for _, test := range []struct {
		name    string
		score   func(Statistic) (Score, bool)
		defined bool
		z, odds float64
	}{
		{"0/1", func(s Statistic) (Score, bool) {
			return s.Score(feature(flag(), 0, 60, 0, 40), feature(flag(), 0, 40, 0, 60))
		}, true, z, odds},
		{"0 only", func(s Statistic) (Score, bool) { return s.Score(feature(flag(), 0, 60), feature(flag(), 0, 40)) }, true, 0, 1},
		{"a value between", func(s Statistic) (Score, bool) {
			return s.Score(feature(flag(), 0, 60, 0, 40), feature(flag(), 0, 40, 60))
		}, false, 0, 0},
		{"a value above", func(s Statistic) (Score, bool) {
			return s.Score(feature(flag(), 0, 60), feature(flag(), 0, 40, 0, 0, 60))
		}, false, 0, 0},
		{"more than two values", func(s Statistic) (Score, bool) {
			return s.Score(feature(colours(), 60, 40), feature(colours(), 40, 40, 20))
		}, false, 0, 0},
		{"categories", func(s Statistic) (Score, bool) {
			return s.Score(feature(colours(), 60, 0, 40), feature(colours(), 40, 0, 60))
		}, true, z, odds},
		// mauve, the only rare one, is after blue
		{"one rare category", func(s Statistic) (Score, bool) {
			return s.Score(feature(oneRare, 60, 0, 0, 40), feature(oneRare, 40, 0, 0, 60))
		}, true, z, odds},
		// apricot, new and by name, is before blue; 60 of 100 against none: 0.6/sqrt(.3*.7/50), with 1/2 more (100.5/.5)/(40.5/60.5)
		{"a new category", func(s Statistic) (Score, bool) {
			return s.Score(withNew(feature(colours(), 40), map[string]int64{"apricot": 60}, 0), feature(colours(), 100))
		}, true, 0.6 / math.Sqrt(0.3*0.7*0.02), 201 * 60.5 / 40.5},
		{"a new one without a name", func(s Statistic) (Score, bool) {
			return s.Score(feature(colours(), 60, 40), withNew(feature(colours(), 60), nil, 40))
		}, false, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, defined := test.score(ProportionZ{}); defined != test.defined || !near(got.Value, test.z) {
				t.Errorf("proportion_z %v, %v, want %v", got.Value, defined, test.z)
			}
			if got, defined := test.score(Fisher{}); defined != test.defined || !near(got.Value, test.odds) {
				t.Errorf("fisher %v, %v, want %v", got.Value, defined, test.odds)
			}
		})
	}
}
