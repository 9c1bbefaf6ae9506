package profile

import (
	"maps"
	"math"
	"slices"
)

// MergeShare adds a share, above 0 and at most 1, of the rows of other, which must have the same layout. The share 1
// is [Profile.Merge].
//
// Rows have no order in a profile, so which ones are taken is decided by rank (systematic sampling, Cochran, Sampling
// Techniques, 3rd edition, chapter 8): bins and categories are walked from the first to the last, then missing,
// invalid and NaN, and up to each of them the rows taken are the share of the rows passed, rounded to the nearest
// number. So counts stay whole and add up, and no cumulative count is off by more than half a row. Sums of values are
// scaled with their counts; the range is kept.
func (p *Profile) MergeShare(other *Profile, share float64) {
	if share >= 1 {
		p.Merge(other)
		return
	}
	part := New(p.Layout)
	part.Rows = (&thinning{share: share}).take(other.Rows)
	part.Extra = (&thinning{share: share}).take(other.Extra)
	for i := range part.Features {
		part.Features[i].thin(&other.Features[i], share)
	}
	if other.Joint != nil {
		part.CountPairs()
		part.Joint.thin(other.Joint, share)
	}
	p.Merge(part)
}

// thinning takes a share of a sequence of counts.
type thinning struct {
	share         float64
	passed, taken int64
}

func (t *thinning) take(n int64) int64 {
	t.passed += n
	before := t.taken
	t.taken = int64(math.Round(t.share * float64(t.passed)))
	return t.taken - before
}

// thin sets f, which must be empty, to the share of other.
func (f *Feature) thin(other *Feature, share float64) {
	t := &thinning{share: share}
	for i, n := range other.Bins {
		f.Bins[i] = t.take(n)
		if f.Offsets != nil && n > 0 {
			f.Offsets[i] = int64(float64(other.Offsets[i]) * ratio(f.Bins[i], n))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(other.New)) {
		if n := t.take(other.New[name]); n > 0 {
			f.addNew(name, n)
		}
	}
	f.NewOther += t.take(other.NewOther)
	f.Missing, f.Invalid, f.NaN = t.take(other.Missing), t.take(other.Invalid), t.take(other.NaN)
	f.Captured = t.taken
	if !f.Numeric() {
		return
	}
	last := len(f.Bins) - 1
	outer := f.Bins[0]
	if last > 0 {
		outer += f.Bins[last]
	}
	f.Inf = min((&thinning{share: share}).take(other.Inf), outer)
	f.Under = other.Under.scaled(ratio(f.Bins[0], other.Bins[0]))
	f.Over = other.Over.scaled(ratio(f.Bins[last], other.Bins[last]))
	m := other.Moments
	if count := min(f.Present()-f.Inf, m.Count); count > 0 {
		r := ratio(count, m.Count)
		f.Moments = Moments{Center: m.Center, Count: count, Sum: m.Sum.scaled(r), Squares: m.Squares.scaled(r), Min: m.Min, Max: m.Max}
	}
	f.Inf = f.Present() - f.Moments.Count
	f.Negative = min((&thinning{share: share}).take(other.Negative), f.Present())
	f.Fractional = min((&thinning{share: share}).take(other.Fractional), f.Moments.Count)
}

// thin sets j, which must be empty, to the share of other.
func (j *Joint) thin(other *Joint, share float64) {
	for i, n := range other.Rows {
		t := thinning{share: share}
		j.Agree[i] = t.take(other.Agree[i])
		t.take(n - other.Agree[i])
		j.Rows[i] = t.taken
	}
	for i, counts := range other.Projected {
		t := thinning{share: share}
		for sum, n := range counts {
			j.Projected[i][sum] = t.take(n)
		}
	}
}

// ratio is n of total, or 0 of nothing.
func ratio(n, total int64) float64 {
	if total == 0 {
		return 0
	}
	return float64(n) / float64(total)
}

func (s Sum) scaled(by float64) Sum { return Sum{High: s.High * by, Low: s.Low * by} }
