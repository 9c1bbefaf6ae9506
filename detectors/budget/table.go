package budget

import "math"

// Settings are what a table of bets depends on beside its reference.
type Settings struct {
	MinEffect float64 // total variation that is no drift, above 0
	Z         float64 // how many standard errors of the reference are allowed for
	// Dependence is how many records are worth one independent one, as measured on the reference; 1 or more.
	Dependence float64
}

// Table is the bets of a feature against one reference.
type Table struct {
	cells    *Cells
	settings Settings
	rows     float64   // of the reference, in independent ones
	p        []float64 // the reference's shares, by cell
	grouped  []float64 // and by group
	places   []float64 // of the cells' ends, see [Cells.places]
	slack    float64   // of the bets that learn

	bets    []bet
	weights []float64            // then those of the bets that learn
	kind    []Kind               // of both
	active  []bool               // the bet stands against this reference
	tilts   []float64            // the first bets' logarithms, by bet and cell
	inside  []float64            // the other bets': of a record inside the group, less the next
	outside []float64            // of a record outside the group
	score   [contrasts][]float64 // by cell, see dependence.go
}

// The confidence of the allowance for the reference's error. [Strict] makes the promise hold for 95 % of references of a
// monitor of 20 features, whatever the bets; it costs little with many rows, and half as much again of the records that a small
// shift takes with 10,000. [Lenient] holds for each bet in 97.7 % of references, and was enough in simulations of whole
// budgets: make bench-budget.
const (
	Lenient = 2
	Strict  = 3.9
	enough  = 100_000 // independent rows of a reference from which on it is strict
)

// Confidence is the Z for a reference of so many rows, of which so many are worth one independent one.
func Confidence(rows, dependence float64) float64 {
	if rows/dependence < enough {
		return Lenient
	}
	return Strict
}

// halfLives of the bets that learn, in records.
var halfLives = [...]float64{300, 3000}

// NewTable makes the bets against a reference that has so many records in the cells.
func NewTable(cells *Cells, counts []float64, s Settings) *Table {
	t := newTable(cells, counts, s)
	kept := t.bets[:0]
	number := [kinds]float64{Shape: float64(len(halfLives))}
	for _, b := range t.bets {
		if _, _, ok := t.logs(b); ok {
			kept = append(kept, b)
			number[classOf(b.kind)]++
		}
	}
	t.bets = kept
	total := 0.0
	for kind, n := range number {
		if n > 0 {
			total += Kind(kind).weight()
		}
	}
	for _, b := range t.bets {
		t.weights = append(t.weights, b.kind.weight()/total/number[classOf(b.kind)])
		t.kind = append(t.kind, b.kind)
	}
	for range halfLives {
		t.weights = append(t.weights, weightAdaptive/total/float64(len(halfLives)))
		t.kind = append(t.kind, Shape)
	}
	t.fill()
	return t
}

// Cells is how many cells a pane is counted in.
func (t *Table) Cells() int { return t.cells.Len() }

// Bets is how many bets there are.
func (t *Table) Bets() int { return len(t.weights) }

// Group is the cells [from, to) of a group that a finding names.
func (t *Table) Group(group int) (from, to int) { return t.cells.Group(group) }

// Special is which of the special cells a group is, from 0.
func (t *Table) Special(group int) int { return group - (t.cells.count - t.cells.Special) }

// Settings are those of the table, and the reference's own error as a total variation.
func (t *Table) Settings() (s Settings, uncertainty float64) {
	return t.settings, 1 / math.Sqrt(t.rows)
}

// classOf is the kind that stands for all that share a weight.
func classOf(k Kind) Kind {
	switch k {
	case Lower:
		return Higher
	case Narrower:
		return Wider
	case Steeper:
		return Evener
	}
	return k
}

// Against makes the same bets against another reference, such as another hour's. One that cannot stand against it
// abstains.
func (t *Table) Against(counts []float64, s Settings) *Table {
	other := newTable(t.cells, counts, s)
	other.bets, other.weights, other.kind = t.bets, t.weights, t.kind
	other.fill()
	return other
}

func newTable(cells *Cells, counts []float64, s Settings) *Table {
	t := &Table{cells: cells, settings: s, p: shares(counts), grouped: make([]float64, cells.count), bets: cells.alternatives()}
	for _, n := range counts {
		t.rows += n / s.Dependence
	}
	cells.join(t.grouped, t.p)
	if cells.Ordered {
		t.places = cells.places(t.p)
	}
	d := float64(cells.count - 1)
	t.slack = d + s.Z*math.Sqrt(2*d)
	if s.Z > Lenient {
		t.slack += s.Z * s.Z
	}
	t.slack = math.Sqrt(t.slack / t.rows)
	t.scores()
	return t
}

