package profile

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// grouped counts the rows in groups, in the order given, and merges the groups in a random tree.
func grouped(t *rapid.T, rows []row) *Profile {
	parts := []*Profile{New(layout())}
	for len(rows) > 0 {
		n := rapid.IntRange(1, len(rows)).Draw(t, "group")
		part := New(layout())
		observe(t, part, rows[:n]...)
		parts, rows = append(parts, part), rows[n:]
	}
	for len(parts) > 1 {
		i := rapid.IntRange(0, len(parts)-2).Draw(t, "merged")
		parts[i].Merge(parts[i+1])
		parts = append(parts[:i+1], parts[i+2:]...)
	}
	return parts[0]
}

func TestMergeInAnyOrderAndGrouping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(drawRow(), 0, 30).Draw(t, "rows")
		want := New(layout())
		observe(t, want, rows...)
		shuffled := rapid.Permutation(rows).Draw(t, "shuffled")
		got := grouped(t, shuffled)
		if diff := diffCounts(want, got); diff != "" {
			t.Fatalf("in one go (-), in parts (+):\n%s", diff)
		}
		for _, f := range got.Features {
			var binned int64
			for _, n := range f.Bins {
				binned += n
			}
			if binned+f.NewRows() != f.Present() {
				t.Fatalf("%s: %d in bins and %d new, but %d present", f.Layout.Name, binned, f.NewRows(), f.Present())
			}
		}
	})
}

func TestMergeLeavesTheOther(t *testing.T) {
	rows := []row{{"15,tin,0.7,1", both}, {"25,gold,x,", both}}
	a, b := profileOf(t, row{"35,tin,0.1,0", both}), profileOf(t, rows...)
	a.Merge(b)
	a.Merge(b)
	if diff := diff(profileOf(t, rows...), b); diff != "" {
		t.Errorf("merged from (-want +got):\n%s", diff)
	}
	if a.Rows != 5 || a.Feature("plan").New["tin"] != 3 || a.Feature("age").Moments.Count != 5 {
		t.Errorf("merged into: %d rows, %v", a.Rows, a.Feature("plan"))
	}
}

// More new categories than are kept: which keep their names depends on the order, how many rows there are does not.
func TestMergeKeepsTheNumberOfNewRows(t *testing.T) {
	part := func(from, to int) *Profile {
		var rows []row
		for i := from; i < to; i++ {
			rows = append(rows, row{fmt.Sprintf(",new%d,,", i), both})
		}
		return profileOf(t, rows...)
	}
	for _, parts := range [][]*Profile{
		{part(0, 40), part(30, 80), part(0, 60)},
		{part(0, 60), part(0, 40), part(30, 80)},
		{part(30, 80), part(0, 60), part(0, 40)},
	} {
		whole := New(layout())
		for _, p := range parts {
			whole.Merge(p)
		}
		plan := whole.Feature("plan")
		if plan.NewRows() != 150 || len(plan.New) != MaxNew || plan.Present() != 150 {
			t.Errorf("%d new rows, %d names, %d present, want 150, %d, 150", plan.NewRows(), len(plan.New), plan.Present(), MaxNew)
		}
	}
}
