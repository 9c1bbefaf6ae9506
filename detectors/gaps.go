package detectors

import (
	"iter"
	"math"

	"tidemark/profile"
)

// gap is a stretch of the number line as a statistic of distances sees it: how wide it is, what D = F_ref - F_cur
// comes to over it, and by how much that may be wrong, and between what D is in it.
type gap struct {
	width, integral, tolerance float64
	low, high                  float64
}

// sampleGaps are those between neighbouring values, where D does not change. They are undefined for categories, when
// either has no values, and with infinite values.
func sampleGaps(reference, current *Sample) (iter.Seq[gap], bool) {
	r, c := reference.Numbers, current.Numbers
	s, ok := sampleSteps(reference, current)
	if !ok || infinite(r)+infinite(c) > 0 {
		return nil, false
	}
	return func(yield func(gap) bool) {
		var i, j int64
		last := min(r[0], c[0])
		for step := range s.all {
			x := math.Inf(1)
			if i < s.reference {
				x = r[i]
			}
			if j < s.current {
				x = min(x, c[j])
			}
			d := share(i, s.reference) - share(j, s.current)
			if !yield(gap{width: x - last, integral: d * (x - last), low: d, high: d}) {
				return
			}
			last = x
			i += step.reference
			j += step.current
		}
	}, true
}

// binGaps are the bins, the outer ones up to the smallest and the largest value. They are undefined for categories,
// when either has no values or infinite ones, and without edges.
func binGaps(reference, current *profile.Feature) (iter.Seq[gap], bool) {
	if !reference.Numeric() || len(reference.Layout.Edges) == 0 || !finiteValues(reference) || !finiteValues(current) {
		return nil, false
	}
	return func(yield func(gap) bool) {
		edges, n, m := reference.Layout.Edges, reference.Moments.Count, current.Moments.Count
		smallest, largest := min(reference.Moments.Min, current.Moments.Min), max(reference.Moments.Max, current.Moments.Max)
		var r, c int64
		for bin := range reference.Bins {
			p, q := reference.Bins[bin], current.Bins[bin]
			start := share(r, n) - share(c, m)
			r += p
			c += q
			if p+q == 0 && (bin == 0 || bin == len(edges)) {
				continue
			}
			end := share(r, n) - share(c, m)
			g := gap{low: start - share(q, m), high: start + share(p, n)}
			var distance float64
			if p+q > 0 {
				sumR, toleranceR := reference.BinSum(bin)
				sumC, toleranceC := current.BinSum(bin)
				distance = sumR/float64(n) - sumC/float64(m)
				g.tolerance = toleranceR/float64(n) + toleranceC/float64(m)
			}
			switch bin {
			case 0:
				g.width, g.integral = edges[0]-smallest, distance
			case len(edges):
				g.width, g.integral = largest-edges[bin-1], -distance
			default:
				g.width = edges[bin] - edges[bin-1]
				g.integral = end*g.width - distance
			}
			g.tolerance += 1e-15*g.width + 10*math.SmallestNonzeroFloat64 // rounding
			if !yield(g) {
				return
			}
		}
	}, true
}

// curve is a stretch of the reference's distribution function: its width, and what the function is at its left and
// right end and in the mean.
type curve struct{ width, left, right, mean float64 }

// sampleCurve are the stretches between neighbouring values.
func sampleCurve(reference *Sample) iter.Seq[curve] {
	return func(yield func(curve) bool) {
		x, n := reference.Numbers, int64(len(reference.Numbers))
		for i := 1; i < len(x); i++ {
			f := share(int64(i), n)
			if x[i] != x[i-1] && !yield(curve{x[i] - x[i-1], f, f, f}) {
				return
			}
		}
	}
}

// binCurve are the bins.
func binCurve(f *profile.Feature) iter.Seq[curve] {
	return func(yield func(curve) bool) {
		edges, n := f.Layout.Edges, f.Moments.Count
		var below int64
		for bin, rows := range f.Bins {
			left := share(below, n)
			below += rows
			stretch := curve{left: left, right: share(below, n)}
			distance := 0.0
			if rows > 0 {
				distance, _ = f.BinSum(bin)
				distance /= float64(n)
			}
			switch {
			case bin == 0:
				stretch.width = edges[0] - f.Moments.Min
				stretch.mean = distance / stretch.width
			case bin == len(edges):
				stretch.width = f.Moments.Max - edges[bin-1]
				stretch.mean = 1 - distance/stretch.width
			default:
				stretch.width = edges[bin] - edges[bin-1]
				stretch.mean = stretch.right - distance/stretch.width
			}
			if stretch.width > 0 && stretch.right > 0 && stretch.left < 1 && !yield(stretch) {
				return
			}
		}
	}
}

// tail tells the ends of the distribution function from its middle: it gives, of a stretch from 0 or up to 1, how high
// the tail is where it is highest, and in the mean.
func (c curve) tail() (height, mean float64, ok bool) {
	switch {
	case c.left == 0 && c.right < 1:
		return c.right, min(max(c.mean, 0), c.right), true
	case c.right == 1 && c.left > 0:
		return 1 - c.left, min(max(1-c.mean, 0), 1-c.left), true
	}
	return 0, 0, false
}
