package baseline

import (
	"math"
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

func TestTypeOf(t *testing.T) {
	for _, test := range []struct {
		want  DataType
		cells []string
	}{
		{Integral, []string{"0", "-1", "+12", "007", "123456789012345678901234567890"}},
		{Fractional, []string{"0.0", "-1.5", "+1.25", "1e5", "1E-5", "1.5e+10", "00.10"}},
		{String, []string{" 1", "1 ", ".5", "1.", "-", "+", "NaN", "inf", "1e", "1e+", "1.e5", "1.5.5", "0x10", "1_0", "true", "false", "--1", "1e5.5", "- 1", "a", " "}},
	} {
		for _, cell := range test.cells {
			if got := typeOf([]byte(cell)); got != test.want {
				t.Errorf("%q is %s, want %s", cell, got, test.want)
			}
		}
	}
}

// The patterns are those of Deequ, without the space after the sign.
func TestTypeOfIsAsThePatternsSay(t *testing.T) {
	fractional := regexp.MustCompile(`^(-|\+)?\d+((\.\d+)|((?:\.\d+)?[Ee][-+]?\d+))$`)
	integral := regexp.MustCompile(`^(-|\+)?\d+$`)
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`[-+]?[0-9]{0,2}\.?[0-9 ]{0,2}[eE]?[-+]?[0-9x]{0,2}`).Draw(t, "cell")
		if cell == "" {
			return
		}
		want := String
		switch {
		case fractional.MatchString(cell):
			want = Fractional
		case integral.MatchString(cell):
			want = Integral
		}
		if got := typeOf([]byte(cell)); got != want {
			t.Fatalf("%q is %s, want %s", cell, got, want)
		}
	})
}

func TestColumnType(t *testing.T) {
	for _, test := range []struct {
		counts TypeCounts
		want   DataType
	}{
		{TypeCounts{}, Unknown},
		{TypeCounts{Integral: 3}, Integral},
		{TypeCounts{Integral: 3, Fractional: 1}, Fractional},
		{TypeCounts{Integral: 3, Fractional: 1, String: 1}, String},
	} {
		if got := test.counts.column(); got != test.want {
			t.Errorf("%+v is %s, want %s", test.counts, got, test.want)
		}
	}
}

func TestBuckets(t *testing.T) {
	// The bounds of 0 to 0.3 are those of Python's min + (max-min)*i/10.0.
	want := []float64{0, 0.03, 0.06, 0.09, 0.12, 0.15, 0.18, 0.21000000000000002, 0.24, 0.26999999999999996, 0.3}
	all := newBuckets(0, 0.3)
	for i, b := range all {
		if b.Lower != want[i] || b.Upper != want[i+1] {
			t.Errorf("bucket %d goes from %v to %v, want %v to %v", i, b.Lower, b.Upper, want[i], want[i+1])
		}
	}
	for _, x := range []float64{0, 0.03, math.Nextafter(0.06, 0), 0.3, 0.26999999999999996, math.Nextafter(0.26999999999999996, 0)} {
		place(all, x)
	}
	for i, want := range []float64{1, 2, 0, 0, 0, 0, 0, 0, 1, 2} {
		if all[i].Count != want {
			t.Errorf("bucket %d has %v, want %v", i, all[i].Count, want)
		}
	}
	if all := newBuckets(-math.MaxFloat64, math.MaxFloat64); all != nil {
		t.Errorf("a range that is not finite has buckets %v", all)
	}
	one := newBuckets(7, 7)
	place(one, 7)
	if one[9].Count != 1 || one[0].Lower != 7 || one[9].Upper != 7 {
		t.Errorf("one value: %v", one)
	}
}
