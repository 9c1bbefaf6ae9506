package sequential

// PageHinkley is the Page-Hinkley test for a change of the mean.
//
// Deviations of the values from their running mean are added up with forgetting, for a rise
//
//	U_t = alpha U_(t-1) + (x_t - mean_t) - delta,  drift when U_t - min U > threshold
//
// and for a fall
//
//	D_t = alpha D_(t-1) + (x_t - mean_t) + delta,  drift when max D - D_t > threshold
//
// where mean_t includes x_t, U and D start at 0, the minimum is over all U so far, and the maximum over all D and -1. It
// takes any number up to 1e100 in size and never warns. Delta and threshold are in the unit of the values: scale them
// with the standard deviation.
//
// Source: Page, "Continuous Inspection Schemes", Biometrika 41 (1954); Hinkley, "Inference about the Change-Point from
// Cumulative Sum Tests", Biometrika 58 (1971).
type PageHinkley struct {
	params PageHinkleyParams

	drifted     bool
	mean        mean
	rise, fall  float64 // U and D
	low, summit float64 // the least U and the largest D
}

// Mode says which changes of the mean page_hinkley looks for.
type Mode int

// The modes.
const (
	Down Mode = iota - 1
	Both
	Up
)

// PageHinkleyParams are the parameters of [PageHinkley].
type PageHinkleyParams struct {
	MinInstances int     // values before the first test, at least 0; default 30
	Delta        float64 // change of the mean that is tolerated, at least 0; default 0.005
	Threshold    float64 // sum of deviations over which there is drift, at least 0; default 50
	Alpha        float64 // what remains of the sums with each value, 0 to 1; default 0.9999
	Mode         Mode    // default Both
}

// DefaultPageHinkley returns the default parameters.
func DefaultPageHinkley() PageHinkleyParams {
	return PageHinkleyParams{MinInstances: 30, Delta: 0.005, Threshold: 50, Alpha: 1 - 0.0001, Mode: Both}
}

func (p *PageHinkleyParams) settings() []setting {
	return []setting{
		whole("min_instances", &p.MinInstances, 0, maxWhole, "values before the first test"),
		number("delta", &p.Delta, 0, largest, "change of the mean that is tolerated"),
		number("threshold", &p.Threshold, 0, largest, "sum of deviations over which there is drift"),
		number("alpha", &p.Alpha, 0, 1, "what remains of the sums with each value"),
		{Parameter{
			Name: "mode", Meaning: "changes of the mean to look for", Low: -1, High: 1, Whole: true,
			Words: []string{"down", "both", "up"},
		}, &p.Mode},
	}
}

func (p *PageHinkleyParams) detector() (Sequential, error) { return NewPageHinkley(*p) }

// NewPageHinkley returns a detector that has seen nothing.
func NewPageHinkley(p PageHinkleyParams) (*PageHinkley, error) {
	if err := check("page_hinkley", p.settings()); err != nil {
		return nil, err
	}
	return &PageHinkley{params: p}, nil
}

// Update takes a value.
func (d *PageHinkley) Update(x float64) Level {
	if !isNumber(x) {
		return Ignored
	}
	p := &d.params
	if d.drifted {
		*d = PageHinkley{params: *p}
	}
	first := d.mean.count == 0
	d.mean.add(x)
	deviation := x - d.mean.value
	d.rise = float64(p.Alpha*d.rise) + deviation - p.Delta
	d.fall = float64(p.Alpha*d.fall) + deviation + p.Delta
	if first {
		d.low, d.summit = d.rise, -1
	}
	d.low = min(d.low, d.rise)
	d.summit = max(d.summit, d.fall)
	if d.mean.count >= p.MinInstances {
		d.drifted = p.Mode != Down && d.rise-d.low > p.Threshold || p.Mode != Up && d.summit-d.fall > p.Threshold
	}
	if d.drifted {
		return Drift
	}
	return OK
}

func (d *PageHinkley) fields(c *codec) {
	c.flag(&d.drifted)
	d.mean.fields(c)
	c.float(&d.rise)
	c.float(&d.fall)
	c.float(&d.low)
	c.float(&d.summit)
}

// MarshalBinary writes the state.
func (d *PageHinkley) MarshalBinary() ([]byte, error) {
	return marshal("page_hinkley", d.params.settings(), d.fields)
}

// UnmarshalBinary replaces the state.
func (d *PageHinkley) UnmarshalBinary(b []byte) error {
	read := PageHinkley{params: d.params}
	if err := unmarshal(b, "page_hinkley", d.params.settings(), read.fields); err != nil {
		return err
	}
	*d = read
	return nil
}
