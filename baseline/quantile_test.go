package baseline

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/capture"
	"tidemark/profile"
)

// layoutOf is the layout of a numeric column of these values.
func layoutOf(values []float64, l limits) profile.FeatureLayout {
	s := newSample(1, 0, l)
	for _, v := range values {
		s.set(0, strconv.AppendFloat(nil, v, 'g', -1, 64))
		s.next()
	}
	f := profile.FeatureLayout{Name: "x", Kind: capture.Numeric}
	s.layout(0, &f)
	return f
}

// counted is the number of values in each fine bin.
func counted(f profile.FeatureLayout, values []float64) []int {
	bins := make([]int, f.Bins())
	for _, v := range values {
		bins[sort.Search(len(f.Edges), func(i int) bool { return f.Edges[i] > v })]++
	}
	return bins
}

// decile is the number of values in each of ten cells.
func decile(f profile.FeatureLayout, values []float64) []int {
	var cells []int
	bins, from := counted(f, values), 0
	for _, to := range append(f.Cells(10), len(bins)) {
		n := 0
		for _, count := range bins[from:to] {
			n += count
		}
		cells, from = append(cells, n), to
	}
	return cells
}

func TestQuantile(t *testing.T) {
	sorted := []float64{0.2, 1.7, 2.9, 3.1, 4.4, 5.5, 8.25}
	for k, want := range map[int]float64{ // numpy 2: np.quantile(x, k/240)
		0: 0.2, 1: 0.23750000000000002, 24: 1.1, 48: 1.9400000000000002, 72: 2.6599999999999997, 96: 2.98, 100: 3, 119: 3.095, 120: 3.1,
		121: 3.1325, 144: 3.88, 168: 4.619999999999999, 192: 5.280000000000001, 216: 6.600000000000001, 239: 8.181249999999999, 240: 8.25,
	} {
		if got := quantile(sorted, k); math.Abs(got-want) > 1e-15*want {
			t.Errorf("quantile %d of 240 is %v, want %v", k, got, want)
		}
	}
	if got := quantile([]float64{-math.MaxFloat64, math.MaxFloat64}, 120); got != 0 {
		t.Errorf("the median of the largest floats is %v, want 0", got)
	}
}

// TestDeciles checks the decile cuts against numpy's on k*k/1000 for k below 1,000.
func TestDeciles(t *testing.T) {
	var values []float64
	for k := range 1000 {
		values = append(values, float64(k*k)/1000)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	f := layoutOf(values, defaultLimits)
	var cuts []float64
	for _, cell := range f.Cells(10) {
		cuts = append(cuts, f.Edges[cell-1])
	}
	want := []float64{9.980100000000002, 39.9202, 89.82029999999999, 159.68040000000002, 249.5005, 359.2806, 489.0206999999999, 638.7208, 808.3809000000001}
	for i := range want {
		if len(cuts) != 9 || math.Abs(cuts[i]-want[i]) > 1e-12*want[i] {
			t.Fatalf("cuts %v, want %v", cuts, want)
		}
	}
	if len(f.Edges) != profile.Quantiles+1 || f.Ranks[profile.Quantiles] != profile.Quantiles {
		t.Errorf("%d edges, last rank %d, want 241 and 240", len(f.Edges), f.Ranks[len(f.Ranks)-1])
	}
	if got := f.Edges[len(f.Edges)-1]; f.Edges[0] != 0 || got != math.Nextafter(998.001, 999) {
		t.Errorf("edges go from %v to %v, want from the least value to the successor of the largest", f.Edges[0], got)
	}
}

func TestDecileCellsAreEven(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{10, 11, 100, 237, 241, 1000, 1001, 12345} {
		values := make([]float64, n)
		for i := range values {
			values[i] = random.NormFloat64()
		}
		for i, rows := range decile(layoutOf(values, defaultLimits), values) {
			if math.Abs(float64(rows)-float64(n)/10) > 1 {
				t.Errorf("%d rows: %d in cell %d, want a tenth", n, rows, i)
			}
		}
	}
}

func TestEdges(t *testing.T) {
	after := func(v float64) float64 { return math.Nextafter(v, math.Inf(1)) }
	for _, test := range []struct {
		name   string
		values []float64
		edges  []float64
		ranks  []int
	}{
		{"none", nil, nil, nil},
		{"only NaN and infinite", []float64{math.NaN(), math.Inf(1)}, nil, nil},
		{"one integer", []float64{7}, []float64{7, after(7)}, []int{240, 240}},
		{"one fraction", []float64{0.5, 0.5}, []float64{0.5, after(0.5)}, []int{240, 240}},
		{"0/1", []float64{1, 0, 0, 1}, []float64{0, after(0), 1, after(1)}, []int{80, 80, 240, 240}},
		{"minus zero", []float64{math.Copysign(0, -1), 0}, []float64{0, after(0)}, []int{240, 240}},
		{"integers with a gap", []float64{1, 1, 2, 9}, []float64{1, after(1), 2, after(2), 9, after(9)}, []int{80, 80, 160, 160, 240, 240}},
		{"the largest float", []float64{1e308, math.MaxFloat64, math.MaxFloat64}, []float64{1e308, after(1e308), math.MaxFloat64}, []int{0, 0, 240}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := layoutOf(test.values, defaultLimits)
			if diff := cmp.Diff(test.edges, f.Edges); diff != "" {
				t.Errorf("edges (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.ranks, f.Ranks); diff != "" {
				t.Errorf("ranks (-want +got):\n%s", diff)
			}
			layout := profile.Layout{Features: []profile.FeatureLayout{f}}
			if err := layout.Validate(); err != nil {
				t.Error(err)
			}
			layout.ID() // panics on infinite edges
		})
	}
}

// TestAtom has half of the rows at 0, as amounts often are.
func TestAtom(t *testing.T) {
	var values []float64
	for k := range 1000 {
		values = append(values, 0, float64(k+1)/7)
	}
	f := layoutOf(values, defaultLimits)
	bins := counted(f, values)
	if bins[0] != 0 || bins[1] != 1000 {
		t.Errorf("%d rows in the bin of 0, want 1000", bins[1])
	}
	if f.Edges[1] != math.SmallestNonzeroFloat64 || f.Ranks[0] != 119 || f.Ranks[1] != 119 {
		t.Errorf("edges %v with ranks %v, want 0 and its successor with rank 119", f.Edges[:2], f.Ranks[:2])
	}
}

// TestOneBinPerValue checks columns of few values: one that holds more than two bins' share has a bin of its own.
func TestOneBinPerValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.SampledFrom([]float64{1, 0.37, 1e300, 1e-310}).Draw(t, "step")
		counts := make(map[float64]int)
		var values []float64
		for i := range rapid.IntRange(1, 240).Draw(t, "values") {
			n := rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, 200)).Draw(t, "rows")
			for range n {
				values = append(values, float64(i-20)*step)
			}
			counts[float64(i-20)*step] += n
		}
		f := layoutOf(values, defaultLimits)
		bins := counted(f, values)
		for v, n := range counts {
			bin := sort.Search(len(f.Edges), func(i int) bool { return f.Edges[i] > v })
			own := n*profile.Quantiles > 2*len(values) || step == 1 && len(counts) <= maxValues
			if own && bins[bin] != n {
				t.Fatalf("the bin of %v has %d rows, want its %d of %d", v, bins[bin], n, len(values))
			}
		}
	})
}

func TestLayoutProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-3, 3), rapid.Map(rapid.IntRange(-200, 200), func(i int) float64 { return float64(i) / 4 }))
		values := rapid.SliceOfN(value, 1, 400).Draw(t, "values")
		l := defaultLimits
		l.minimum, l.rows = 10, rapid.IntRange(10, 500).Draw(t, "limit")
		f := layoutOf(values, l)
		finite := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return math.IsInf(v, 0) || math.IsNaN(v) })
		if len(finite) == 0 {
			return
		}
		layout := profile.Layout{Features: []profile.FeatureLayout{f}}
		if err := layout.Validate(); err != nil {
			t.Fatal(err)
		}
		layout.ID()
		if !slices.IsSorted(f.Ranks) || f.Ranks[0] < 0 || f.Ranks[len(f.Ranks)-1] > profile.Quantiles {
			t.Fatalf("ranks %v", f.Ranks)
		}
		if f.Edges[0] != slices.Min(finite) {
			t.Fatalf("first edge %v, least value %v", f.Edges[0], slices.Min(finite))
		}
		if largest := slices.Max(finite); largest < math.MaxFloat64 && f.Edges[len(f.Edges)-1] != math.Nextafter(largest, math.Inf(1)) {
			t.Fatalf("last edge %v, largest value %v", f.Edges[len(f.Edges)-1], largest)
		}
		if !slices.IsSorted(f.Cells(10)) || len(f.Cells(10)) > 9 {
			t.Fatalf("cells %v", f.Cells(10))
		}
	})
}

// TestSample checks the bounded path: it keeps between half the limit and the limit, the same rows in all columns,
// and bins of about even size; the least and largest values are always known.
func TestSample(t *testing.T) {
	l := limits{rows: 20_000, values: 40_000, minimum: 100}
	s := newSample(2, 0, l)
	const rows = 200_000
	for i := range rows {
		s.set(0, strconv.AppendInt(nil, int64(i), 10))
		s.set(1, strconv.AppendInt(nil, int64(rows-i), 10))
		s.next()
	}
	kept := len(s.hashes)
	if kept <= l.rows/2-500 || kept > l.rows || s.level != 4 {
		t.Fatalf("%d rows kept at level %d", kept, s.level)
	}
	for row := range kept {
		if a, b := s.columns[0].kept[row], s.columns[1].kept[row]; a+b != rows {
			t.Fatalf("row %d has %v and %v, which are of two rows", row, a, b)
		}
	}
	var f profile.FeatureLayout
	s.layout(0, &f)
	if f.Edges[0] != 0 || f.Edges[len(f.Edges)-1] != math.Nextafter(rows-1, rows) {
		t.Errorf("edges go from %v to %v", f.Edges[0], f.Edges[len(f.Edges)-1])
	}
	if f.Center != (rows-1)/2.0 {
		t.Errorf("centre %v, want the mean of all rows", f.Center)
	}
	for _, cell := range f.Cells(10) {
		exact := float64(f.Ranks[cell-1]) / profile.Quantiles * rows
		if off := math.Abs(f.Edges[cell-1] - exact); off > 0.02*rows {
			t.Errorf("the quantile %d of 240 is %v, want about %v", f.Ranks[cell-1], f.Edges[cell-1], exact)
		}
	}
}
