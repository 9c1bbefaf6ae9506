package sequential

import "math"

// HDDMA is the drift detection method by Hoeffding's bound with moving averages.
//
// Of all beginnings of the stream it keeps the one whose mean X, of m values, was least by X + sqrt(ln(1/d) / 2m), where d
// is drift_confidence. With Z the mean of all n values,
//
//	Z - X >= sqrt((n-m) / (m n) / 2 ln(2/d))
//
// is drift, and warns with d = warning_confidence. With two_sided_test it looks in the same way for a fall from the
// beginning whose mean was largest. It takes values in [0, 1] of any distribution, such as 1 for an error, and ignores
// others.
//
// Source: Frias-Blanco, del Campo-Avila, Ramos-Jimenez, Morales-Bueno, Ortiz-Diaz and Caballero-Mota, "Online and
// Non-Parametric Drift Detection Methods Based on Hoeffding's Bounds", IEEE TKDE 27(3), 2015 (A-test).
type HDDMA struct {
	params HDDMAParams

	drifted         bool
	all             mean
	lowest, highest mean // the beginnings kept for a rise and, if two-sided, a fall
}

// HDDMAParams are the parameters of [HDDMA].
type HDDMAParams struct {
	DriftConfidence   float64 // chance of a false alarm in a test for drift, over 0 and at most 1; default 0.001
	WarningConfidence float64 // the same for a warning; default 0.005
	TwoSidedTest      bool    // look for falls too; default false
}

// DefaultHDDMA returns the default parameters.
func DefaultHDDMA() HDDMAParams {
	return HDDMAParams{DriftConfidence: 0.001, WarningConfidence: 0.005}
}

func (p *HDDMAParams) settings() []setting {
	return []setting{
		above("drift_confidence", &p.DriftConfidence, 1, "chance of a false alarm in a test for drift"),
		above("warning_confidence", &p.WarningConfidence, 1, "chance of a false alarm in a test for a warning"),
		flag("two_sided_test", &p.TwoSidedTest, "look for falls too"),
	}
}

func (p *HDDMAParams) detector() (Sequential, error) { return NewHDDMA(*p) }

// NewHDDMA returns a detector that has seen nothing.
func NewHDDMA(p HDDMAParams) (*HDDMA, error) {
	if err := check("hddm_a", p.settings()); err != nil {
		return nil, err
	}
	return &HDDMA{params: p}, nil
}

// Update takes a value in [0, 1].
func (d *HDDMA) Update(x float64) Level {
	if !isShare(x) {
		return Ignored
	}
	if d.drifted {
		*d = HDDMA{params: d.params}
	}
	d.all.add(x)
	if d.all.count == 1 {
		d.lowest, d.highest = d.all, d.all
	}
	bound := math.Log(1 / d.params.DriftConfidence)
	width := hoeffding(d.all, bound)
	if d.lowest.value+hoeffding(d.lowest, bound) >= d.all.value+width {
		d.lowest = d.all
	}
	if d.params.TwoSidedTest && d.highest.value-hoeffding(d.highest, bound) <= d.all.value-width {
		d.highest = d.all
	}
	switch {
	case d.changed(d.params.DriftConfidence):
		d.drifted = true
		return Drift
	case d.changed(d.params.WarningConfidence):
		return Warning
	}
	return OK
}

// hoeffding is how far a mean may be from what is expected, where bound is the logarithm of one over the confidence.
func hoeffding(m mean, bound float64) float64 {
	return math.Sqrt(1 / (2 * float64(m.count)) * bound)
}

func (d *HDDMA) changed(confidence float64) bool {
	if rise := d.all.value - d.lowest.value; rise > 0 && rise >= d.limit(d.lowest, confidence) {
		return true
	}
	fall := d.highest.value - d.all.value
	return d.params.TwoSidedTest && fall > 0 && fall >= d.limit(d.highest, confidence)
}

// limit is the difference of the mean of all values from that of a beginning which is a change.
func (d *HDDMA) limit(beginning mean, confidence float64) float64 {
	m, n := float64(beginning.count), float64(d.all.count)
	return math.Sqrt((n - m) / m * (1 / n) / 2 * math.Log(2/confidence))
}

func (d *HDDMA) fields(c *codec) {
	c.flag(&d.drifted)
	for _, m := range []*mean{&d.all, &d.lowest, &d.highest} {
		m.fields(c)
		if m.count > d.all.count || m.count == 0 && d.all.count > 0 || !isShare(m.value) {
			c.fail("it has a mean of %g of %d values", m.value, m.count)
		}
	}
}

// MarshalBinary writes the state.
func (d *HDDMA) MarshalBinary() ([]byte, error) {
	return marshal("hddm_a", d.params.settings(), d.fields)
}

// UnmarshalBinary replaces the state.
func (d *HDDMA) UnmarshalBinary(b []byte) error {
	read := HDDMA{params: d.params}
	if err := unmarshal(b, "hddm_a", d.params.settings(), read.fields); err != nil {
		return err
	}
	*d = read
	return nil
}
