package baseline

import (
	"cmp"
	"slices"

	"tidemark/capture"
	"tidemark/profile"
)

// Of the categories of a column, the maxCategories most frequent have a bin each, unless they have fewer than
// minRows rows or a share below minShare, which is what PSI takes an empty cell for. Up to maxRare others are
// known by name. Longer names than maxName are not kept.
const (
	maxCategories = 200
	maxRare       = 10_000
	minRows       = 2
	minShare      = 1e-4
	maxName       = 128
)

// names counts the categories of a column. When they are too many to follow, the rarest are forgotten (lossy
// counting, Manku and Motwani 2002), which leaves the frequent ones but makes the column open.
type names struct {
	limit  int
	values int64
	rows   map[string]int64
	open   bool
}

func newNames(limit int) *names { return &names{limit: limit, rows: make(map[string]int64)} }

func (n *names) add(cell []byte) {
	if len(cell) == 0 {
		return // missing
	}
	n.values++
	name := capture.Canonical(cell)
	if len(name) > maxName {
		n.open = true
		return
	}
	n.rows[string(name)]++
	if len(n.rows) <= n.limit {
		return
	}
	n.open = true
	for least := int64(1); len(n.rows) > n.limit/2; least++ {
		for name, rows := range n.rows {
			if rows <= least {
				delete(n.rows, name)
			}
		}
	}
}

// layout sets the categories, the rare ones and whether there were more.
func (n *names) layout(f *profile.FeatureLayout) {
	type category struct {
		name string
		rows int64
	}
	var all []category
	for name, rows := range n.rows {
		all = append(all, category{name, rows})
	}
	slices.SortFunc(all, func(a, b category) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.name, b.name))
	})
	f.Open = n.open
	for i, c := range all {
		switch {
		case i < maxCategories && c.rows >= minRows && float64(c.rows) >= minShare*float64(n.values):
			f.Categories = append(f.Categories, c.name)
		case len(f.Rare) < maxRare:
			f.Rare = append(f.Rare, c.name)
		default:
			f.Open = true
		}
	}
	slices.Sort(f.Categories)
	slices.Sort(f.Rare)
	// The most frequent first, each that leaves no more than half of the values.
	taken := int64(0)
	for _, c := range all {
		if i, own := slices.BinarySearch(f.Categories, c.name); own && 2*(taken+c.rows) <= n.values {
			f.Half, taken = append(f.Half, i), taken+c.rows
		}
	}
	slices.Sort(f.Half)
}
