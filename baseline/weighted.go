package baseline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"tidemark/profile"
)

// maxExpanded is the number of values that edges are computed from; more rows are represented by so many.
const maxExpanded = 1 << 17

// spreadPoints is the number of points that the rows of all buckets of a column are spread over at most, if there are not
// more buckets.
const spreadPoints = 10_000

// point is a value and the rows that have it. Weight is the rows as they are known, which may be off in sum.
type point struct {
	value  float64
	weight float64
	rows   int64
}

// points returns the values of a column with the rows that they stand for, rising, and adding up to f.Present: those of
// its sketch; else its buckets, the rows of each spread evenly; else its mean. Its smallest and largest value
// are always among them. Spread says that the rows are at the mean because nothing else is known.
func (f *FeatureStatistics) points() (all []point, atMean bool, err error) {
	n := f.Numbers
	for _, figure := range []struct {
		name  string
		value float64
	}{{"mean", n.Mean}, {"std_dev", n.StdDev}, {"min", n.Min}, {"max", n.Max}} {
		if math.IsNaN(figure.value) || math.IsInf(figure.value, 0) {
			return nil, false, fmt.Errorf("%s is %v: it must be finite", figure.name, figure.value)
		}
	}
	if n.Min > n.Max || n.StdDev < 0 {
		return nil, false, fmt.Errorf("min is %v, max %v, std_dev %v: these do not go together", n.Min, n.Max, n.StdDev)
	}
	if all, err = n.sketched(); err == nil && len(all) == 0 {
		all, err = n.spread(f.Type == Integral)
	}
	if err != nil {
		return nil, false, err
	}
	if len(all) == 0 {
		all, atMean = []point{{value: min(max(n.Mean, n.Min), n.Max), weight: 1}}, true
	}
	all = apportion(all, f.Present)
	return withExtremes(all, n.Min, n.Max), atMean, nil
}

// sketched are the values of the sketch. It has none when there is no sketch or it is empty.
func (n *NumberStatistics) sketched() ([]point, error) {
	if n.Sketch == nil {
		return nil, nil
	}
	var all []point
	for level, values := range n.Sketch.Levels {
		weight := math.Ldexp(1, level)
		for _, x := range values {
			if !(x >= n.Min && x <= n.Max) {
				return nil, fmt.Errorf("sketch: level %d holds %v, which is not from min, %v, to max, %v", level, x, n.Min, n.Max)
			}
			if level > 40 {
				return nil, fmt.Errorf("sketch: level %d is not empty: a value there would stand for more than %d rows", level, int64(maxCount))
			}
			all = append(all, point{value: x + 0, weight: weight}) // -0 becomes 0
		}
	}
	slices.SortFunc(all, func(a, b point) int { return cmp.Compare(a.value, b.value) })
	merged := all[:0]
	for _, p := range all {
		if k := len(merged); k > 0 && merged[k-1].value == p.value {
			merged[k-1].weight += p.weight
			continue
		}
		merged = append(merged, p)
	}
	return merged, nil
}

// spread are points in the buckets, each with the same part of the bucket's rows: of a column of integers the integers, as
// far as there are not too many, else the middles of equal parts.
func (n *NumberStatistics) spread(integral bool) ([]point, error) {
	var all []point
	most := max(1, spreadPoints/max(1, len(n.Buckets))) // in a bucket
	for i, b := range n.Buckets {
		low, high := max(b.Lower, n.Min), min(b.Upper, n.Max)
		switch {
		case !(b.Count >= 0 && b.Count <= maxCount):
			return nil, fmt.Errorf("bucket %d: count is %v: it must be from 0 to %d", i+1, b.Count, int64(maxCount))
		case b.Count == 0:
			continue
		case !(low <= high) || i > 0 && b.Lower < n.Buckets[i-1].Upper:
			return nil, fmt.Errorf("bucket %d goes from %v to %v: buckets must rise from min, %v, to max, %v", i+1, b.Lower, b.Upper, n.Min, n.Max)
		}
		last := i == len(n.Buckets)-1
		values := integersFrom(low, high, last, most)
		if !integral || values == nil {
			values = middles(low, high, int(min(b.Count, float64(most))))
		}
		for _, x := range values {
			all = append(all, point{value: x + 0, weight: b.Count / float64(len(values))})
		}
	}
	return all, nil
}

