package profile

import (
	"encoding/binary"
	"math"
	"math/bits"

	"tidemark/capture"
)

// Joint is how often pairs of columns were on the same side, which no column alone tells. A number is above the baseline's median or
// not, and outside the middle half of the baseline's values or not; a category is among those that hold about half of the
// baseline's values or not. Sides agree in half of the rows when columns have nothing to do with each other.
type Joint struct {
	Rows      []int64   // by [Layout.Pairs]: with a value in both columns
	Agree     []int64   // of these: both columns are on the same side
	Projected [][]int64 // by [Layout.Projections] and sum: rows with inputs; 0 in a baseline that did not count them
}

// Pair is two watched columns whose sides are compared.
type Pair struct {
	A, B  int  // places, A before B
	Outer bool // of being outside the middle half, and not of being above the median
}

// maxJoint is how many columns pairs are made of: the first ones that have sides.
const maxJoint = 64

// Pairs are the pairs of the layout.
func (l *Layout) Pairs() []Pair {
	if l.pairs == nil {
		l.pairs = l.findPairs()
	}
	return l.pairs
}

func (l *Layout) findPairs() []Pair {
	pairs := []Pair{}
	for _, outer := range []bool{false, true} {
		columns := l.sided(outer, func(*FeatureLayout) bool { return true })
		for k, b := range columns {
			for _, a := range columns[:k] {
				pairs = append(pairs, Pair{a, b, outer})
			}
		}
	}
	return pairs
}

// sided are the first of the watched columns that have sides, or outer ones.
func (l *Layout) sided(outer bool, watched func(f *FeatureLayout) bool) []int {
	var columns []int
	for i := range l.Features {
		f := &l.Features[i]
		if len(columns) < maxJoint && watched(f) && (f.sided() && !outer || f.outer() && outer) {
			columns = append(columns, i)
		}
	}
	return columns
}

// nearest is the edge whose rank is nearest to one, and 0 where there is none but the ends.
func (f *FeatureLayout) nearest(rank int) int {
	best := 0
	for i := 1; i < len(f.Ranks)-1; i++ {
		if best == 0 || distance(f.Ranks[i], rank) < distance(f.Ranks[best], rank) {
			best = i
		}
	}
	return best
}

func distance(a, b int) int { return max(a-b, b-a) }

// sided says whether the column's values have a side.
func (f *FeatureLayout) sided() bool {
	return len(f.Half) > 0 || f.Kind == capture.Numeric && f.nearest(Quantiles/2) > 0
}

// outer says whether the column has values outside its middle half.
func (f *FeatureLayout) outer() bool {
	return f.Kind == capture.Numeric && f.nearest(Quantiles/4) < f.nearest(Quantiles/2) && f.nearest(Quantiles/2) < f.nearest(3*Quantiles/4)
}

// CountPairs makes the profile count pairs from now on. It needs some time for each row, so who does not look at them does not.
func (p *Profile) CountPairs() {
	if n := len(p.Layout.Pairs()); p.Joint == nil && n > 0 {
		p.Joint = &Joint{Rows: make([]int64, n), Agree: make([]int64, n), Projected: p.Layout.newProjected()}
	}
}

func (p *Profile) mergeJoint(other *Joint) {
	if other == nil {
		return
	}
	p.CountPairs()
	for i, n := range other.Rows {
		p.Joint.Rows[i] += n
		p.Joint.Agree[i] += other.Agree[i]
	}
	for i, counts := range other.Projected {
		for sum, n := range counts {
			p.Joint.Projected[i][sum] += n
		}
	}
}

// sides are those of 64 rows in a column, a bit each.
type sides struct{ valid, upper, outer uint64 }

// joint counts pairs and projections. It has for all profiles of a layout what does not depend on the rows.
type joint struct {
	pairs       []Pair
	projections []Projection
	columns     []*packer // nil of those that are in no pair
	packed      []sides   // scratch
}

func newJoint(layout *Layout) *joint {
	n := len(layout.Features)
	c := &joint{pairs: layout.Pairs(), projections: layout.Projections(), columns: make([]*packer, n), packed: make([]sides, n)}
	for _, p := range c.pairs {
		for _, i := range []int{p.A, p.B} {
			if c.columns[i] == nil {
				c.columns[i] = newPacker(&layout.Features[i], i)
			}
		}
	}
	return c
}

