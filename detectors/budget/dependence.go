package budget

import "math"

// Records of live traffic depend on each other: one client sends many alike, and load and weather change slowly. Then
// n records are worth n / kappa independent ones, and the logarithm of a pane's gain is divided by kappa: that is valid for
// independent records too, since E[X^a] <= E[X]^a for a <= 1.
//
// kappa is n Var(mean of a pane of n)/Var(record), of two contrasts: a score for each cell. It is taken from the differences of
// neighbouring panes, so that one step of a drift counts once, and of neighbouring blocks of ten panes. Numbers have the score that a
// normal distribution has at the cell, and its square; categories have signs that part them in halves.

const (
	contrasts = 2
	block     = 10   // panes of the longer blocks
	prior     = 5    // differences that the value 1 counts for
	memory    = 1000 // differences that are remembered
	outlier   = 6    // a squared difference counts as so many times the present kappa at most
	growing   = 2    // kappa of the blocks over that of panes from which on traffic is unsteady
)

// live is what is measured of dependence on the traffic itself.
type live struct {
	pane, block measure
	sum         [contrasts]float64 // of the block that is not full
	rows        float64
	panes       int
}

// measure is of one length of blocks.
type measure struct {
	rows  float64 // of the last block; 0 before the first
	mean  [contrasts]float64
	kappa [contrasts]float64
	seen  int // differences
}

// take takes in a block: its records and the means of their scores, whose variance is 1.
func (m *measure) take(rows float64, mean [contrasts]float64) {
	if m.rows > 0 {
		m.seen = min(m.seen+1, memory)
		for i := range mean {
			before := m.at(i)
			d := mean[i] - m.mean[i]
			x := min(d*d/(1/rows+1/m.rows), outlier*max(before, 1))
			m.kappa[i] = before + (x-before)/float64(m.seen+prior)
		}
	}
	m.rows, m.mean = rows, mean
}

// at is the present kappa of a contrast.
func (m *measure) at(i int) float64 {
	if m.seen <= 1 {
		return 1
	}
	return m.kappa[i]
}

// value is kappa, or 1 where it may be 1 by chance: the standard error of a mean of squared differences is sqrt(3/n).
func (m *measure) value() float64 {
	most := max(m.at(0), m.at(1))
	if most <= 1+3*math.Sqrt(3/float64(m.seen+prior)) {
		return 1
	}
	return most
}

// scores sets the scores of the cells: mean 0 and variance 1 under the reference.
func (t *Table) scores() {
	total := 0.0
	for _, x := range t.p[:t.cells.Values] {
		total += x
	}
	for i := range t.score {
		t.score[i] = make([]float64, len(t.p))
	}
	below := 0.0
	for k, p := range t.p[:t.cells.Values] {
		if t.cells.Ordered {
			z := quantile((below + p/2) / total)
			t.score[0][k], t.score[1][k] = z, z*z
		} else { // + - + - and + + - -, by the share below rather than by the cell
			t.score[0][k], t.score[1][k] = float64(1-2*(k%2)), float64(1-2*(k/2%2))
		}
		below += p
	}
	for _, score := range t.score {
		mean, square := 0.0, 0.0
		for k, x := range score[:t.cells.Values] {
			mean += t.p[k] * x / total
			square += t.p[k] * x * x / total
		}
		deviation := math.Sqrt(square - mean*mean)
		for k := range score[:t.cells.Values] {
			if deviation > 1e-9 {
				score[k] = (score[k] - mean) / deviation
			} else {
				score[k] = 0
			}
		}
	}
}

// observe takes in a pane.
func (t *Table) observe(l *live, counts []float64) {
	rows, sum := 0.0, [contrasts]float64{}
	for k, n := range counts[:t.cells.Values] {
		rows += n
		sum[0] += n * t.score[0][k]
		sum[1] += n * t.score[1][k]
	}
	if rows == 0 {
		return
	}
	l.pane.take(rows, [contrasts]float64{sum[0] / rows, sum[1] / rows})
	l.rows += rows
	l.sum[0], l.sum[1] = l.sum[0]+sum[0], l.sum[1]+sum[1]
	l.panes++
	if l.panes == block {
		l.block.take(l.rows, [contrasts]float64{l.sum[0] / l.rows, l.sum[1] / l.rows})
		l.rows, l.sum, l.panes = 0, [contrasts]float64{}, 0
	}
}

// Dependence is how many records are worth one: the most that the reference and the traffic so far say. Growth that goes on
// with the length is left out, because no number makes it good: see [Table.Unsteady].
func (t *Table) Dependence(s *State) float64 {
	kappa := max(t.settings.Dependence, s.live.pane.value())
	if !t.Unsteady(s) {
		kappa = max(kappa, s.live.block.value())
	}
	return kappa
}

// Unsteady says that the traffic varies the more, the longer one looks, as with an hour of the day: then the promise does not
// hold, and a seasonal reference is needed.
func (t *Table) Unsteady(s *State) bool {
	return s.live.block.value() > growing*max(t.settings.Dependence, s.live.pane.value())
}
