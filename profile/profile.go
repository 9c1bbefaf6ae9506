package profile

import (
	"math"
	"unsafe"

	"tidemark/capture"
)

// Profile is the mergeable summary of the watched columns over some rows. The baseline, a pane and a window are
// all profiles of the same layout.
type Profile struct {
	Layout   *Layout
	Rows     int64
	Extra    int64 // JSON keys in the rows that no column is called
	Features []Feature
	Joint    *Joint // nil when pairs of columns were not counted
}

// Feature is the summary of one watched column. Captured = present + Missing + Invalid + NaN.
type Feature struct {
	Layout     *FeatureLayout
	Captured   int64 // rows that were captured with this column's side
	Missing    int64
	Invalid    int64 // values of the wrong type
	NaN        int64
	Negative   int64 // numeric: values below 0
	Fractional int64 // numeric: finite values that are not whole
	Inf        int64 // also in the first or last bin, but not in the moments
	Bins       []int64
	Offsets    []int64          // numeric: where in their bin its values are, see [Feature.BinSum]
	Under      Sum              // numeric: how far the finite values below the first edge are from it
	Over       Sum              // numeric: how far the finite values from the last edge on are from it
	Moments    Moments          // numeric: of the finite values
	New        map[string]int64 // categorical: categories that the baseline never saw, at most MaxNew by name
	NewOther   int64            // categorical: rows of new categories beyond those
}

// New returns an empty profile.
func New(layout *Layout) *Profile {
	p := &Profile{Layout: layout, Features: make([]Feature, len(layout.Features))}
	for i := range layout.Features {
		f := &layout.Features[i]
		p.Features[i] = Feature{Layout: f, Bins: make([]int64, f.Bins()), Moments: noMoments(f)}
		if f.Kind == capture.Numeric {
			p.Features[i].Offsets = make([]int64, f.Bins())
		}
	}
	return p
}

// Reset empties the profile and keeps its memory.
func (p *Profile) Reset() {
	p.Rows, p.Extra = 0, 0
	if p.Joint != nil {
		clear(p.Joint.Rows)
		clear(p.Joint.Agree)
		for _, counts := range p.Joint.Projected {
			clear(counts)
		}
	}
	for i := range p.Features {
		f := &p.Features[i]
		clear(f.Bins)
		clear(f.Offsets)
		*f = Feature{Layout: f.Layout, Bins: f.Bins, Offsets: f.Offsets, Moments: noMoments(f.Layout)}
	}
}

func noMoments(f *FeatureLayout) Moments {
	return Moments{Center: f.Center, Min: math.Inf(1), Max: math.Inf(-1)}
}

// Bytes is about the memory that the profile takes, without the names of new categories.
func (p *Profile) Bytes() int {
	n := 0
	for i := range p.Features {
		n += int(unsafe.Sizeof(p.Features[i])) + 8*(len(p.Features[i].Bins)+len(p.Features[i].Offsets))
	}
	return n
}

// Present is the number of values that could be counted: in a bin, or of a new category.
func (f *Feature) Present() int64 { return f.Captured - f.Missing - f.Invalid - f.NaN }

// NewRows is the number of values of categories that the baseline never saw.
func (f *Feature) NewRows() int64 {
	n := f.NewOther
	for _, count := range f.New {
		n += count
	}
	return n
}

// Numeric says whether the feature is counted over bin edges.
func (f *Feature) Numeric() bool { return f.Layout.Kind == capture.Numeric }

// Feature returns the feature of that name, or nil.
func (p *Profile) Feature(name string) *Feature {
	for i := range p.Features {
		if p.Features[i].Layout.Name == name {
			return &p.Features[i]
		}
	}
	return nil
}

// Merge adds the rows of other, which must have the same layout. Counts come out the same in any order.
func (p *Profile) Merge(other *Profile) {
	p.Rows += other.Rows
	p.Extra += other.Extra
	p.mergeJoint(other.Joint)
	for i := range p.Features {
		p.Features[i].merge(&other.Features[i])
	}
}

func (f *Feature) merge(other *Feature) {
	f.Captured += other.Captured
	f.Missing += other.Missing
	f.Invalid += other.Invalid
	f.NaN += other.NaN
	f.Inf += other.Inf
	f.Negative += other.Negative
	f.Fractional += other.Fractional
	for i, n := range other.Bins {
		f.Bins[i] += n
	}
	for i, n := range other.Offsets {
		f.Offsets[i] += n
	}
	f.Under.merge(other.Under)
	f.Over.merge(other.Over)
	f.Moments.Merge(other.Moments)
	f.NewOther += other.NewOther
	for name, n := range other.New {
		f.addNew(name, n)
	}
}
