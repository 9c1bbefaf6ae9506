package profile

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/capture"
)

func TestMergeShare(t *testing.T) {
	var rows []row
	for _, x := range []string{"12", "12", "12", "14", "25", "25", "40", "", "x", "NaN", "Inf", "Inf"} {
		rows = append(rows, row{x + ",basic,0.7,1", both}, row{x + ",tin,0.1,0", both})
	}
	p := New(layout())
	p.MergeShare(profileOf(t, rows...), 0.25)
	// Ages: 0 below, 8 from 10, 4 from 20 and 6 above; 2 missing, 2 invalid, 2 NaN. Of a quarter of the 8, 12, 18, 20, 22
	// and 24 passed, rounded away from zero, there are 2, 3, 5, 5, 6 and 6.
	age := p.Feature("age")
	if diff := cmp.Diff([]int64{0, 2, 1, 2}, age.Bins); diff != "" {
		t.Errorf("bins (-want +got):\n%s", diff)
	}
	if p.Rows != 6 || age.Captured != 6 || age.Missing != 0 || age.Invalid != 1 || age.NaN != 0 {
		t.Errorf("%d rows, %d captured, %d missing, %d invalid, %d NaN, want 6, 6, 0, 1, 0", p.Rows, age.Captured, age.Missing, age.Invalid, age.NaN)
	}
	// 12, 12, 12, 12, 12, 12, 14, 14 are 0.2 or 0.4 of the bin from its left edge: 6*13107 + 2*26214 steps, a quarter.
	if age.Offsets[1] != (6*13107+2*26214)/4 {
		t.Errorf("offset %d", age.Offsets[1])
	}
	// Of the 14 finite ages a quarter is 3.5, of the 4 infinite ones it is 1: of 5 present values 4 are finite, their sum
	// is 4/14 of 6*12 + 2*14 + 4*25 + 2*40 = 280.
	if mean, _ := age.Moments.Mean(); age.Inf != 1 || age.Moments.Count != 4 || math.Abs(mean-20) > 1e-12 || age.Moments.Min != 12 || age.Moments.Max != 40 {
		t.Errorf("%d infinite, %d finite with mean %v from %v to %v", age.Inf, age.Moments.Count, mean, age.Moments.Min, age.Moments.Max)
	}
	plan := p.Feature("plan")
	if diff := cmp.Diff([]int64{3, 0, 0}, plan.Bins); diff != "" || plan.New["tin"] != 3 {
		t.Errorf("%d of tin, bins (-want +got):\n%s", plan.New["tin"], diff)
	}
}

// Of what columns do together, a share is taken as it is of the rows.
func TestMergeShareOfPairs(t *testing.T) {
	layout, schema := jointLayout()
	whole, batch := New(layout), capture.NewBatch(schema)
	whole.CountPairs()
	for i := range 40 { // x and y are on the same side in 30 rows, in 2 of which y is missing
		x, y := "10", "60"
		if i%4 > 0 {
			y = "20"
		}
		if i == 1 || i == 2 {
			y = ""
		}
		jointRow(t, batch, capture.Input|capture.Output, x, y, "gold", "80")
		whole.Observe(batch, []int32{0})
		batch.Reset()
	}
	p := New(layout)
	p.MergeShare(whole, 0.25)
	if j := p.Joint; p.Rows != 10 || j.Rows[0] != 10 || j.Agree[0] != 7 { // of 38 and of 28
		t.Errorf("x and y agree in %d of %d rows, of %d; want 7 of 10, of 10", j.Agree[0], j.Rows[0], p.Rows)
	}
	p.MergeShare(whole, 0.75)
	if p.Joint.Rows[1] != whole.Joint.Rows[1] || p.Joint.Agree[1] != whole.Joint.Agree[1] {
		t.Errorf("of a quarter and three quarters, %d of %d agree; want %d of %d", p.Joint.Agree[1], p.Joint.Rows[1], whole.Joint.Agree[1], whole.Joint.Rows[1])
	}
	if _, err := Decode(layout, p.Append(nil)); err != nil {
		t.Error(err)
	}
	sums := &Joint{Projected: [][]int64{make([]int64, 3)}}
	sums.thin(&Joint{Projected: [][]int64{{10, 5, 3}}}, 0.3)
	if diff := cmp.Diff([]int64{3, 2, 0}, sums.Projected[0]); diff != "" { // of 10, 15 and 18 passed: 3, 4.5 and 5.4
		t.Errorf("sums (-want +got):\n%s", diff)
	}
}

func TestMergeShareOfOneIsMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(drawRow(), 0, 30).Draw(t, "rows")
		want, got := profileOf(t, rows...), profileOf(t, rows...)
		want.Merge(profileOf(t, rows...))
		got.MergeShare(profileOf(t, rows...), 1)
		if diff := diff(want, got); diff != "" {
			t.Fatalf("merged (-), the share 1 merged (+):\n%s", diff)
		}
	})
}

// TestMergeShareKeepsTheDistribution checks that no cumulative count is off by more than half a row, and that the
// counts of the result fit each other.
func TestMergeShareKeepsTheDistribution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := profileOf(t, rapid.SliceOfN(drawRow(), 0, 60).Draw(t, "rows")...)
		share := rapid.Float64Range(0.001, 0.999).Draw(t, "share")
		p := New(whole.Layout)
		p.MergeShare(whole, share)
		for i := range p.Features {
			f, w := &p.Features[i], &whole.Features[i]
			var took, of int64
			for bin := range f.Bins {
				took, of = took+f.Bins[bin], of+w.Bins[bin]
				if math.Abs(float64(took)-share*float64(of)) > 0.5+1e-9 {
					t.Fatalf("%s: up to bin %d it has %d rows of %d at a share of %v", f.Layout.Name, bin, took, of, share)
				}
				if f.Offsets != nil && f.Offsets[bin] > MaxOffset*f.Bins[bin] {
					t.Fatalf("%s: bin %d has %d rows and offset %d", f.Layout.Name, bin, f.Bins[bin], f.Offsets[bin])
				}
			}
			if took+f.NewRows() != f.Present() || f.Captured > p.Rows || math.Abs(float64(f.Captured)-share*float64(w.Captured)) > 0.5+1e-9 {
				t.Fatalf("%s: %d in bins, %d new, %d present, %d captured of %d rows", f.Layout.Name, took, f.NewRows(), f.Present(), f.Captured, p.Rows)
			}
			if f.Numeric() && f.Moments.Count+f.Inf != f.Present() {
				t.Fatalf("%s: %d finite and %d infinite, but %d present", f.Layout.Name, f.Moments.Count, f.Inf, f.Present())
			}
			if _, err := Decode(p.Layout, p.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
