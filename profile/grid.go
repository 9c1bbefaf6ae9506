package profile

import "math"

// maxCells bounds a grid's memory: two bytes a cell.
const maxCells = 8192

// grid finds the bin of a number by a table: equal cells between the feature's second and its last but one edge, none
// with more than one edge in it, and for each the number of edges left of it. The cell of a number never falls as the
// number rises, in floating-point arithmetic too, so edges in cells to the left are less than the number and edges in
// cells to the right greater: only the next edge is compared with it. The outermost edges are left out since a
// baseline's extremes may be far away.
type grid struct {
	from, scale, cells float64
	left               []uint16   // of each cell; nil when the edges crowd too much for a table
	edges              []float64  // and an infinity behind them
	steps              []stepping // of each bin between two edges
}

func newGrid(edges []float64) grid {
	g := grid{}
	for cells := 64; g.left == nil && cells <= maxCells && len(edges) >= 3 && len(edges) <= math.MaxUint16; cells *= 2 {
		g = gridOf(edges, cells)
	}
	g.steps = make([]stepping, len(edges)+1)
	for bin := 1; bin < len(edges); bin++ {
		g.steps[bin] = steppingOf(edges[bin-1], edges[bin])
	}
	return g
}

func gridOf(edges []float64, cells int) grid {
	g := grid{from: edges[1], cells: float64(cells + 1), left: make([]uint16, cells+3)}
	width := edges[len(edges)-2] - g.from
	g.scale = float64(cells) / width
	if math.IsInf(width, 0) || math.IsInf(g.scale, 0) || g.scale == 0 {
		return grid{}
	}
	in := make([]bool, len(g.left))
	for _, e := range edges {
		c := g.cell(e)
		if in[c] {
			return grid{}
		}
		in[c] = true
	}
	n := uint16(0)
	for c := range in {
		if g.left[c] = n; in[c] {
			n++
		}
	}
	g.edges = append(append(make([]float64, 0, len(edges)+1), edges...), math.Inf(1))
	return g
}

// cell is the cell of a number; what is below or above all goes to the first or the last.
func (g *grid) cell(x float64) int {
	t := (x - g.from) * g.scale
	switch {
	case !(t >= 0):
		return 0
	case t >= g.cells:
		return len(g.left) - 1
	}
	return int(t) + 1
}

// bin is [FeatureLayout.bin] of the edges that the grid was made of, for a finite number, if there is a table. Whether
// the edge is greater is reckoned from the difference, as a processor cannot predict a branch on x.
func (g *grid) bin(x float64) int {
	n := int(g.left[g.cell(x)])
	greater := math.Float64bits(x+0-g.edges[n]) >> 63 // -0 becomes 0, from which any 0 is +0 away
	return n + 1 - int(greater)
}
