package profile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"tidemark/capture"
)

// drawEdges draws edges as baselines have them: even, crowded, with extremes, few or many.
func drawEdges(t *rapid.T) []float64 {
	values := rapid.SliceOfN(rapid.OneOf(
		rapid.Float64Range(-10, 10), rapid.Float64Range(0, 1e-3), rapid.Float64(),
		rapid.Map(rapid.IntRange(-20, 20), func(n int) float64 { return float64(n) }),
		rapid.SampledFrom([]float64{-math.MaxFloat64, math.MaxFloat64, 5e-324, 0, 1e300}),
	), 0, 60).Draw(t, "edges")
	slices.Sort(values)
	values = slices.DeleteFunc(slices.Compact(values), func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
	return values
}

// drawNumber draws a number near the edges, or any.
func drawNumber(edges []float64) *rapid.Generator[float64] {
	anywhere := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-11, 11), rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 5e-324}))
	if len(edges) == 0 {
		return anywhere
	}
	near := rapid.Custom(func(t *rapid.T) float64 {
		e := rapid.SampledFrom(edges).Draw(t, "edge")
		return rapid.SampledFrom([]float64{e, math.Nextafter(e, math.Inf(-1)), math.Nextafter(e, math.Inf(1))}).Draw(t, "beside")
	})
	return rapid.OneOf(anywhere, near)
}

func TestGridFindsTheBin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := drawEdges(t)
		checkGrid(t, edges, rapid.SliceOfN(drawNumber(edges), 1, 50).Draw(t, "numbers"))
	})
}

// TestGridOfAVastSpan: how far 0 is below the first cells is less than any number when a cell is as wide as 1e298.
func TestGridOfAVastSpan(t *testing.T) {
	checkGrid(t, []float64{5e-324, 2.6e-26, 1e300, math.MaxFloat64}, []float64{0, 5e-324, 1e-26, 2.6e-26, 1, 1e299})
}

// checkGrid checks the bins of those numbers that are in the grid's cells.
func checkGrid(t rapid.TB, edges, numbers []float64) {
	g, layout := newGrid(edges), FeatureLayout{Edges: edges}
	for _, x := range numbers {
		cell := g.cell(x)
		if cell >= g.cells {
			continue
		}
		if x-x != 0 {
			t.Fatalf("%v is in cell %d", x, cell)
		}
		got := int(g.bin(cell, x))
		if want := layout.bin(x); got != want || got == 0 || got == len(edges) {
			t.Fatalf("%v is in bin %d of %v, want %d, and none outside of the edges", x, got, edges, want)
		}
	}
}

// TestGridIsUsed: quantiles of a normal and of a skewed sample get a table.
func TestGridIsUsed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for name, draw := range map[string]func() float64{"normal": random.NormFloat64, "exponential": random.ExpFloat64} {
		var sample, edges []float64
		for range 100_000 {
			sample = append(sample, draw())
		}
		slices.Sort(sample)
		for k := range Quantiles {
			edges = append(edges, sample[len(sample)*k/Quantiles])
		}
		if g := newGrid(edges); g.cells == 0 {
			t.Errorf("%s: no table", name)
		}
	}
}

// TestCounterIsPlain: the counter comes to the same as counting row by row, to the last bit but for the sums of moments.
func TestCounterIsPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := drawEdges(t)
		ranks := make([]int, len(edges))
		layout := &Layout{Features: []FeatureLayout{
			{Name: "x", Kind: capture.Numeric, Edges: edges, Ranks: ranks, Center: 1},
			{Name: "c", Kind: capture.Categorical, Categories: []string{"a", "b"}, Rare: []string{"r"}, Open: rapid.Bool().Draw(t, "open")},
			{Name: "y", Prediction: true, Kind: capture.Numeric, Edges: edges, Ranks: ranks},
		}}
		schema := capture.Schema{Columns: []capture.Column{
			{Name: "x", Role: capture.Feature, Kind: capture.Numeric}, {Name: "c", Role: capture.Feature, Kind: capture.Categorical},
			{Name: "y", Role: capture.Prediction, Kind: capture.Numeric}}}
		number := rapid.OneOf(
			rapid.Map(drawNumber(edges), func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }),
			rapid.SampledFrom([]string{"", "bad", "NaN"}))
		category := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", "r", "new"}), rapid.Map(rapid.IntRange(0, 200), func(n int) string { return fmt.Sprint("c", n) }))
		counter, fast, plain := NewCounter(layout), New(layout), New(layout)
		batch := capture.NewBatch(schema)
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			var rows []int32
			for i := range rapid.IntRange(0, 40).Draw(t, "rows") {
				cells := [][]byte{[]byte(number.Draw(t, "x")), []byte(category.Draw(t, "c")), []byte(number.Draw(t, "y"))}
				sides := rapid.SampledFrom([]capture.Side{both, both, both, capture.Input, capture.Output}).Draw(t, "sides")
				if err := batch.AppendCells(0, sides, cells); err != nil {
					t.Fatal(err)
				}
				if rapid.IntRange(0, 9).Draw(t, "counted") > 0 {
					rows = append(rows, int32(i))
				}
			}
			counter.Observe(fast, batch, rows)
			plain.observePlain(batch, rows)
			batch.Reset()
		}
		sums := cmpopts.IgnoreFields(Moments{}, "Sum", "Squares")
		if diff := cmp.Diff(plain, fast, cmpopts.IgnoreUnexported(Layout{}), cmpopts.EquateEmpty(), cmpopts.EquateNaNs(), sums); diff != "" {
			t.Fatalf("counter (-plain +counter):\n%s", diff)
		}
		for i := range plain.Features {
			if want, got := &plain.Features[i].Moments, &fast.Features[i].Moments; !sameMoments(want, got) {
				t.Fatalf("moments %+v, want %+v", got, want)
			}
		}
	})
}