// fill computes the logarithms.
func (t *Table) fill() {
	for _, b := range t.bets {
		logs, inside, ok := t.logs(b)
		t.active = append(t.active, ok)
		switch {
		case b.kind < Share && ok:
			t.tilts = append(t.tilts, logs...)
		case b.kind < Share:
			t.tilts = append(t.tilts, make([]float64, len(t.p))...)
		case ok:
			t.inside, t.outside = append(t.inside, inside-logs[0]), append(t.outside, logs[0])
		default:
			t.inside, t.outside = append(t.inside, 0), append(t.outside, 0)
		}
	}
}

// logs are the logarithms of a bet: of each cell for a tilt; else of a record outside and inside the group. It is false when
// there is no such bet: the alternative is within the tolerance, or would not win if it were true.
func (t *Table) logs(b bet) (logs []float64, inside float64, ok bool) {
	if b.kind < Share {
		logs, ok = t.tilted(b)
		return logs, 0, ok
	}
	delta, z, p := t.settings.MinEffect, t.settings.Z, t.grouped[b.group]
	if b.kind == Special {
		delta /= specialPart
	}
	e := z*math.Sqrt(p*(1-p)/t.rows) + z*z/(3*t.rows)
	edge := p + delta + e
	other := edge + (1-edge)*b.size
	if b.down {
		edge = p - delta - e
		other = edge * (1 - b.size)
	}
	if edge <= 0 || edge >= 1 {
		return nil, 0, false
	}
	return []float64{math.Log((1 - other) / (1 - edge))}, math.Log(other / edge), true
}

// tilted are the logarithms of a bet on higher, lower, wider or narrower numbers.
func (t *Table) tilted(b bet) ([]float64, bool) {
	if t.cells.Values < 2 {
		return nil, false
	}
	delta, z := t.settings.MinEffect, t.settings.Z
	d := delta + z/(2*math.Sqrt(t.rows))
	if d >= 1 {
		return nil, false
	}
	amount := d + (1-d)*b.size
	var h []float64
	if t.cells.Ordered {
		h = t.cells.tilt(b.kind, t.p, t.places, amount)
	} else {
		h = t.cells.mix(b.kind, t.p, amount)
	}
	h = mixed(h, t.p, 0.99)
	var clipper clipper
	l, ok := clipper.clip(t.p, h, d)
	if !ok {
		return nil, false
	}
	mean, deviation, width := spread(t.p, l)
	c := mean + delta*width + z*deviation/math.Sqrt(t.rows) + z*z*width/(3*t.rows)
	logs := make([]float64, len(l))
	return logs, wins(h, l, c, logs)
}

// wins sets logs to the logarithms of likelihood ratios, less that of the normaliser c. It is false when they do not grow
// under h.
func wins(h, l []float64, c float64, logs []float64) bool {
	gain := 0.0
	for k := range l {
		gain += h[k] * l[k]
	}
	if gain <= c {
		return false // by Jensen's inequality, and most that learn end here
	}
	growth := 0.0
	for k := range l {
		logs[k] = math.Log(l[k] / c)
		growth += h[k] * logs[k]
	}
	return growth > 0
}

// mixed is the mixture of a share of h with p.
func mixed(h, p []float64, share float64) []float64 {
	mixture := make([]float64, len(h))
	for k := range h {
		mixture[k] = share*h[k] + (1-share)*p[k]
	}
	return mixture
}

// learned sets logs to the logarithms, by group, of the bet on what one that learns has seen: the shares less the
// reference's. It is false when there is no such bet.
func (t *Table) learned(residual, logs []float64) bool {
	distance, square := 0.0, 0.0
	for g, r := range residual {
		distance += math.Abs(r)
		square += r * r / t.grouped[g]
	}
	// Most end here, as they would below, at more cost. Clip has no bet within the tolerance. And sum (h-p) L, by which the mean
	// under h exceeds the one under p, is at most the root of sum (h-p)^2/p times the deviation of L, of which the range is
	// at least twice.
	least := t.slack + 2*t.settings.MinEffect
	if learnedPart*distance/2 <= t.settings.MinEffect || learnedPart*learnedPart*square <= least*least {
		return false
	}
	var memory [MaxCells]float64
	h, total := memory[:len(residual)], 0.0
	for g, r := range residual {
		h[g] = max(t.grouped[g]+learnedPart*r, (1-learnedPart)*t.grouped[g]) // the reference may be another now
		total += h[g]
	}
	for g := range h {
		h[g] /= total
	}
	var clipper clipper
	l, ok := clipper.clip(t.grouped, h, t.settings.MinEffect)
	if !ok {
		return false
	}
	mean, deviation, width := spread(t.grouped, l)
	return wins(h, l, mean+t.settings.MinEffect*width+deviation*t.slack, logs)
}

// learnedPart is the share of what was seen of late in the bet on it; the rest is the reference.
const learnedPart = 0.9
