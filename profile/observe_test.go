package profile

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/capture"
)

func TestObserveNumbers(t *testing.T) {
	below, above := math.Nextafter(10, 0), math.Nextafter(30, 0)
	p := profileOf(t,
		row{"-5,,,", both},                     // under the first edge
		row{fmt.Sprintf("%v,,,", below), both}, // just under it
		row{"10,,,", both},                     // an edge belongs to the bin above it
		row{"19.5,,,", both},
		row{"20,,,", both},
		row{fmt.Sprintf("%v,,,", above), both},
		row{"30,,,", both}, // overflow
		row{"1e6,,,", both},
		row{"Inf,,,", both},
		row{"-Inf,,,", both},
		row{"1e999,,,", both}, // infinite as well
		row{"NaN,,,", both},
		row{",,,", both},
		row{"NA,,,", both},
		row{"twenty,,,", both},
		row{"0x10,,,", both},
		row{"20,,,", capture.Output}, // says nothing about the features
	)
	got := p.Feature("age")
	want := &Feature{
		Layout: got.Layout, Captured: 16, Missing: 2, Invalid: 2, NaN: 1, Inf: 3, Negative: 2, Fractional: 3,
		Bins: []int64{3, 2, 2, 4}, Offsets: []int64{0, 62259, 65535, 0}, // 0.95, and 1 less a step
		Under: Sum{High: 10 - below}, Over: Sum{High: 1e6 - 30},
	}
	want.Under.Add(15)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Feature{}, "Moments")); diff != "" {
		t.Errorf("age (-want +got):\n%s", diff)
	}
	if got.Present() != 11 || p.Rows != 17 {
		t.Errorf("%d present of %d rows, want 11 of 17", got.Present(), p.Rows)
	}
	m := got.Moments
	if m.Count != 8 || m.Min != -5 || m.Max != 1e6 {
		t.Errorf("moments are of %d values from %v to %v, want 8 from -5 to 1e6", m.Count, m.Min, m.Max)
	}
	sum := -5 + below + 10 + 19.5 + 20 + above + 30 + 1e6
	if mean, ok := m.Mean(); !ok || math.Abs(mean-sum/8) > 1e-9 {
		t.Errorf("mean is %v, %t, want %v", mean, ok, sum/8)
	}
}

func TestObserveCategories(t *testing.T) {
	long := strings.Repeat("x", 129)
	p := profileOf(t,
		row{",basic,,1", both},
		row{",gold,,0", both},
		row{",basic,,7", both}, // class is open: an unknown one is "other"
		row{",iron,,", both},
		row{",silver,,", both},
		row{",,,", both},
		row{",Basic,,", both}, // another category than basic
		row{",tin,,", both},
		row{",tin,,", both},
		row{"," + long + ",,", both},
		row{"," + long[1:] + ",,", both},
		row{",basic,,1", capture.Input},  // no prediction
		row{",basic,,1", capture.Output}, // no features
		row{",basic,,1", 0},
	)
	plan, class := p.Feature("plan"), p.Feature("class")
	want := &Feature{
		Layout: plan.Layout, Captured: 12, Missing: 1, Bins: []int64{3, 1, 2}, Moments: plan.Moments,
		New: map[string]int64{"Basic": 1, "tin": 2, long[1:]: 1}, NewOther: 1,
	}
	if diff := cmp.Diff(want, plan); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if plan.NewRows() != 5 || plan.Present() != 11 || plan.Moments.Count != 0 {
		t.Errorf("plan: %d new, %d present, %d moments, want 5, 11, 0", plan.NewRows(), plan.Present(), plan.Moments.Count)
	}
	want = &Feature{Layout: class.Layout, Captured: 12, Missing: 8, Bins: []int64{1, 2, 1}, Moments: class.Moments}
	if diff := cmp.Diff(want, class); diff != "" {
		t.Errorf("class (-want +got):\n%s", diff)
	}
}

