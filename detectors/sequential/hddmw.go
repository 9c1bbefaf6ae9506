package sequential

import "math"

// HDDMW is the drift detection method by McDiarmid's bound with weighted moving averages.
//
// The stream is cut where its exponentially weighted mean plus a bound was least. The weighted mean of the values before
// the cut is compared with that of the values after it, begun anew: the stream has risen when
//
//	after - before > sqrt((b1 + b2) ln(1/d) / 2)
//
// where b is the sum of the squared weights of each side (b = lambda^2 + (1-lambda)^2 b with each value, from 1) and d is
// drift_confidence, or warning_confidence for a warning. With two_sided_test it looks in the same way for a fall from
// where the mean was largest. It takes values in [0, 1] of any distribution, such as 1 for an error, and ignores others.
//
// Source: Frias-Blanco, del Campo-Avila, Ramos-Jimenez, Morales-Bueno, Ortiz-Diaz and Caballero-Mota, "Online and
// Non-Parametric Drift Detection Methods Based on Hoeffding's Bounds", IEEE TKDE 27(3), 2015 (W-test).
type HDDMW struct {
	params HDDMWParams

	drifted    bool
	all        weighted
	rise, fall cut // fall only if two-sided
}

// HDDMWParams are the parameters of [HDDMW].
type HDDMWParams struct {
	DriftConfidence   float64 // chance of a false alarm in a test for drift, over 0 and at most 1; default 0.001
	WarningConfidence float64 // the same for a warning; default 0.005
	LambdaVal         float64 // weight of the newest value, 0 to 1; default 0.05
	TwoSidedTest      bool    // look for falls too; default false
}

// DefaultHDDMW returns the default parameters.
func DefaultHDDMW() HDDMWParams {
	return HDDMWParams{DriftConfidence: 0.001, WarningConfidence: 0.005, LambdaVal: 0.05}
}

func (p *HDDMWParams) settings() []setting {
	return []setting{
		above("drift_confidence", &p.DriftConfidence, 1, "chance of a false alarm in a test for drift"),
		above("warning_confidence", &p.WarningConfidence, 1, "chance of a false alarm in a test for a warning"),
		number("lambda_val", &p.LambdaVal, 0, 1, "weight of the newest value"),
		flag("two_sided_test", &p.TwoSidedTest, "look for falls too"),
	}
}

func (p *HDDMWParams) detector() (Sequential, error) { return NewHDDMW(*p) }

// NewHDDMW returns a detector that has seen nothing.
func NewHDDMW(p HDDMWParams) (*HDDMW, error) {
	if err := check("hddm_w", p.settings()); err != nil {
		return nil, err
	}
	return &HDDMW{params: p}, nil
}

// weighted is an exponentially weighted mean.
type weighted struct {
	begun   bool
	mean    float64
	squares float64 // sum of the squared weights; 1 before the first value
}

// cut divides the stream in two.
type cut struct {
	point         float64 // the bounded mean where it was cut
	before, after weighted
}

func (w *weighted) add(x, lambda float64) {
	if w.begun {
		w.mean = float64(lambda*x) + float64((1-lambda)*w.mean)
	} else {
		w.begun, w.mean, w.squares = true, x, 1
	}
	w.squares = float64(lambda*lambda) + float64((1-lambda)*(1-lambda)*w.squares)
}

// Update takes a value in [0, 1].
func (d *HDDMW) Update(x float64) Level {
	if !isShare(x) {
		return Ignored
	}
	p := &d.params
	if d.drifted {
		*d = HDDMW{params: *p}
	}
	d.all.add(x, p.LambdaVal)
	bound := mcdiarmid(d.all.squares, p.DriftConfidence)
	if point := d.all.mean + bound; !d.rise.before.begun || point < d.rise.point {
		d.rise = cut{point: point, before: d.all}
	} else {
		d.rise.after.add(x, p.LambdaVal)
	}
	if p.TwoSidedTest {
		if point := d.all.mean - bound; !d.fall.before.begun || point > d.fall.point {
			d.fall = cut{point: point, before: d.all}
		} else {
			d.fall.after.add(x, p.LambdaVal)
		}
	}
	switch {
	case d.changed(p.DriftConfidence):
		d.drifted = true
		return Drift
	case d.changed(p.WarningConfidence):
		return Warning
	}
	return OK
}

// mcdiarmid is how far a weighted mean may be from what is expected.
func mcdiarmid(squares, confidence float64) float64 {
	return math.Sqrt(squares * math.Log(1/confidence) / 2)
}

func (d *HDDMW) changed(confidence float64) bool {
	if c := &d.rise; c.after.begun && c.after.mean-c.before.mean > mcdiarmid(c.before.squares+c.after.squares, confidence) {
		return true
	}
	c := &d.fall
	return c.after.begun && c.before.mean-c.after.mean > mcdiarmid(c.after.squares+c.before.squares, confidence)
}

func (w *weighted) fields(c *codec) {
	c.flag(&w.begun)
	c.float(&w.mean)
	c.float(&w.squares)
	if !isShare(w.mean) || !isShare(w.squares) {
		c.fail("it has a mean of %g with squared weights of %g", w.mean, w.squares)
	}
}

func (d *HDDMW) fields(c *codec) {
	c.flag(&d.drifted)
	d.all.fields(c)
	for _, side := range []*cut{&d.rise, &d.fall} {
		c.float(&side.point)
		side.before.fields(c)
		side.after.fields(c)
	}
}

// MarshalBinary writes the state.
func (d *HDDMW) MarshalBinary() ([]byte, error) {
	return marshal("hddm_w", d.params.settings(), d.fields)
}

// UnmarshalBinary replaces the state.
func (d *HDDMW) UnmarshalBinary(b []byte) error {
	read := HDDMW{params: d.params}
	if err := unmarshal(b, "hddm_w", d.params.settings(), read.fields); err != nil {
		return err
	}
	*d = read
	return nil
}
