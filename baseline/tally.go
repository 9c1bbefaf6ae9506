package baseline

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"

	"tidemark/capture"
	"tidemark/profile"
)

// maxNamed is the number of different values of a String column that are counted each by name.
const maxNamed = 50_000

// tally makes [Statistics] of rows that are read twice: first for types and ranges, then for what depends on them.
type tally struct{ columns []tallied }

// tallied is a column. A value is numeric or text by its type; numbers that are not finite count as missing.
type tallied struct {
	name     string
	place    int  // in the file
	float    bool // declared as floating point, so that whole numbers are fractional too
	missing  int64
	types    TypeCounts
	sum      profile.Sum
	min, max float64

	kind    DataType // from here on of the second reading
	mean    float64
	squares profile.Sum // of the distances from the mean
	buckets []Bucket
	named   map[string]int64
	unnamed int64
	hashes  hashSample // of all names, once they are more than maxNamed
}

// newTally returns a tally of the columns of a table.
func newTally(f *table, places []int) *tally {
	t := &tally{columns: make([]tallied, len(places))}
	for i, place := range places {
		t.columns[i] = tallied{name: f.columns[place], place: place, float: f.float[place], min: math.Inf(1), max: math.Inf(-1)}
	}
	return t
}

// first counts a cell of column i, whose value as a number is x if it is valid.
func (t *tally) first(i int, cell []byte, x float64, valid bool) {
	c := &t.columns[i]
	if len(cell) == 0 {
		c.missing++
		return
	}
	switch kind := c.typeOf(cell); {
	case kind == String || !valid:
		c.types.String++
		return
	case math.IsNaN(x) || math.IsInf(x, 0):
		c.missing++
		return
	case kind == Integral:
		c.types.Integral++
	default:
		c.types.Fractional++
	}
	c.sum.Add(x)
	c.min, c.max = min(c.min, x), max(c.max, x)
}

func (c *tallied) typeOf(cell []byte) DataType {
	if c.float {
		return Fractional
	}
	return typeOf(cell)
}

// again ends the first reading.
func (t *tally) again() {
	for i := range t.columns {
		c := &t.columns[i]
		switch c.kind = c.types.column(); c.kind {
		case String:
			c.named = make(map[string]int64)
		case Integral, Fractional:
			c.mean = c.sum.Value() / float64(c.present())
			c.buckets = newBuckets(c.min, c.max)
		}
	}
}

func (c *tallied) present() int64 { return c.types.Integral + c.types.Fractional + c.types.String }

// second counts a cell of column i.
func (t *tally) second(i int, cell []byte) {
	c := &t.columns[i]
	switch {
	case len(cell) == 0:
	case c.kind == String:
		if !c.notFinite(cell) {
			c.addName(cell)
		}
	case c.kind != Unknown:
		x, _, _ := capture.ParseNumber(cell)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return
		}
		d := x - c.mean
		c.squares.Add(d * d)
		if c.buckets != nil {
			place(c.buckets, x)
		}
	}
}

// notFinite says whether the cell is a number that counts as missing.
func (c *tallied) notFinite(cell []byte) bool {
	if c.typeOf(cell) == String {
		return false
	}
	x, _, valid := capture.ParseNumber(cell)
	return valid && (math.IsNaN(x) || math.IsInf(x, 0))
}

// addName counts a value by name, or, when there are too many names, without.
func (c *tallied) addName(cell []byte) {
	if n, known := c.named[string(cell)]; known {
		c.named[string(cell)] = n + 1
		return
	}
	if len(c.named) < maxNamed {
		c.named[string(cell)] = 1
		return
	}
	if c.unnamed == 0 {
		for name := range c.named {
			c.hashes.add([]byte(name))
		}
	}
	c.unnamed++
	c.hashes.add(cell)
}

// statistics are those of all rows, after the second reading, with the columns in the order of the file.
func (t *tally) statistics(rows int64) *Statistics {
	s := &Statistics{Rows: rows, Features: make([]FeatureStatistics, len(t.columns))}
	slices.SortFunc(t.columns, func(a, b tallied) int { return cmp.Compare(a.place, b.place) })
	for i := range t.columns {
		c := &t.columns[i]
		f := &s.Features[i]
		*f = FeatureStatistics{Name: c.name, Type: c.kind, Present: c.present(), Missing: c.missing, Types: c.types}
		switch c.kind {
		case String:
			f.Names = c.names()
		case Integral, Fractional:
			f.Numbers = &NumberStatistics{
				Mean: c.mean, Sum: c.sum.Value(), Min: c.min, Max: c.max, Buckets: c.buckets,
				StdDev: math.Sqrt(max(0, c.squares.Value()) / float64(f.Present)),
			}
		}
	}
	return s
}

func (c *tallied) names() *NameStatistics {
	n := &NameStatistics{Distinct: float64(len(c.named)), Values: make([]NameCount, 0, len(c.named)), Unlisted: c.unnamed}
	if c.unnamed > 0 {
		n.Distinct = c.hashes.distinct()
	}
	for name, count := range c.named {
		n.Values = append(n.Values, NameCount{name, count})
	}
	slices.SortFunc(n.Values, func(a, b NameCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return n
}

// hashSample estimates how many different values there are: it keeps the hashes below a bound that it halves when they
// are too many. The standard error is about 1.2/sqrt(maxHashes), 2 %.
//
// Source: Wegman's adaptive sampling, in Flajolet, "On Adaptive Sampling", Computing 43 (1990).
type hashSample struct {
	level uint
	kept  map[uint64]struct{}
}

const maxHashes = 4096

func (h *hashSample) add(value []byte) {
	sum := fnv.New64a()
	_, _ = sum.Write(value) // never fails
	hash := mix(sum.Sum64())
	if hash > math.MaxUint64>>h.level {
		return
	}
	if h.kept == nil {
		h.kept = make(map[uint64]struct{}, maxHashes)
	}
	h.kept[hash] = struct{}{}
	for len(h.kept) > maxHashes {
		h.level++
		for hash := range h.kept {
			if hash > math.MaxUint64>>h.level {
				delete(h.kept, hash)
			}
		}
	}
}

// distinct is the estimate.
func (h *hashSample) distinct() float64 { return math.Ldexp(float64(len(h.kept)), int(h.level)) }
