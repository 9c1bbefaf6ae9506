package profile

import "math"

const (
	maxCells = 8192 // of a grid: a byte each
	gridBins = 256  // that a grid is for at most: a byte holds one
)

// grid finds the bins of numbers by a table: equal cells between the feature's second and its last but one edge, none
// with more than one edge in it, and for each the number of edges left of it. The cell of a number never falls as the
// number rises, in floating-point arithmetic too, so edges in cells to the left are less than the number and edges in
// cells to the right greater: only the next edge is compared with it. The outermost edges are left out since a
// baseline's extremes may be far away; most numbers out there are few edges away from the first or the last.
type grid struct {
	small       bool   // there are not more bins than it is for
	cells       uint64 // a power of two, or 0 when the edges crowd too much for a table
	from, scale float64
	to          float64            // numbers that are in cells are between from and to
	left        [maxCells]uint8    // of each cell
	edges       [gridBins]float64  // and infinities behind them
	steps       [gridBins]stepping // of each bin between two edges
}

func newGrid(edges []float64) *grid {
	g := &grid{small: len(edges) < gridBins}
	if !g.small {
		return g
	}
	for i := range g.edges {
		g.edges[i] = math.Inf(1)
	}
	copy(g.edges[:], edges)
	for bin := 1; bin < len(edges); bin++ {
		g.steps[bin] = steppingOf(edges[bin-1], edges[bin])
	}
	for cells := 64; g.cells == 0 && cells <= maxCells && len(edges) >= 3; cells *= 2 {
		g.divide(edges, cells)
	}
	return g
}

// divide makes the table, if no cell has two edges.
func (g *grid) divide(edges []float64, cells int) {
	last := len(edges) - 1
	width := edges[last-1] - edges[1]
	g.from, g.scale = edges[1]-width/float64(cells), float64(cells)/width
	if math.IsInf(width, 0) || math.IsInf(g.scale, 0) || !(g.place(edges[0]) < 1) {
		return
	}
	passed := 1 // edges; the first is left of all cells
	for passed < last && g.place(edges[passed]) < 1 {
		passed++
	}
	for cell := range cells {
		g.left[cell] = uint8(passed)
		for most := passed + 1; passed <= last && g.place(edges[passed]) < float64(cell+2); passed++ {
			if passed == last || passed == most {
				return
			}
		}
	}
	if g.to = edges[last-1] + width/float64(cells); g.place(g.to) < float64(cells+1) {
		g.to = math.Inf(1)
	}
	g.cells = uint64(cells)
}

// place is where a number is, in cells, the first of which is from 1 to 2.
func (g *grid) place(x float64) float64 { return (x - g.from) * g.scale }

// cell is the cell that a number is in, or not below cells when it is in none: what has no integer becomes the least one, the
// largest or 0.
func (g *grid) cell(x float64) uint64 { return uint64(int64(g.place(x))) - 1 }

// bin is the bin of a number in a cell.
func (g *grid) bin(cell uint64, x float64) uint8 {
	bin, right := g.left[cell%maxCells], uint8(0) // of the next edge
	if x >= g.edges[bin] {
		right = 1
	}
	return bin + right
}

// outside is the bin of a finite number that is in no cell.
func (g *grid) outside(layout *FeatureLayout, x float64) int {
	edges, bin := layout.Edges, 0
	if g.cells == 0 {
		return layout.bin(x)
	}
	if x < edges[1] {
		for x >= edges[bin] {
			bin++
		}
		return bin
	}
	for bin = len(edges); x < edges[bin-1]; bin-- {
	}
	return bin
}
