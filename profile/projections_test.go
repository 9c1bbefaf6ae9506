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

// projectedLayout is of five numbers, uniform on 0 to 100 in the baseline, a plan between them and a predicted number.
func projectedLayout() (*Layout, capture.Schema) {
	jointly, _ := jointLayout()
	number, plan, prediction := jointly.Features[0], jointly.Features[2], jointly.Features[3]
	layout, schema := &Layout{}, capture.Schema{}
	add := func(f FeatureLayout, role capture.Role) {
		f.Name = fmt.Sprint("c", len(layout.Features))
		layout.Features = append(layout.Features, f)
		schema.Columns = append(schema.Columns, capture.Column{Name: f.Name, Role: role, Kind: f.Kind})
	}
	for i := range 5 {
		if i == 2 {
			add(plan, capture.Feature)
		}
		add(number, capture.Feature)
	}
	add(prediction, capture.Prediction)
	return layout, schema
}

func TestProjections(t *testing.T) {
	layout, _ := projectedLayout()
	inputs, numbers := []int{0, 1, 2, 3, 4, 5}, []int{0, 1, 3, 4, 5}
	want := []Projection{{inputs, 0, false}, {inputs, 1, false}, {inputs, 2, false}, {inputs, 3, false}, {numbers, 0, true}}
	if diff := cmp.Diff(want, layout.Projections()); diff != "" {
		t.Error(diff)
	}
	few, _ := jointLayout()
	if p := few.Projections(); len(p) != 0 {
		t.Errorf("three inputs have the projections %v", p)
	}
	for lower, want := range []string{"......", ".x.x.x", "..xx..", ".xx..x"} {
		got := ""
		for place := range inputs {
			got += map[bool]string{true: "x", false: "."}[(&Projection{Lower: uint(lower)}).lower(place)]
		}
		if got != want {
			t.Errorf("contrast %d has the lower sides of %s, want %s", lower, got, want)
		}
	}
}

// Eight rows at once give what row by row gives; merged and encoded parts give what the whole gives.
func TestProjectionsProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layout, schema := projectedLayout()
		batch, whole, one, two := capture.NewBatch(schema), New(layout), New(layout), New(layout)
		for _, p := range []*Profile{whole, one, two} {
			p.CountPairs()
		}
		want := layout.newProjected()
		n := rapid.IntRange(1, 200).Draw(t, "rows")
		var rows []int32
		for i := range n {
			rows = append(rows, int32(i))
			sides := rapid.SampledFrom([]capture.Side{capture.Input, capture.Output, capture.Input | capture.Output}).Draw(t, "sides")
			var cells []string
			var upper, outer [7]bool
			for c := range 7 {
				x := rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), -1, 24, 25, 50, 74, 75, 200}).Draw(t, "x")
				cell := strconv.FormatFloat(x, 'g', -1, 64)
				upper[c], outer[c] = x >= 50, x < 25 || x >= 75
				if c == 2 {
					cell = rapid.SampledFrom([]string{"", "basic", "gold", "other"}).Draw(t, "plan")
					upper[c] = cell == "gold"
				}
				cells = append(cells, cell)
			}
			jointRow(t, batch, sides, cells...)
			if sides&capture.Input == 0 {
				continue
			}
			for k, p := range layout.Projections() {
				sum := 0
				for place, c := range p.Columns {
					if p.Outer && outer[c] || !p.Outer && upper[c] != p.lower(place) {
						sum++
					}
				}
				want[k][sum]++
			}
		}
		whole.Observe(batch, rows)
		if diff := cmp.Diff(want, whole.Joint.Projected); diff != "" {
			t.Fatal(diff)
		}
		cut := rapid.IntRange(0, n).Draw(t, "cut")
		one.Observe(batch, rows[:cut])
		two.Observe(batch, rows[cut:])
		if err := one.MergeEncoded(two.Append(nil)); err != nil {
			t.Fatal(err)
		}
		two.Reset()
		two.Merge(one)
		if diff := cmp.Diff(whole.Joint, two.Joint); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A profile of the earlier version has pairs and no projections; one of this version must have them.
func TestProfileWithoutProjections(t *testing.T) {
	layout, _ := projectedLayout()
	p := New(layout)
	p.CountPairs()
	got := New(layout)
	if err := got.MergeEncoded(p.appendOld()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.Joint, got.Joint); diff != "" {
		t.Error(diff)
	}
	b := p.Append(nil)
	if err := New(layout).MergeEncoded(b[:len(b)-1]); err == nil {
		t.Error("cut short, it is read")
	}
}