func TestObserveSomeRows(t *testing.T) {
	batch := capture.NewBatch(schema)
	for _, age := range []string{"x", "15", "x", "", "25", "x"} {
		if err := batch.AppendCells(0, both, [][]byte{[]byte(age), nil, nil, nil}); err != nil {
			t.Fatal(err)
		}
	}
	p := New(layout())
	p.Observe(batch, []int32{1, 2, 3})
	p.Observe(batch, []int32{5})
	age := p.Feature("age")
	if p.Rows != 4 || age.Captured != 4 || age.Invalid != 2 || age.Missing != 1 || age.Bins[1] != 1 || age.Present() != 1 {
		t.Errorf("rows 1, 2, 3 and 5 are %+v", age)
	}
}

func TestNewCategoriesAreCapped(t *testing.T) {
	var rows []row
	for i := range MaxNew + 10 {
		rows = append(rows, row{fmt.Sprintf(",new%d,,", i), both})
	}
	rows = append(rows, row{",new0,,", both}, row{fmt.Sprintf(",new%d,,", MaxNew), both})
	plan := profileOf(t, rows...).Feature("plan")
	if len(plan.New) != MaxNew || plan.NewOther != 11 || plan.NewRows() != MaxNew+12 {
		t.Errorf("%d names, %d without a name, %d rows, want %d, 11, %d", len(plan.New), plan.NewOther, plan.NewRows(), MaxNew, MaxNew+12)
	}
	if plan.New["new0"] != 2 || plan.New[fmt.Sprintf("new%d", MaxNew)] != 0 {
		t.Errorf("new0 has %d rows, new%d has %d, want 2 and 0", plan.New["new0"], MaxNew, plan.New[fmt.Sprintf("new%d", MaxNew)])
	}
}

func TestNewCategoriesOutliveTheBatch(t *testing.T) {
	batch := capture.NewBatch(schema)
	p := New(layout())
	for _, plan := range []string{"tin", "zzz"} {
		if err := batch.AppendCells(0, both, [][]byte{nil, []byte(plan), nil, nil}); err != nil {
			t.Fatal(err)
		}
		p.Observe(batch, []int32{0})
		batch.Reset() // its memory is used again
	}
	if diff := cmp.Diff(map[string]int64{"tin": 1, "zzz": 1}, p.Feature("plan").New); diff != "" {
		t.Errorf("new categories (-want +got):\n%s", diff)
	}
}

func TestReset(t *testing.T) {
	p := profileOf(t, row{"15,tin,0.7,1", both}, row{"NaN,gold,x,", both}, row{"Inf,,,", both})
	p.Reset()
	if diff := diff(New(layout()), p); diff != "" {
		t.Errorf("after Reset (-want +got):\n%s", diff)
	}
	rows := []row{{"25,tin,0.2,0", both}}
	observe(t, p, rows...)
	if diff := diff(profileOf(t, rows...), p); diff != "" {
		t.Errorf("counted after Reset (-want +got):\n%s", diff)
	}
}

func TestFeatureByName(t *testing.T) {
	p := New(layout())
	if f := p.Feature("score"); f != &p.Features[2] || !f.Numeric() || p.Feature("class").Numeric() || p.Feature("none") != nil {
		t.Errorf("score is %+v", f)
	}
}

func TestObserveExtraKeys(t *testing.T) {
	batch := capture.NewBatch(schema)
	for _, features := range []string{`{"age":1}`, `{"age":1,"a":1,"b":2}`, `{"a":1}`, `{"age":1,"a":1}`} {
		record, err := new(capture.Parser).Parse([]byte(`{"features":` + features + `}`))
		if err == nil {
			err = record.Append(batch)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p := New(layout())
	p.Observe(batch, []int32{0, 1})
	if p.Extra != 2 {
		t.Errorf("rows 0 and 1 have %d extra keys, want 2", p.Extra)
	}
	p.Observe(batch, []int32{2, 3})
	if p.Extra != 4 || batch.Extra() != 4 {
		t.Errorf("all rows have %d extra keys, the batch %d, want 4", p.Extra, batch.Extra())
	}
	decoded, err := Decode(layout(), p.Append(nil))
	if err != nil || decoded.Extra != 4 {
		t.Errorf("decoded %d extra keys, %v, want 4", decoded.Extra, err)
	}
}
