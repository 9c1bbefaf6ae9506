package profile

import "math"

// offsetSteps is the number of steps that the width of a bin is cut into to tell where its values are. Whole steps
// add up to the same in any order, and take a few bytes.
const offsetSteps = 1 << 16

// MaxOffset is what one value adds to its bin's offset at most.
const MaxOffset = offsetSteps - 1

// place counts a finite value in a bin: how many steps it is from the bin's left edge, or, outside the edges, how far.
func (f *Feature) place(bin int, x float64) {
	edges := f.Layout.Edges
	switch {
	case len(edges) == 0:
	case bin == 0:
		f.Under.Add(edges[0] - x)
	case bin == len(edges):
		f.Over.Add(x - edges[len(edges)-1])
	default:
		step := steppingOf(edges[bin-1], edges[bin])
		f.Offsets[bin] += step.offset(x)
	}
}

// stepping is what tells a value's place in a bin with two edges: the left edge, and the steps for each unit right of it.
// Both are 0 when the bin is too narrow or too wide to tell.
type stepping struct{ left, scale float64 }

func steppingOf(left, right float64) stepping {
	scale := offsetSteps / (right - left)
	if math.IsInf(scale, 0) || scale == 0 {
		return stepping{}
	}
	s := stepping{left, scale}
	for last := math.Nextafter(right, left); s.offset(last) > MaxOffset; { // by rounding
		s.scale = math.Nextafter(s.scale, 0)
	}
	return s
}

// offset is how many steps a value of the bin is from its left edge.
func (s *stepping) offset(x float64) int64 { return int64((x - s.left) * s.scale) }

// AddNumber counts n rows of a numeric feature that all have the finite value x, for counts that were made elsewhere. It
// is as if they were observed, but for the rounding of sums; the profile's Rows are the caller's to set.
func (f *Feature) AddNumber(x float64, n int64) {
	bin, rows := f.Layout.bin(x), float64(n)
	f.Captured += n
	f.Bins[bin] += n
	if x < 0 {
		f.Negative += n
	}
	if x != math.Trunc(x) {
		f.Fractional += n
	}
	switch edges := f.Layout.Edges; {
	case len(edges) == 0:
	case bin == 0:
		f.Under.Add((edges[0] - x) * rows)
	case bin == len(edges):
		f.Over.Add((x - edges[len(edges)-1]) * rows)
	default:
		step := steppingOf(edges[bin-1], edges[bin])
		f.Offsets[bin] += step.offset(x) * n
	}
	f.Moments.add(x, n)
}

// BinSum returns how far the finite values of a bin are from its left edge, all added up, and by how much that may be
// wrong in either direction: the places of values are kept in steps of 1/65536 of the bin's width. Of the first bin,
// which has no left edge, it is how far they are below the right one. It may be infinite when values are near the
// largest float.
func (f *Feature) BinSum(bin int) (sum, tolerance float64) {
	edges := f.Layout.Edges
	switch {
	case len(edges) == 0:
		return 0, 0
	case bin == 0:
		return f.Under.Value(), 0
	case bin == len(edges):
		return f.Over.Value(), 0
	}
	step := (edges[bin] - edges[bin-1]) / offsetSteps
	half := float64(f.Bins[bin]) / 2
	return (float64(f.Offsets[bin]) + half) * step, half * step
}
