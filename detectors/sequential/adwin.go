package sequential

import "math"

// ADWIN is adaptive windowing for a change of the mean. It keeps a window of the newest values, as long as no cut
// divides it into an older part of n0 values and a newer of n1 whose means differ by more than
//
//	e = sqrt(2 m v ln(2 ln(n)/delta)) + 2/3 m ln(2 ln(n)/delta),  m = 1/(n0-l+1) + 1/(n1-l+1)
//
// where n is the length of the window, v its variance (divided by n) and l is min_window_length. When one does it is
// drift, and the oldest values go until none does. It takes any number up to 1e100 in size and never warns. Delta bounds
// the chance of a false alarm in a test; in practice there are far fewer.
//
// The window is kept as sums: at most max_buckets of 1 value each, as many of 2, of 4, and so on, so memory and the cuts
// that are looked at grow with the logarithm of its length.
//
// Source: Bifet and Gavalda, "Learning from Time-Changing Data with Adaptive Windowing", SDM 2007 (ADWIN2).
type ADWIN struct {
	params ADWINParams

	drifted bool
	width   int     // values in the window
	total   float64 // their sum
	squares float64 // the sum of their squared deviations from the mean
	rows    []row   // row i has the buckets of 2^i values
}

// row is the buckets of one size, oldest first. All are newer than those of the next row.
type row struct {
	totals  []float64
	squares []float64 // the sums of squared deviations within each bucket
}

// ADWINParams are the parameters of [ADWIN].
type ADWINParams struct {
	Delta           float64 // confidence: smaller is more careful, over 0 and at most 1; default 0.002
	Clock           int     // values from one test to the next, at least 1; default 32
	MaxBuckets      int     // buckets of each size, at least 1: more is slower and more exact; default 5
	MinWindowLength int     // least length of both parts, at least 0; default 5
	GracePeriod     int     // length of the window over which it is tested, at least 0; default 10
}

// DefaultADWIN returns the default parameters.
func DefaultADWIN() ADWINParams {
	return ADWINParams{Delta: 0.002, Clock: 32, MaxBuckets: 5, MinWindowLength: 5, GracePeriod: 10}
}

func (p *ADWINParams) settings() []setting {
	return []setting{
		above("delta", &p.Delta, 1, "confidence: smaller is more careful"),
		whole("clock", &p.Clock, 1, maxWhole, "values from one test to the next"),
		whole("max_buckets", &p.MaxBuckets, 1, maxWhole, "buckets of each size: more is slower and more exact"),
		whole("min_window_length", &p.MinWindowLength, 0, maxWhole, "least length of both parts of the window"),
		whole("grace_period", &p.GracePeriod, 0, maxWhole, "length of the window over which it is tested"),
	}
}

func (p *ADWINParams) detector() (Sequential, error) { return NewADWIN(*p) }

// NewADWIN returns a detector that has seen nothing.
func NewADWIN(p ADWINParams) (*ADWIN, error) {
	if err := check("adwin", p.settings()); err != nil {
		return nil, err
	}
	return &ADWIN{params: p}, nil
}

// Width is the number of values in the window. At a drift those are the values since the change, as far as they can be
// told apart.
func (d *ADWIN) Width() int { return d.width }

// Mean is the mean of the values in the window, 0 without values.
func (d *ADWIN) Mean() float64 { return d.total / float64(max(d.width, 1)) }

// Update takes a value.
func (d *ADWIN) Update(x float64) Level {
	if !isNumber(x) {
		return Ignored
	}
	if d.drifted {
		*d = ADWIN{params: d.params}
	}
	d.insert(x)
	if d.width%d.params.Clock != 0 || d.width <= d.params.GracePeriod {
		return OK
	}
	for d.changed() {
		d.drifted = true
		d.dropOldest()
	}
	if d.drifted {
		return Drift
	}
	return OK
}

func (d *ADWIN) insert(x float64) {
	before := float64(d.width)
	d.width++
	if before > 0 {
		deviation := x - d.total/before
		d.squares += before * deviation * deviation / float64(d.width)
	}
	d.total += x
	d.push(0, x, 0)
}

