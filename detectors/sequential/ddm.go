package sequential

import "math"

// DDM is the drift detection method: the error rate of a model that has not drifted does not rise.
//
// With p the share of errors so far and s = sqrt(p (1-p) / n), and p_min and s_min their values when p + s was least,
//
//	p + s > p_min + warning_threshold s_min  warns,  p + s > p_min + drift_threshold s_min  is drift
//
// It takes 0 (right) and 1 (wrong) and ignores other values.
//
// Source: Gama, Medas, Castillo and Rodrigues, "Learning with Drift Detection", SBIA 2004.
type DDM struct {
	params DDMParams

	drifted        bool
	rate           mean
	begun          bool // the least values are of this stream
	leastP, leastS float64
}

// DDMParams are the parameters of [DDM].
type DDMParams struct {
	WarmStart        int     // values after which testing begins, at least 0; default 30
	WarningThreshold float64 // standard deviations over the least error rate that warn, at least 0; default 2
	DriftThreshold   float64 // standard deviations that are drift, at least 0; default 3
}

// DefaultDDM returns the default parameters.
func DefaultDDM() DDMParams {
	return DDMParams{WarmStart: 30, WarningThreshold: 2, DriftThreshold: 3}
}

func (p *DDMParams) settings() []setting {
	return []setting{
		whole("warm_start", &p.WarmStart, 0, maxWhole, "values after which testing begins"),
		number("warning_threshold", &p.WarningThreshold, 0, largest, "standard deviations over the least error rate that warn"),
		number("drift_threshold", &p.DriftThreshold, 0, largest, "standard deviations over the least error rate that are drift"),
	}
}

func (p *DDMParams) detector() (Sequential, error) { return NewDDM(*p) }

// NewDDM returns a detector that has seen nothing.
func NewDDM(p DDMParams) (*DDM, error) {
	if err := check("ddm", p.settings()); err != nil {
		return nil, err
	}
	return &DDM{params: p}, nil
}

// Update takes 1 for an error, 0 for none.
func (d *DDM) Update(x float64) Level {
	if !isError(x) {
		return Ignored
	}
	if d.drifted {
		*d = DDM{params: d.params}
	}
	d.rate.add(x)
	if d.rate.count <= d.params.WarmStart {
		return OK
	}
	p := d.rate.value
	s := math.Sqrt(p * (1 - p) / float64(d.rate.count))
	if !d.begun || p+s <= d.leastP+d.leastS {
		d.begun, d.leastP, d.leastS = true, p, s
	}
	switch {
	case p+s > d.leastP+float64(d.params.DriftThreshold*d.leastS):
		d.drifted = true
		return Drift
	case p+s > d.leastP+float64(d.params.WarningThreshold*d.leastS):
		return Warning
	}
	return OK
}

func (d *DDM) fields(c *codec) {
	c.flag(&d.drifted)
	d.rate.fields(c)
	c.flag(&d.begun)
	c.float(&d.leastP)
	c.float(&d.leastS)
	if !isShare(d.rate.value) {
		c.fail("it has an error rate of %g", d.rate.value)
	}
}

// MarshalBinary writes the state.
func (d *DDM) MarshalBinary() ([]byte, error) { return marshal("ddm", d.params.settings(), d.fields) }

// UnmarshalBinary replaces the state.
func (d *DDM) UnmarshalBinary(b []byte) error {
	read := DDM{params: d.params}
	if err := unmarshal(b, "ddm", d.params.settings(), read.fields); err != nil {
		return err
	}
	*d = read
	return nil
}
