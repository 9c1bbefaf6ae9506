package profile

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/capture"
)

// jointLayout is of two numbers, uniform on 0 to 100 in the baseline, a plan and a predicted number.
func jointLayout() (*Layout, capture.Schema) {
	number := func(name string, prediction bool) FeatureLayout {
		return FeatureLayout{Name: name, Prediction: prediction, Kind: capture.Numeric, Edges: []float64{0, 25, 50, 75, 100}, Ranks: []int{0, 60, 120, 180, 240}}
	}
	schema := capture.Schema{Columns: []capture.Column{
		{Name: "x", Role: capture.Feature, Kind: capture.Numeric}, {Name: "y", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "plan", Role: capture.Feature, Kind: capture.Categorical}, {Name: "p", Role: capture.Prediction, Kind: capture.Numeric},
	}}
	plan := FeatureLayout{Name: "plan", Kind: capture.Categorical, Categories: []string{"basic", "gold"}, Half: []int{1}}
	return &Layout{Features: []FeatureLayout{number("x", false), number("y", false), plan, number("p", true)}}, schema
}

func jointRow(t rapid.TB, batch *capture.Batch, sides capture.Side, cells ...string) {
	row := make([][]byte, len(cells))
	for i, c := range cells {
		row[i] = []byte(c)
	}
	if err := batch.AppendCells(0, sides, row); err != nil {
		t.Fatal(err)
	}
}

func TestPairs(t *testing.T) {
	layout, schema := jointLayout()
	if diff := cmp.Diff([]Pair{{0, 1, false}, {0, 2, false}, {1, 2, false}, {0, 3, false}, {1, 3, false}, {2, 3, false}, {0, 1, true}, {0, 3, true}, {1, 3, true}}, layout.Pairs()); diff != "" {
		t.Fatal(diff)
	}
	batch, both := capture.NewBatch(schema), capture.Input|capture.Output
	jointRow(t, batch, both, "10", "60", "gold", "80")          // below, outer; above, inner; half; above, outer
	jointRow(t, batch, both, "50", "49", "basic", "")           // at the median is above
	jointRow(t, batch, capture.Input, "-Inf", "NaN", "new", "") // no prediction: a new category is in no half
	jointRow(t, batch, both, "1", "1", "gold", "1")             // not counted
	p := New(layout)
	p.CountPairs()
	p.Observe(batch, []int32{0, 1, 2})
	want := &Joint{Rows: []int64{2, 3, 2, 1, 1, 1, 2, 1, 1}, Agree: []int64{0, 1, 2, 0, 1, 1, 1, 1, 0}, Projected: [][]int64{}}
	if diff := cmp.Diff(want, p.Joint); diff != "" {
		t.Error(diff)
	}
}

