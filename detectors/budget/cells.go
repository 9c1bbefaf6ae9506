package budget

import "slices"

// Cells says how the records of a feature are cut: first its values, then what is none, such as missing.
type Cells struct {
	Values  int  // cells of values: ranges of a number in their order, or categories
	Special int  // cells behind them, such as missing, invalid, new
	Ordered bool // the values are numbers

	groups []int // by cell, the group that it is in; special cells have a group each
	count  int   // groups
}

// Len is the number of cells.
func (c *Cells) Len() int { return c.Values + c.Special }

// MaxCells is the most cells that a feature may have.
const MaxCells = 72

// maxGroups is how many groups the cells of a number are joined to for the bets on one range and the ones that learn.
const maxGroups = 16

// NewCells cuts a feature whose reference has counts in the cells of its values, in order, followed by the special ones.
// The ranges of a number are joined to at most 16 groups of neighbours of about equal share; a range with more than that is a
// group of its own. Categories are their own groups.
func NewCells(ordered bool, special int, counts []float64) *Cells {
	c := &Cells{Values: len(counts) - special, Special: special, Ordered: ordered, groups: make([]int, len(counts))}
	p := shares(counts)
	total := 0.0
	for _, x := range p[:c.Values] {
		total += x
	}
	below, last := 0.0, -1
	for k := range c.groups {
		group := -2 - k
		if ordered && k < c.Values {
			group = min(int(maxGroups*(below+p[k]/2)/total), maxGroups-1)
			below += p[k]
		}
		if group != last {
			c.count++
		}
		c.groups[k], last = c.count-1, group
	}
	return c
}

// Group is the cells [from, to) of a group.
func (c *Cells) Group(group int) (from, to int) {
	from, _ = slices.BinarySearch(c.groups, group)
	to, _ = slices.BinarySearch(c.groups, group+1)
	return from, to
}

// join adds up by group.
func (c *Cells) join(into, cells []float64) {
	clear(into)
	for k, x := range cells {
		into[c.groups[k]] += x
	}
}

// shares are the reference's: each cell has half a record more, so that none is 0.
func shares(counts []float64) []float64 {
	rows := float64(len(counts)) / 2
	for _, n := range counts {
		rows += n
	}
	p := make([]float64, len(counts))
	for k, n := range counts {
		p[k] = (n + 0.5) / rows
	}
	return p
}
