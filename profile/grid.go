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
// baseline's extremes may be far away; values out there are looked for by halving.
type grid struct {
	small       bool // there are not more bins than it is for
	from, scale float64
	left        []uint8            // of each cell; nil when the edges crowd too much for a table
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
	for cells := 64; g.left == nil && cells <= maxCells && len(edges) >= 3; cells *= 2 {
		g.divide(edges, cells)
	}
	return g
}

// divide makes the table, if no cell has two edges.
func (g *grid) divide(edges []float64, cells int) {
	last := len(edges) - 1
	g.from = edges[1]
	width := edges[last-1] - g.from
	g.scale = float64(cells) / width
	if math.IsInf(width, 0) || math.IsInf(g.scale, 0) || !(g.place(edges[0]) < 0) { // not by underflow
		return
	}
	left := make([]uint8, 0, cells)
	passed := 1 // edges; the first is left of all cells
	for passed <= last {
		cell := int(min(g.place(edges[passed]), float64(cells)))
		if cell == cells {
			break
		}
		if cell < len(left) || passed == last {
			return
		}
		for len(left) <= cell {
			left = append(left, uint8(passed))
		}
		passed++
	}
	for len(left) < cells {
		left = append(left, uint8(passed))
	}
	g.left = left
}

// place is where a number is, in cells. It is in one of them if it is neither below 0 nor as high as there are cells.
func (g *grid) place(x float64) float64 { return (x - g.from) * g.scale }
