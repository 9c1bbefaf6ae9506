package profile

import (
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestBinSums(t *testing.T) {
	p := profileOf(t, row{"9,,,", both}, row{"-5,,,", both}, row{"12.5,,,", both}, row{"10,,,", both}, row{"30,,,", both}, row{"33,,,", both}, row{"-Inf,,,", both})
	age := p.Feature("age")
	for bin, want := range []float64{1 + 15, 2.5, 0, 0 + 3} {
		sum, tolerance := age.BinSum(bin)
		if math.Abs(sum-want) > tolerance || tolerance > 2*10./65536/2 {
			t.Errorf("bin %d: sum %v with tolerance %v, want %v", bin, sum, tolerance, want)
		}
	}
}

func TestBinSumsAreWithinTheirTolerance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-20, 50), 1, 50).Draw(t, "values")
		p, plain := New(layout()), make([]float64, 4)
		for _, x := range values {
			observe(t, p, row{strconv.FormatFloat(x, 'g', -1, 64) + ",,,", both})
			switch {
			case x < 10:
				plain[0] += 10 - x
			case x < 20:
				plain[1] += x - 10
			case x < 30:
				plain[2] += x - 20
			default:
				plain[3] += x - 30
			}
		}
		for bin, want := range plain {
			sum, tolerance := p.Feature("age").BinSum(bin)
			if math.Abs(sum-want) > tolerance+1e-11 {
				t.Fatalf("bin %d: sum %v with tolerance %v, want %v", bin, sum, tolerance, want)
			}
		}
	})
}

// Bins as narrow as floats can be, and as wide, have places too.
func TestBinSumsOfExtremeBins(t *testing.T) {
	tiny := math.SmallestNonzeroFloat64
	f := Feature{
		Layout: &FeatureLayout{Name: "x", Kind: "numeric", Edges: []float64{-math.MaxFloat64, 0, tiny, math.MaxFloat64}},
		Bins:   make([]int64, 5), Offsets: make([]int64, 5),
	}
	for _, x := range []float64{-math.MaxFloat64, -1, 0, tiny, math.MaxFloat64 / 2} {
		bin := f.Layout.bin(x)
		f.Bins[bin]++
		f.place(bin, x)
	}
	if want := []int64{0, MaxOffset, 0, offsetSteps/2 - 1, 0}; f.Offsets[1] != want[1] || f.Offsets[2] != want[2] || f.Offsets[3] != want[3] {
		t.Errorf("offsets %v, want %v", f.Offsets, want)
	}
}

func TestAddNumberIsAsObserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		observed, added := New(layout()), New(layout())
		f := added.Feature("age")
		// Small integers, so that sums have no rounding in any order.
		for _, x := range rapid.SliceOfN(rapid.IntRange(-20, 50), 1, 20).Draw(t, "values") {
			n := rapid.Int64Range(1, 5).Draw(t, "rows")
			f.AddNumber(float64(x), n)
			for range n {
				observe(t, observed, row{strconv.Itoa(x) + ",,,", both})
			}
		}
		if diff := cmp.Diff(observed.Feature("age"), f); diff != "" {
			t.Fatalf("(-observed +added):\n%s", diff)
		}
	})
}
