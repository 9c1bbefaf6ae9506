package sequential

// CUSUM is the one-sided cumulative sum chart for a rise of the mean.
//
//	S_t = max(0, S_(t-1) + x_t - mean_t - delta),  drift when S_t > lambda
//
// where mean_t is the running mean and includes x_t, and S starts at 0. It sees no fall: give it the negative of the
// values for that. It takes any number up to 1e100 in size and never warns. Delta and lambda are in the unit of the values.
//
// Source: Page, "Continuous Inspection Schemes", Biometrika 41 (1954).
type CUSUM struct {
	params CUSUMParams

	drifted bool
	count   int
	mean    float64
	sum     float64
}

// CUSUMParams are the parameters of [CUSUM].
type CUSUMParams struct {
	Delta           float64 // rise of the mean that is tolerated, at least 0; default 0.005
	Lambda          float64 // sum over which there is drift, at least 0; default 50
	MinNumInstances int     // values before the first test, at least 0; default 30
}

// DefaultCUSUM returns the default parameters.
func DefaultCUSUM() CUSUMParams { return CUSUMParams{Delta: 0.005, Lambda: 50, MinNumInstances: 30} }

func (p *CUSUMParams) settings() []setting {
	return []setting{
		number("delta", &p.Delta, 0, largest, "rise of the mean that is tolerated"),
		number("lambda", &p.Lambda, 0, largest, "sum over which there is drift"),
		whole("min_num_instances", &p.MinNumInstances, 0, maxWhole, "values before the first test"),
	}
}

func (p *CUSUMParams) detector() (Sequential, error) { return NewCUSUM(*p) }

// NewCUSUM returns a detector that has seen nothing.
func NewCUSUM(p CUSUMParams) (*CUSUM, error) {
	if err := check("cusum", p.settings()); err != nil {
		return nil, err
	}
	return &CUSUM{params: p}, nil
}

// Update takes a value.
func (d *CUSUM) Update(x float64) Level {
	if !isNumber(x) {
		return Ignored
	}
	if d.drifted {
		*d = CUSUM{params: d.params}
	}
	d.count++
	d.mean += (x - d.mean) / float64(d.count)
	d.sum = max(0, d.sum+x-d.mean-d.params.Delta)
	if d.count >= d.params.MinNumInstances && d.sum > d.params.Lambda {
		d.drifted = true
		return Drift
	}
	return OK
}

func (d *CUSUM) fields(c *codec) {
	c.flag(&d.drifted)
	c.count(&d.count, maxCount)
	c.number(&d.mean)
	c.float(&d.sum)
}

// MarshalBinary writes the state.
func (d *CUSUM) MarshalBinary() ([]byte, error) {
	return marshal("cusum", d.params.settings(), d.fields)
}

// UnmarshalBinary replaces the state.
func (d *CUSUM) UnmarshalBinary(b []byte) error {
	read := CUSUM{params: d.params}
	if err := unmarshal(b, "cusum", d.params.settings(), read.fields); err != nil {
		return err
	}
	*d = read
	return nil
}