// Who counts no pairs has none, and reads those of others.
func TestPairsAreOptional(t *testing.T) {
	layout, schema := jointLayout()
	batch := capture.NewBatch(schema)
	jointRow(t, batch, capture.Input, "10", "60", "gold", "80")
	plain, paired := New(layout), New(layout)
	paired.CountPairs()
	for _, p := range []*Profile{plain, paired} {
		p.Observe(batch, []int32{0})
	}
	if plain.Joint != nil || plain.Append(nil)[0] != encodingVersion || paired.Append(nil)[0] != withPairs {
		t.Errorf("versions %d and %d, pairs %v", plain.Append(nil)[0], paired.Append(nil)[0], plain.Joint)
	}
	if err := plain.MergeEncoded(paired.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(paired.Joint, plain.Joint); diff != "" || plain.Rows != 2 {
		t.Errorf("%d rows, pairs (-want +got):\n%s", plain.Rows, diff)
	}
	paired.Reset()
	if diff := cmp.Diff(&Joint{make([]int64, 9), make([]int64, 9), [][]int64{}}, paired.Joint); diff != "" {
		t.Error(diff)
	}
	// No column has a side: there is nothing to count.
	flat := New(&Layout{Features: []FeatureLayout{{Name: "x", Kind: capture.Numeric, Edges: []float64{1, 2}, Ranks: []int{0, 240}}}})
	if flat.CountPairs(); flat.Joint != nil {
		t.Errorf("pairs of one column: %v", flat.Joint)
	}
}

// Words of 64 rows give what row by row gives; merged and encoded parts give what the whole gives.
func TestPairsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layout, schema := jointLayout()
		batch := capture.NewBatch(schema)
		whole, one, two := New(layout), New(layout), New(layout)
		for _, p := range []*Profile{whole, one, two} {
			p.CountPairs()
		}
		n := rapid.IntRange(1, 200).Draw(t, "rows")
		want := make([][2]int64, len(layout.Pairs()))
		var rows []int32
		for i := range n {
			sides := rapid.SampledFrom([]capture.Side{capture.Input, capture.Output, capture.Input | capture.Output}).Draw(t, "sides")
			var cells []string
			var valid [4]bool
			var upper, outer [4]bool
			for c := range 4 {
				x := rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), -1, 24, 25, 50, 74, 75, 200}).Draw(t, "x")
				cell := strconv.FormatFloat(x, 'g', -1, 64)
				valid[c], upper[c], outer[c] = x == x, x >= 50, x < 25 || x >= 75
				if c == 2 {
					cell = rapid.SampledFrom([]string{"", "basic", "gold", "other"}).Draw(t, "plan")
					valid[c], upper[c] = cell != "", cell == "gold"
				}
				if c == 3 {
					valid[c] = valid[c] && sides&capture.Output != 0
				} else {
					valid[c] = valid[c] && sides&capture.Input != 0
				}
				cells = append(cells, cell)
			}
			jointRow(t, batch, sides, cells...)
			rows = append(rows, int32(i))
			for k, p := range layout.Pairs() {
				if valid[p.A] && valid[p.B] {
					want[k][0]++
					if !p.Outer && upper[p.A] == upper[p.B] || p.Outer && outer[p.A] == outer[p.B] {
						want[k][1]++
					}
				}
			}
		}
		whole.Observe(batch, rows)
		cut := rapid.IntRange(0, n).Draw(t, "cut")
		one.Observe(batch, rows[:cut])
		two.Observe(batch, rows[cut:])
		if err := one.MergeEncoded(two.Append(nil)); err != nil {
			t.Fatal(err)
		}
		decoded, err := Decode(layout, whole.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		for k := range want {
			for _, p := range []*Profile{whole, one, decoded} {
				if got := [2]int64{p.Joint.Rows[k], p.Joint.Agree[k]}; got != want[k] {
					t.Fatalf("pair %+v: %v, want %v", layout.Pairs()[k], got, want[k])
				}
			}
		}
	})
}

// What pairs of 21 numbers cost, beside counting the columns themselves.
func BenchmarkPairs(b *testing.B) {
	layout, schema := &Layout{}, capture.Schema{}
	for i := range 21 {
		name := fmt.Sprint("x", i)
		layout.Features = append(layout.Features, FeatureLayout{Name: name, Kind: capture.Numeric, Edges: []float64{0, 25, 50, 75, 100}, Ranks: []int{0, 60, 120, 180, 240}})
		schema.Columns = append(schema.Columns, capture.Column{Name: name, Role: capture.Feature, Kind: capture.Numeric})
	}
	batch := capture.NewBatch(schema)
	rows := make([]int32, 8192)
	for i := range rows {
		cells := make([][]byte, 21)
		for c := range cells {
			cells[c] = strconv.AppendInt(nil, int64(i*(c+7)%100), 10)
		}
		if err := batch.AppendCells(0, capture.Input, cells); err != nil {
			b.Fatal(err)
		}
		rows[i] = int32(i)
	}
	paired, plain := New(layout), New(layout)
	paired.CountPairs()
	for name, count := range map[string]func(){
		"columns": func() { plain.Observe(batch, rows) },
		"pairs":   func() { newJoint(layout).observe(paired.Joint, batch, rows) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				count()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8192, "ns/row")
		})
	}
}