// integersFrom are the integers from low up to high, which is one of them only when closed; nil when they are more
// than most or there is none.
func integersFrom(low, high float64, closed bool, most int) []float64 {
	first, last := math.Ceil(low), math.Floor(high)
	if last == high && !closed {
		last--
	}
	if !(last-first >= 0 && last-first < float64(most)) || math.Abs(first) > 1<<52 || math.Abs(last) > 1<<52 {
		return nil
	}
	var all []float64
	for x := first; x <= last; x++ {
		all = append(all, x)
	}
	return all
}

// middles are the middles of k equal parts.
func middles(low, high float64, k int) []float64 {
	k = max(k, 1)
	all := make([]float64, k)
	for j := range all {
		t := (float64(j) + 0.5) / float64(k)
		all[j] = min(max(low*(1-t)+high*t, low), high)
	}
	return slices.Compact(all)
}

// apportion gives each point whole rows, n in all, by rounding the cumulated weights. Points without rows are left out.
// Weights that are whole and add up to n are taken as they are.
func apportion(all []point, n int64) []point {
	total := 0.0
	for _, p := range all {
		total += p.weight
	}
	kept := all[:0]
	cumulated, given := 0.0, int64(0)
	for i, p := range all {
		cumulated += p.weight
		upTo := min(int64(math.Round(cumulated/total*float64(n))), n)
		if i == len(all)-1 {
			upTo = n
		}
		if p.rows = upTo - given; p.rows > 0 {
			kept = append(kept, p)
			given = upTo
		}
	}
	return kept
}

// withExtremes moves one row each to the smallest and the largest value when no row is there.
func withExtremes(all []point, low, high float64) []point {
	low, high = low+0, high+0
	if first := &all[0]; first.value != low {
		if first.rows == 1 {
			first.value = low
		} else {
			first.rows--
			all = slices.Insert(all, 0, point{value: low, rows: 1})
		}
	}
	if last := &all[len(all)-1]; last.value != high {
		if last.rows == 1 && len(all) > 1 {
			last.value = high
		} else if last.rows > 1 {
			last.rows--
			all = append(all, point{value: high, rows: 1})
		}
	}
	return all
}

// layOut sets edges, ranks and centre, as a build from the rows does.
func layOut(all []point, atMean bool, n *NumberStatistics, f *profile.FeatureLayout) {
	f.Center = n.Mean + 0
	if atMean {
		f.Edges, f.Ranks = []float64{n.Min + 0}, []int{0}
		if after := math.Nextafter(n.Max, math.Inf(1)); !math.IsInf(after, 0) {
			f.Edges, f.Ranks = append(f.Edges, after), append(f.Ranks, profile.Quantiles)
		}
		return
	}
	integers := make(map[float64]struct{})
	for _, p := range all {
		if p.value != math.Trunc(p.value) || len(integers) >= maxValues {
			integers = nil
			break
		}
		integers[p.value] = struct{}{}
	}
	f.Edges, f.Ranks = edges(expand(all), integers)
}

// expand repeats each value for its rows, or, when these are more than maxExpanded, for its part of maxExpanded rows.
func expand(all []point) []float64 {
	var n int64
	for _, p := range all {
		n += p.rows
	}
	size := min(n, maxExpanded)
	sorted := make([]float64, 0, size)
	i, upTo := 0, all[0].rows
	for j := range size {
		place := j // of the row, counted from 0
		if n > size {
			place = int64((float64(j) + 0.5) / float64(size) * float64(n))
		}
		for place >= upTo && i < len(all)-1 {
			i++
			upTo += all[i].rows
		}
		sorted = append(sorted, all[i].value)
	}
	sorted[0], sorted[len(sorted)-1] = all[0].value, all[len(all)-1].value
	return sorted
}

// squaresFor is the sum of squares of n values for which the standard deviation comes out as s, to the bit where a
// float64 can tell.
func squaresFor(s float64, n int64) profile.Sum {
	rows := float64(n)
	squares := float64(s*s) * rows
	for _, x := range []float64{squares, math.Nextafter(squares, 0), math.Nextafter(squares, math.Inf(1))} {
		if math.Sqrt(x/rows) == s {
			return profile.Sum{High: x}
		}
	}
	return profile.Sum{High: squares}
}
