package profile

import (
	"math"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tidemark/capture"
)

// layout has two features and two predictions, one of each kind.
func layout() *Layout {
	return &Layout{Features: []FeatureLayout{
		{Name: "age", Kind: capture.Numeric, Edges: []float64{10, 20, 30}, Ranks: []int{0, 120, 240}, Center: 20},
		{Name: "plan", Kind: capture.Categorical, Categories: []string{"basic", "gold"}, Rare: []string{"iron", "silver"}},
		{Name: "score", Prediction: true, Kind: capture.Numeric, Edges: []float64{0.5}, Ranks: []int{0}, Center: 0.5},
		{Name: "class", Prediction: true, Kind: capture.Categorical, Categories: []string{"0", "1"}, Open: true},
	}}
}

var schema = capture.Schema{Columns: []capture.Column{
	{Name: "age", Role: capture.Feature, Kind: capture.Numeric},
	{Name: "plan", Role: capture.Feature, Kind: capture.Categorical},
	{Name: "score", Role: capture.Prediction, Kind: capture.Numeric},
	{Name: "class", Role: capture.Prediction, Kind: capture.Categorical},
}}

const both = capture.Input | capture.Output

// row is the cells of one row, parted by commas, and the sides it was captured with.
type row struct {
	cells string
	sides capture.Side
}

// observe counts rows the way captures are counted: through a batch.
func observe(t rapid.TB, p *Profile, rows ...row) {
	t.Helper()
	batch := capture.NewBatch(schema)
	var all []int32
	for i, r := range rows {
		var cells [][]byte
		for cell := range strings.SplitSeq(r.cells, ",") {
			cells = append(cells, []byte(cell))
		}
		if err := batch.AppendCells(0, r.sides, cells); err != nil {
			t.Fatal(err)
		}
		all = append(all, int32(i))
	}
	p.Observe(batch, all)
}

// profileOf counts rows in the layout.
func profileOf(t rapid.TB, rows ...row) *Profile {
	p := New(layout())
	observe(t, p, rows...)
	return p
}

// diff compares what was counted, sums to the bit.
func diff(want, got *Profile) string {
	return cmp.Diff(want, got, cmpopts.IgnoreUnexported(Layout{}), cmpopts.EquateEmpty(), cmpopts.EquateNaNs())
}

// diffCounts compares what was counted but for the sums, and the mean and standard deviation to 1e-12.
func diffCounts(want, got *Profile) string {
	near := func(a, b *Moments) bool {
		same := func(f func(*Moments) (float64, bool)) bool {
			x, ok := f(a)
			y, ok2 := f(b)
			return ok == ok2 && (!ok || math.Abs(x-y) <= 1e-12*max(1, math.Abs(x)))
		}
		return a.Count == b.Count && a.Min == b.Min && a.Max == b.Max && same((*Moments).Mean) && same((*Moments).StdDev)
	}
	moments := cmp.Comparer(func(a, b Moments) bool { return near(&a, &b) })
	sums := cmp.Comparer(func(a, b Sum) bool { return math.Abs(a.Value()-b.Value()) <= 1e-12*max(1, math.Abs(a.Value())) })
	return cmp.Diff(want, got, cmpopts.IgnoreUnexported(Layout{}), cmpopts.EquateEmpty(), moments, sums)
}

// drawRow draws a row with every kind of cell.
func drawRow() *rapid.Generator[row] {
	number := rapid.SampledFrom([]string{"", "NA", "x", "NaN", "Inf", "-Inf", "9.9", "10", "15.3", "20", "29.99", "30", "1e300", "0.1", "0.5", "-7"})
	plan := rapid.SampledFrom([]string{"", "basic", "gold", "iron", "silver", "new1", "new2", "new3", strings.Repeat("long", 40)})
	class := rapid.SampledFrom([]string{"", "0", "1", "2"})
	return rapid.Custom(func(t *rapid.T) row {
		cells := []string{number.Draw(t, "age"), plan.Draw(t, "plan"), number.Draw(t, "score"), class.Draw(t, "class")}
		return row{strings.Join(cells, ","), rapid.SampledFrom([]capture.Side{0, capture.Input, capture.Output, both}).Draw(t, "sides")}
	})
}
