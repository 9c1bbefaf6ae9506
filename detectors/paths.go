package detectors

import "math"

// path is what is known of D = F_ref - F_cur over a step: it starts from a, and rises by p for the reference's rows and
// falls by q for the current ones, in an order that is known only if they are equal.
type path struct {
	a, p, q float64
	h, dh   float64 // the share of all rows before the step, and of the step's
	n, m    float64 // the shares of reference and current in all rows
}

// paths walks up the steps and gives each its path.
func (s steps) paths(yield func(step, path) bool) {
	var r, c int64
	rows := s.reference + s.current
	for step := range s.all {
		p := path{
			a: share(r, s.reference) - share(c, s.current),
			p: share(step.reference, s.reference), q: share(step.current, s.current),
			h: share(r+c, rows), dh: share(step.reference+step.current, rows),
			n: share(s.reference, rows), m: share(s.current, rows),
		}
		if !yield(step, p) {
			return
		}
		r += step.reference
		c += step.current
	}
}

// slope is the integral of D^2 dH when the rows come evenly mixed, H being the share of all rows.
func (p path) slope() float64 {
	end := p.a + p.p - p.q
	return p.dh * (p.a*p.a + p.a*end + end*end) / 3
}

// bounds are the least and the most that the integral of D^2 dH may be over all orders of the rows.
//
// The order is a staircase in a rectangle of p by q. Exchanging a rise and a fall adds 2D dp dq to the integral, D
// being that of the piece of the rectangle between the two staircases. D grows to the right and falls upwards, so the
// most is where all rises or all falls come first: the sum of the pieces right of a staircase is a convex function of
// its corners. The least is where the staircase has all pieces with D < 0 on the side that counts; as if rows could be
// cut, that is an integral over the part of the rectangle below D = 0.
func (p path) bounds() (least, most float64) {
	end, top, bottom := p.a+p.p-p.q, p.a+p.p, p.a-p.q
	risesFirst := (cube(top) - p.n*cube(p.a) - p.m*cube(end)) / 3
	fallsFirst := (p.m*cube(p.a) + p.n*cube(end) - cube(bottom)) / 3
	below := (cube(min(top, 0)) - cube(min(p.a, 0)) - cube(min(end, 0)) + cube(min(bottom, 0))) / 3
	return max(0, fallsFirst+below), max(risesFirst, fallsFirst)
}

func cube(x float64) float64 { return x * x * x }

// gauss are the nodes and weights of Gauss's quadrature with three points on [0, 1].
var gauss = [...]struct{ at, weight float64 }{
	{0.5 - math.Sqrt(0.15), 5. / 18}, {0.5, 8. / 18}, {0.5 + math.Sqrt(0.15), 5. / 18},
}
