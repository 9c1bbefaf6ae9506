package baseline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tidemark/profile"
)

func TestCategories(t *testing.T) {
	for _, test := range []struct {
		name             string
		limit            int
		fill             func(add func(name string, rows int))
		categories, rare int
		open             bool
		has, hasRare     string
	}{
		{"none", 100, func(func(string, int)) {}, 0, 0, false, "", ""},
		{"once is rare", 100, func(add func(string, int)) { add("a", 2); add("b", 1) }, 1, 1, false, "a", "b"},
		{"missing is no category", 100, func(add func(string, int)) { add("", 5); add("a", 2) }, 1, 0, false, "a", ""},
		{"below 1e-4 is rare", 100, func(add func(string, int)) { add("a", 20_000-2); add("b", 2); add("c", 2) }, 1, 2, false, "a", "c"},
		{"one spelling", 100, func(add func(string, int)) { add("1.0", 1); add("1", 1); add("True", 1); add("true", 1) }, 2, 0, false, "true", ""},
		{
			"the 200 most frequent", 1000,
			func(add func(string, int)) {
				for i := range 300 {
					add(fmt.Sprintf("n%03d", i), 2+i/250)
				}
			},
			200, 100, false, "n250", "n150",
		},
		{
			"more than 10,000", 20_000,
			func(add func(string, int)) {
				for i := range 10_300 {
					add(fmt.Sprint(i), 2+2*(i/10_000))
				}
			},
			200, 10_000, true, "10199", "",
		},
		{
			"more than are followed", 100,
			func(add func(string, int)) {
				for i := range 1000 {
					add(fmt.Sprint("once", i), 1)
					add("often", 1)
				}
			},
			1, -1, true, "often", "",
		},
		{"too long to keep", 100, func(add func(string, int)) { add(strings.Repeat("x", 129), 3); add("a", 2) }, 1, 0, true, "a", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newNames(test.limit)
			test.fill(func(name string, rows int) {
				for range rows {
					n.add([]byte(name))
				}
			})
			var f profile.FeatureLayout
			n.layout(&f)
			if len(f.Categories) != test.categories || test.rare >= 0 && len(f.Rare) != test.rare || f.Open != test.open {
				t.Errorf("%d categories, %d rare, open %v, want %d, %d, %v", len(f.Categories), len(f.Rare), f.Open, test.categories, test.rare, test.open)
			}
			if test.has != "" && !slices.Contains(f.Categories, test.has) || test.hasRare != "" && !slices.Contains(f.Rare, test.hasRare) {
				t.Errorf("%q is not a category or %q not rare", test.has, test.hasRare)
			}
			if !slices.IsSorted(f.Categories) || !slices.IsSorted(f.Rare) {
				t.Error("not sorted")
			}
			if len(n.rows) > test.limit {
				t.Errorf("%d names followed, want at most %d", len(n.rows), test.limit)
			}
		})
	}
}
