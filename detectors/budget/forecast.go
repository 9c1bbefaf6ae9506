package budget

import "math"

// Forecast is about how many records it takes to find that numbers are higher by so many standard deviations, if they are normally
// distributed, with a limit of the wealth as in [Table.Step]; half a pane comes on top. It is false where the shift cannot be told from
// the tolerance and the reference's error.
//
// It is ln(20 limit) / the growth per record of the ratio that would be bet on if the shift were known, the reference's error being
// allowed for by a standard error: simulated delays are .5 to 1.2 times as long.
func (t *Table) Forecast(limit, shift float64) (records float64, found bool) {
	if !t.cells.Ordered || t.cells.Values < 2 {
		return 0, false
	}
	h := t.cells.tilt(Higher, t.p, t.places, 2*normal(shift/2)-1)
	d := t.settings.MinEffect + 1/math.Sqrt(t.rows)
	if d >= 1 {
		return 0, false
	}
	var clipper clipper
	l, ok := clipper.clip(t.p, h, d)
	if !ok {
		return 0, false
	}
	growth := 0.0
	for k := range l {
		growth += h[k] * math.Log(l[k])
	}
	if growth <= 0 {
		return 0, false
	}
	return math.Log(20*limit) / growth * t.settings.Dependence, true
}