// push adds a bucket to row i. When there are too many, the oldest two become one of the next row.
func (d *ADWIN) push(i int, total, squares float64) {
	if i == len(d.rows) {
		d.rows = append(d.rows, row{})
	}
	r := &d.rows[i]
	r.totals, r.squares = append(r.totals, total), append(r.squares, squares)
	if len(r.totals) <= d.params.MaxBuckets {
		return
	}
	n := bucketSize(i)
	apart := r.totals[0]/n - r.totals[1]/n
	total, squares = r.totals[0]+r.totals[1], r.squares[0]+r.squares[1]+float64(n*0.5*apart*apart)
	r.drop(2)
	d.push(i+1, total, squares)
}

// bucketSize is the number of values in a bucket of row i.
func bucketSize(i int) float64 { return float64(uint64(1) << i) }

// drop removes the n oldest buckets.
func (r *row) drop(n int) {
	r.totals = r.totals[:copy(r.totals, r.totals[n:])]
	r.squares = r.squares[:copy(r.squares, r.squares[n:])]
}

// changed says whether a cut between two buckets divides the window.
func (d *ADWIN) changed() bool {
	n, least := float64(d.width), float64(d.params.MinWindowLength)
	confidence := math.Log(2 * math.Log(n) / d.params.Delta)
	variance := d.squares / n
	n0, total0 := 0.0, 0.0
	n1, total1 := n, d.total
	for i := len(d.rows) - 1; i >= 0; i-- {
		size := bucketSize(i)
		for _, total := range d.rows[i].totals {
			n0, n1 = n0+size, n1-size
			total0, total1 = total0+total, total1-total
			if n0 < least || n1 < least || n1 == 0 {
				continue
			}
			m := 1/(n0-least+1) + 1/(n1-least+1)
			limit := math.Sqrt(2*m*variance*confidence) + float64(2.0/3*confidence*m)
			if math.Abs(total0/n0-total1/n1) > limit {
				return true
			}
		}
	}
	return false
}

// dropOldest removes the oldest bucket from the window.
func (d *ADWIN) dropOldest() {
	last := len(d.rows) - 1
	r := &d.rows[last]
	n, total := bucketSize(last), r.totals[0]
	d.width -= int(n)
	d.total -= total
	rest := float64(d.width)
	apart := total/n - d.total/rest
	d.squares -= r.squares[0] + float64(n*rest*apart*apart/(n+rest))
	r.drop(1)
	for len(d.rows[last].totals) == 0 { // with max_buckets 1 the rows before it may be empty too
		d.rows = d.rows[:last]
		last--
	}
}

// maxRows is over the number of rows that any stream fills.
const maxRows = 53

func (d *ADWIN) fields(c *codec) {
	c.flag(&d.drifted)
	c.float(&d.total)
	c.float(&d.squares)
	n := len(d.rows)
	c.count(&n, maxRows)
	if c.reading {
		d.rows = make([]row, n)
	}
	values := 0.0
	for i := range d.rows {
		r := &d.rows[i]
		c.floats(&r.totals, d.params.MaxBuckets)
		c.floats(&r.squares, d.params.MaxBuckets)
		if len(r.squares) != len(r.totals) {
			c.fail("it has %d sums and %d variances of buckets", len(r.totals), len(r.squares))
		}
		values += bucketSize(i) * float64(len(r.totals))
	}
	if values > maxCount || n > 0 && len(d.rows[n-1].totals) == 0 {
		c.fail("its window cannot be")
		return
	}
	d.width = int(values)
}

// MarshalBinary writes the state.
func (d *ADWIN) MarshalBinary() ([]byte, error) {
	return marshal("adwin", d.params.settings(), d.fields)
}

// UnmarshalBinary replaces the state.
func (d *ADWIN) UnmarshalBinary(b []byte) error {
	read := ADWIN{params: d.params}
	if err := unmarshal(b, "adwin", d.params.settings(), read.fields); err != nil {
		return err
	}
	*d = read
	return nil
}
