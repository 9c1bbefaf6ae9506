package baseline

import (
	"math"
	"slices"
	"sort"

	"tidemark/capture"
	"tidemark/profile"
)

// maxValues is the number of different values up to which each value of an integer column gets a bin.
const maxValues = 100

// sample collects the numbers of the numeric columns. It keeps all rows up to its limit; beyond that it keeps each
// row with probability 1/2, then 1/4 and so on, by a hash of the row's place in the data: the same rows for all
// columns, and the same ones at every build.
type sample struct {
	limit   int
	level   uint     // rows are kept with probability 1/2^level
	seen    uint64   // rows seen
	hashes  []uint64 // of the rows kept
	columns []numbers
}

// numbers are the finite values of a column.
type numbers struct {
	now      float64   // of the current row, NaN if none
	kept     []float64 // for each row kept, NaN if none
	sum      profile.Sum
	count    int64
	min, max float64
	integers map[float64]struct{} // the different values, nil once they are too many or not all integers
}

// newSample returns a sample of the columns of data with so many rows.
func newSample(columns int, rows int64, l limits) *sample {
	s := &sample{limit: max(l.minimum, min(l.rows, l.values/max(columns, 1))), columns: make([]numbers, columns)}
	kept := min(rows, int64(s.limit)+1) // one too many comes before halve
	for i := range s.columns {
		s.columns[i] = numbers{kept: make([]float64, 0, kept), min: math.Inf(1), max: math.Inf(-1), integers: make(map[float64]struct{})}
	}
	return s
}

// set gives the current row its value in column i.
func (s *sample) set(i int, cell []byte) {
	c := &s.columns[i]
	c.now = math.NaN()
	x, missing, valid := capture.ParseNumber(cell)
	if missing || !valid || math.IsNaN(x) || math.IsInf(x, 0) {
		return
	}
	x += 0 // -0 becomes 0
	c.now = x
	c.count++
	c.sum.Add(x)
	c.min, c.max = min(c.min, x), max(c.max, x)
	if c.integers != nil {
		c.integers[x] = struct{}{}
		if x != math.Trunc(x) || len(c.integers) > maxValues {
			c.integers = nil
		}
	}
}

// next ends the current row.
func (s *sample) next() {
	hash := mix(s.seen)
	s.seen++
	if hash > math.MaxUint64>>s.level {
		return
	}
	s.hashes = append(s.hashes, hash)
	for i := range s.columns {
		s.columns[i].kept = append(s.columns[i].kept, s.columns[i].now)
	}
	for len(s.hashes) > s.limit {
		s.halve()
	}
}

func (s *sample) halve() {
	s.level++
	rows := 0
	for row, hash := range s.hashes {
		if hash > math.MaxUint64>>s.level {
			continue
		}
		s.hashes[rows] = hash
		for i := range s.columns {
			s.columns[i].kept[rows] = s.columns[i].kept[row]
		}
		rows++
	}
	s.hashes = s.hashes[:rows]
	for i := range s.columns {
		s.columns[i].kept = s.columns[i].kept[:rows]
	}
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection, so hashes of rows never collide.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// layout sets edges, ranks and centre from column i, and gives up its values.
func (s *sample) layout(i int, f *profile.FeatureLayout) {
	c := &s.columns[i]
	sorted := slices.DeleteFunc(c.kept, math.IsNaN)
	c.kept = nil
	if c.count == 0 {
		return
	}
	slices.Sort(sorted)
	if len(sorted) == 0 { // a column so sparse that the sample has none of its values
		sorted = []float64{c.min, c.max}
	}
	sorted[0], sorted[len(sorted)-1] = c.min, c.max
	if len(sorted) == 1 && c.min != c.max {
		sorted = []float64{c.min, c.max}
	}
	f.Center = c.sum.Value() / float64(c.count)
	if math.IsNaN(f.Center) || math.IsInf(f.Center, 0) { // the sum overflowed
		f.Center = c.min/2 + c.max/2
	}
	f.Edges, f.Ranks = edges(sorted, c.integers)
}

// edges returns the edges of the quantile bins of sorted values, with for each edge the highest rank whose quantile
// is not above it. An atom, a value that two quantiles fall on or that has more than two bins' share of the rows,
// also makes its successor an edge, so that it has a bin of its own. If values is not nil, each of them is an atom
// and the quantiles themselves make no edges.
func edges(sorted []float64, values map[float64]struct{}) (edges []float64, ranks []int) {
	quantiles := make([]float64, profile.Quantiles+1)
	hits := make(map[float64]int)
	for k := range quantiles {
		quantiles[k] = quantile(sorted, k)
		hits[quantiles[k]]++
	}
	after := func(v float64) float64 { return math.Nextafter(v, math.Inf(1)) }
	if values != nil {
		for v := range values {
			edges = append(edges, v, after(v))
		}
	} else {
		for _, q := range quantiles[:profile.Quantiles] {
			edges = append(edges, q)
			if hits[q] > 1 || rows(sorted, q)*profile.Quantiles > 2*len(sorted) {
				edges = append(edges, after(q))
			}
		}
	}
	edges = append(edges, after(sorted[len(sorted)-1]))
	slices.Sort(edges)
	edges = slices.Compact(edges)
	// The largest float has no finite successor: its values count as overflow.
	edges = slices.DeleteFunc(edges, func(e float64) bool { return math.IsInf(e, 0) })
	ranks = make([]int, len(edges))
	for i, e := range edges {
		ranks[i] = sort.Search(len(quantiles), func(k int) bool { return quantiles[k] > e }) - 1
	}
	return edges, ranks
}

// rows is the number of values equal to v.
func rows(sorted []float64, v float64) int {
	from := sort.SearchFloat64s(sorted, v)
	return sort.Search(len(sorted)-from, func(i int) bool { return sorted[from+i] > v })
}

// quantile is the k-th of the Quantiles' quantiles of sorted: the value at the (fractional) place (n-1)*k/240,
// counted from 0, by linear interpolation. It is definition 7 of Hyndman and Fan (1996), the default of numpy and R;
// the place is computed in integers, so an exact hit is never missed by a rounding error.
func quantile(sorted []float64, k int) float64 {
	place := (len(sorted) - 1) * k
	i, part := place/profile.Quantiles, place%profile.Quantiles
	if part == 0 {
		return sorted[i]
	}
	a, b, t := sorted[i], sorted[i+1], float64(part)/profile.Quantiles
	if a == b {
		return a
	}
	// The conversions forbid fused multiply-add: edges must be the same on all machines.
	var q float64
	switch d := b - a; {
	case math.IsInf(d, 0):
		q = float64(a*(1-t)) + float64(b*t)
	case t < 0.5: // as numpy does, exact at both ends
		q = a + float64(d*t)
	default:
		q = b - float64(d*(1-t))
	}
	return min(max(q, a), b)
}
