package profile

import (
	"math"

	"tidemark/capture"
)

// Counter counts batches into profiles of one layout, a column at a time. It looks bins up in tables, which it has
// once for all profiles. It is not for concurrent use.
type Counter struct {
	grids   []*grid // nil of categories
	numbers numbers // scratch
	known   []int16 // of a column's codes: its bin, or unknown
	joint   *joint  // once a profile counts pairs
}

const unknown = -1 // not looked up yet

// NewCounter returns a counter for profiles of the layout.
func NewCounter(layout *Layout) *Counter {
	c := &Counter{grids: make([]*grid, len(layout.Features)), known: make([]int16, capture.Codes)}
	for i := range layout.Features {
		if f := &layout.Features[i]; f.Kind == capture.Numeric {
			c.grids[i] = newGrid(f.Edges)
		}
	}
	return c
}

// Observe counts the given rows of a batch, in rising order, whose watched columns must be those of the profile's
// layout.
func (c *Counter) Observe(p *Profile, batch *capture.Batch, rows []int32) {
	p.Rows += int64(len(rows))
	p.Extra += countRows(batch.Extras(), rows)
	if p.Joint != nil {
		if c.joint == nil {
			c.joint = newJoint(p.Layout)
		}
		c.joint.observe(p.Joint, batch, rows)
	}
	sides := batch.Sides()
	every := capture.Input | capture.Output
	for _, row := range rows {
		every &= sides[row]
	}
	for i := range p.Features {
		f := &p.Features[i]
		side := capture.Input
		if f.Layout.Prediction {
			side = capture.Output
		}
		captured := rows
		if every&side == 0 {
			captured = withSide(rows, sides, side)
		}
		f.Captured += int64(len(captured))
		if f.Numeric() {
			c.numbers.observe(f, c.grids[i], batch.Numbers(i), captured, batch.Invalid(i))
			continue
		}
		f.observeCategories(c.known, batch, i, captured)
	}
}

// withSide returns the rows that were captured with a side.
func withSide(rows []int32, sides []capture.Side, side capture.Side) []int32 {
	var with []int32
	for _, row := range rows {
		if sides[row]&side != 0 {
			with = append(with, row)
		}
	}
	return with
}

// observeCategories looks each code up once.
func (f *Feature) observeCategories(known []int16, batch *capture.Batch, column int, rows []int32) {
	codes, invalid := batch.Codes(column), batch.Invalid(column)
	for i := range known {
		known[i] = unknown
	}
	for _, row := range rows {
		code := codes[row]
		if code >= 0 && known[code] >= 0 {
			f.Bins[known[code]]++
			continue
		}
		value, present := batch.Text(column, row)
		if !present {
			f.countNull(row, &invalid)
			continue
		}
		bin, there := f.Layout.category(value)
		switch {
		case !there:
			f.addNew(value, 1)
			continue
		case code >= 0 && bin <= math.MaxInt16:
			known[code] = int16(bin)
		}
		f.Bins[bin]++
	}
}