// sameMoments says whether the mean and the variance are the same to 1e-13 of the values' size, unless that is near the
// largest number, whose sums depend on the order.
func sameMoments(a, b *Moments) bool {
	size := max(math.Abs(a.Min), math.Abs(a.Max), math.Abs(a.Center))
	if a.Count == 0 || size > 1e100 {
		return true
	}
	mean, _ := a.Mean()
	mean2, _ := b.Mean()
	deviation, _ := a.StdDev()
	deviation2, _ := b.StdDev()
	return math.Abs(mean-mean2) <= 1e-13*size && math.Abs(deviation*deviation-deviation2*deviation2) <= 1e-13*size*size
}

// TestManyBins: a layout with more bins than a grid is for is counted too, as well as rows of several blocks.
func TestManyBins(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{gridBins - 1, gridBins, 1000} {
		var edges []float64
		for i := range n {
			edges = append(edges, float64(i)/7)
		}
		layout := &Layout{Features: []FeatureLayout{{Name: "x", Kind: capture.Numeric, Edges: edges, Ranks: make([]int, n)}}}
		batch := capture.NewBatch(capture.Schema{Columns: []capture.Column{{Name: "x", Role: capture.Feature, Kind: capture.Numeric}}})
		var rows []int32
		for i := range 3*blockRows + 5 {
			cell := strconv.FormatFloat(random.NormFloat64()*float64(n)/7, 'g', -1, 64)
			if i%50 == 0 {
				cell = ""
			}
			if err := batch.AppendCells(0, both, [][]byte{[]byte(cell)}); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, int32(i))
		}
		got, want := New(layout), New(layout)
		got.Observe(batch, rows)
		want.observePlain(batch, rows)
		if diff := diffCounts(want, got); diff != "" {
			t.Errorf("%d edges (-plain +counter):\n%s", n, diff)
		}
	}
}

// BenchmarkObserve counts batches of 1,000 rows of 21 columns of numbers, 1 % of them empty: whole, or two panes' rows in turn.
func BenchmarkObserve(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	layout, schema, cells := &Layout{}, capture.Schema{}, [][]byte{}
	for i := range 21 {
		sample := make([]float64, 100_000)
		for i := range sample {
			sample[i] = random.NormFloat64()
		}
		slices.Sort(sample)
		var edges []float64
		for k := range Quantiles {
			edges = append(edges, sample[len(sample)*k/Quantiles])
		}
		layout.Features = append(layout.Features, FeatureLayout{Name: fmt.Sprint("x", i), Kind: capture.Numeric, Edges: edges, Ranks: make([]int, len(edges))})
		schema.Columns = append(schema.Columns, capture.Column{Name: fmt.Sprint("x", i), Role: capture.Feature, Kind: capture.Numeric})
		cells = append(cells, nil)
	}
	batch := capture.NewBatch(schema)
	var whole []int32
	var parts [2][]int32
	for row := range int32(1000) {
		for i := range cells {
			cells[i] = fmt.Appendf(cells[i][:0], "%.4f", random.NormFloat64())
			if random.IntN(100) == 0 {
				cells[i] = cells[i][:0]
			}
		}
		if err := batch.AppendCells(0, capture.Input, cells); err != nil {
			b.Fatal(err)
		}
		part := random.IntN(2)
		whole, parts[part] = append(whole, row), append(parts[part], row)
	}
	for name, panes := range map[string][][]int32{"whole": {whole}, "parted": parts[:]} {
		b.Run(name, func(b *testing.B) {
			counter, profiles := NewCounter(layout), []*Profile{New(layout), New(layout)}
			b.ReportAllocs()
			for b.Loop() {
				for i, rows := range panes {
					counter.Observe(profiles[i], batch, rows)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(whole)*len(cells)), "ns/value")
		})
	}
}

// TestNothingIsAllocated: a capture that fits a template is read and counted without an allocation.
func TestNothingIsAllocated(t *testing.T) {
	value := []byte(`{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"15.5,gold","encoding":"CSV"},` +
		`"endpointOutput":{"observedContentType":"text/csv","mode":"OUTPUT","data":"0.75,1","encoding":"CSV"}},` +
		`"eventMetadata":{"eventId":"e1","inferenceTime":"2026-01-02T15:04:05.678Z"},"eventVersion":"0"}`)
	var parser capture.Parser
	batch, p, rows := capture.NewBatch(schema), New(layout()), []int32{0}
	counter := NewCounter(p.Layout)
	allocations := testing.AllocsPerRun(1000, func() {
		record, err := parser.Parse(value)
		if err == nil {
			err = record.Append(batch)
		}
		if err != nil {
			t.Fatal(err)
		}
		counter.Observe(p, batch, rows)
		batch.Reset()
	})
	if allocations != 0 || p.Rows == 0 {
		t.Errorf("%v allocations a record, want none", allocations)
	}
}
