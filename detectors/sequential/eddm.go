package sequential

import (
	"errors"
	"math"
)

// EDDM is the early drift detection method: the distance between errors of a model that has not drifted does not shrink.
//
// With p the mean and s the standard deviation (n-1) of the number of values from one error to the next, and m the
// largest p + 2s so far,
//
//	(p + 2s) / m < alpha  warns,  (p + 2s) / m < beta  is drift
//
// It is tested at errors only; a warning holds until the next test. It takes 0 (right) and 1 (wrong) and ignores other
// values.
//
// Source: Baena-Garcia, del Campo-Avila, Fidalgo, Bifet, Gavalda and Morales-Bueno, "Early Drift Detection Method",
// Fourth International Workshop on Knowledge Discovery from Data Streams, 2006.
type EDDM struct {
	params EDDMParams

	drifted, warned bool
	count           int     // values
	last            int     // count at the last error
	distance        mean    // between errors
	squares         float64 // sum of squared deviations of the distances
	largest         float64 // p + 2s; 0 before the first
}

// EDDMParams are the parameters of [EDDM].
type EDDMParams struct {
	WarmStart int     // errors after which testing begins, at least 0; default 30
	Alpha     float64 // share of the largest distance under which it warns, 0 to 1; default 0.95
	Beta      float64 // share under which there is drift, 0 to alpha; default 0.9
}

// DefaultEDDM returns the default parameters.
func DefaultEDDM() EDDMParams { return EDDMParams{WarmStart: 30, Alpha: 0.95, Beta: 0.9} }

func (p *EDDMParams) settings() []setting {
	return []setting{
		whole("warm_start", &p.WarmStart, 0, maxWhole, "errors after which testing begins"),
		number("alpha", &p.Alpha, 0, 1, "share of the largest distance between errors under which it warns"),
		number("beta", &p.Beta, 0, 1, "share under which there is drift, at most alpha"),
	}
}

func (p *EDDMParams) detector() (Sequential, error) { return NewEDDM(*p) }

// NewEDDM returns a detector that has seen nothing.
func NewEDDM(p EDDMParams) (*EDDM, error) {
	if err := check("eddm", p.settings()); err != nil {
		return nil, err
	}
	if p.Beta > p.Alpha {
		return nil, errors.New("eddm: beta is " + format(p.Beta) + ": it must be at most alpha, which is " + format(p.Alpha))
	}
	return &EDDM{params: p}, nil
}

// Update takes 1 for an error, 0 for none.
func (d *EDDM) Update(x float64) Level {
	if !isError(x) {
		return Ignored
	}
	if d.drifted {
		*d = EDDM{params: d.params}
	}
	d.count++
	if x == 1 {
		d.addError()
	}
	switch {
	case d.drifted:
		return Drift
	case d.warned:
		return Warning
	}
	return OK
}

// addError counts an error at the last value and tests.
func (d *EDDM) addError() {
	x, before := float64(d.count-d.last), d.distance.value
	d.last = d.count
	d.distance.add(x)
	d.squares += float64((x - before) * (x - d.distance.value))
	if d.count <= d.params.WarmStart {
		return
	}
	deviation := 0.0
	if n := d.distance.count; n > 1 {
		deviation = math.Sqrt(d.squares / float64(n-1))
	}
	length := d.distance.value + 2*deviation
	switch {
	case length > d.largest:
		d.largest = length // and a warning holds on
	case d.distance.count > d.params.WarmStart:
		level := length / d.largest
		d.drifted = level < d.params.Beta
		d.warned = level < d.params.Alpha
	}
}

func (d *EDDM) fields(c *codec) {
	c.flag(&d.drifted)
	c.flag(&d.warned)
	c.count(&d.count, maxCount)
	c.count(&d.last, d.count)
	d.distance.fields(c)
	c.float(&d.squares)
	c.float(&d.largest)
	if d.squares < 0 || d.largest < 0 {
		c.fail("it has a negative length")
	}
}

// MarshalBinary writes the state.
func (d *EDDM) MarshalBinary() ([]byte, error) {
	return marshal("eddm", d.params.settings(), d.fields)
}

// UnmarshalBinary replaces the state.
func (d *EDDM) UnmarshalBinary(b []byte) error {
	read := EDDM{params: d.params}
	if err := unmarshal(b, "eddm", d.params.settings(), read.fields); err != nil {
		return err
	}
	*d = read
	return nil
}