// observe counts the given rows of a batch. Columns are packed into bits, 64 rows a word, and of a pair of words the bits that are
// alike are counted at once.
func (c *joint) observe(j *Joint, batch *capture.Batch, rows []int32) {
	for _, p := range c.columns {
		if p != nil {
			p.take(batch)
		}
	}
	packed, captured := c.packed, batch.Sides()
	for len(rows) > 0 {
		block := rows[:min(64, len(rows))]
		rows = rows[len(block):]
		input, output := uint64(0), uint64(0)
		for k, row := range block {
			input |= uint64(captured[row]&capture.Input) << k
			output |= uint64(captured[row]&capture.Output/capture.Output) << k
		}
		for i, p := range c.columns {
			if p == nil {
				continue
			}
			packed[i] = p.pack(block)
			if p.layout.Prediction {
				packed[i].valid &= output
			} else {
				packed[i].valid &= input
			}
		}
		for i, p := range c.pairs {
			a, b := &packed[p.A], &packed[p.B]
			unlike := a.upper ^ b.upper
			if p.Outer {
				unlike = a.outer ^ b.outer
			}
			valid := a.valid & b.valid
			j.Rows[i] += int64(bits.OnesCount64(valid))
			j.Agree[i] += int64(bits.OnesCount64(valid &^ unlike))
		}
		project(c.projections, j.Projected, packed, input, len(block))
	}
}

// packer packs the rows of a column.
type packer struct {
	layout          *FeatureLayout
	column          int
	half, low, high float64
	inHalf          []bool // by bin; nil of a numeric column

	batch   *capture.Batch
	numbers []float64
	codes   []int16
	known   [capture.Codes]int8 // by code: whether the category is of the half, 1 or 0, or unknown
}

func newPacker(f *FeatureLayout, column int) *packer {
	p := &packer{layout: f, column: column}
	if f.Kind == capture.Numeric {
		p.half, p.low, p.high = f.Edges[f.nearest(Quantiles/2)], f.Edges[f.nearest(Quantiles/4)], f.Edges[f.nearest(3*Quantiles/4)]
		return p
	}
	p.inHalf = make([]bool, f.Bins())
	for _, bin := range f.Half {
		p.inHalf[bin] = true
	}
	return p
}

// take takes the rows to pack from a batch.
func (p *packer) take(batch *capture.Batch) {
	p.batch = batch
	if p.inHalf == nil {
		p.numbers = batch.Numbers(p.column)
		return
	}
	p.codes = batch.Codes(p.column)
	for i := range p.known {
		p.known[i] = unknown
	}
}

// pack packs up to 64 rows. It takes a number's sides from the signs of differences, since a processor cannot predict branches on them.
func (p *packer) pack(rows []int32) (s sides) {
	if p.inHalf != nil {
		return p.packTexts(rows)
	}
	numbers, half, low, high := p.numbers, p.half, p.low, p.high
	under := func(x, edge float64) uint64 { return math.Float64bits(x-edge) >> 63 }
	for k, row := range rows {
		x := numbers[row]
		there := uint64(1)
		if x != x { // absent numbers among them
			there = 0
		}
		s.valid |= there << (k & 63)
		s.upper |= (under(x, half) ^ 1) << (k & 63)
		s.outer |= (under(x, low) | (under(x, high) ^ 1)) << (k & 63)
	}
	return s
}

// packTexts looks each code up once.
func (p *packer) packTexts(rows []int32) (s sides) {
	for k, row := range rows {
		code := p.codes[row]
		if code < 0 || p.known[code] == unknown {
			text, present := p.batch.Text(p.column, row)
			if !present {
				continue
			}
			upper := int8(0)
			if bin, there := p.layout.category(text); there && p.inHalf[bin] {
				upper = 1
			}
			if code < 0 {
				s.valid |= 1 << k
				s.upper |= uint64(upper) << k
				continue
			}
			p.known[code] = upper
		}
		s.valid |= 1 << k
		s.upper |= uint64(p.known[code]) << k
	}
	return s
}

// append writes the pairs: how many, and for each the rows of the profile that it lacks, and the rows that agree.
func (j *Joint) append(b []byte, rows int64) []byte {
	b = binary.AppendUvarint(b, uint64(len(j.Rows)))
	for i, n := range j.Rows {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(rows-n)), uint64(j.Agree[i]))
	}
	return b
}
