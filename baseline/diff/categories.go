package diff

import (
	"slices"

	"tidemark/capture"
	"tidemark/profile"
)

// counted says whether the category has a bin of its own.
func counted(f *profile.FeatureLayout, name string) bool {
	_, ok := slices.BinarySearch(f.Categories, name)
	return ok
}

// absent says whether a baseline has certainly no row of the category.
func absent(f *profile.FeatureLayout, name string) bool {
	_, rare := slices.BinarySearch(f.Rare, name)
	return !f.Open && !rare && !counted(f, name)
}

// unknown returns the categories of the one that the other certainly has no row of, sorted.
func unknown(of, to *profile.FeatureLayout) []string {
	var names []string
	for _, name := range slices.Concat(of.Categories, of.Rare) {
		if absent(to, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func sameCategories(r, f *profile.FeatureLayout) bool {
	return slices.Equal(r.Categories, f.Categories) && slices.Equal(r.Rare, f.Rare) && r.Open == f.Open
}

// common counts both sides over the categories whose rows both know: those that each either counts by itself or has
// none of. All others are one cell. Pooling makes no divergence larger, so these are at least what the scores are over
// these cells; the l_infinity of a pooled cell may be larger than that of its categories.
func common(r, f *profile.Feature) (reference, current *profile.Feature) {
	layout := &profile.FeatureLayout{Name: r.Layout.Name, Prediction: r.Layout.Prediction, Kind: capture.Categorical}
	for _, name := range slices.Concat(r.Layout.Categories, f.Layout.Categories) {
		if knows(r.Layout, name) && knows(f.Layout, name) {
			layout.Categories = append(layout.Categories, name)
		}
	}
	slices.Sort(layout.Categories)
	layout.Categories = slices.Compact(layout.Categories)
	return project(r, layout), project(f, layout)
}

func knows(f *profile.FeatureLayout, name string) bool { return counted(f, name) || absent(f, name) }

// project counts the feature in a layout of categories that it knows the rows of.
func project(f *profile.Feature, layout *profile.FeatureLayout) *profile.Feature {
	p := &profile.Feature{Layout: layout, Captured: f.Captured, Missing: f.Missing, Invalid: f.Invalid, Bins: make([]int64, layout.Bins())}
	rest := f.Present()
	for i, name := range layout.Categories {
		if bin, ok := slices.BinarySearch(f.Layout.Categories, name); ok {
			p.Bins[i] = f.Bins[bin]
			rest -= f.Bins[bin]
		}
	}
	p.Bins[len(layout.Categories)] = rest
	return p
}

// newShare is the share of the current rows of categories that the reference has none of. Where rows are only known
// together with others, or the reference does not know all of its categories, it is a bracket.
func newShare(r, f *profile.Feature) Score {
	seen := func(name string) bool {
		_, rare := slices.BinarySearch(r.Layout.Rare, name)
		return rare || counted(r.Layout, name)
	}
	fresh := func(name string) bool { return absent(r.Layout, name) }
	other := len(f.Layout.Categories)
	var certain, possible int64
	for i, name := range f.Layout.Categories {
		switch {
		case fresh(name):
			certain += f.Bins[i]
		case !seen(name):
			possible += f.Bins[i]
		}
	}
	switch rest := f.Bins[other] + f.NewRows(); {
	case !f.Layout.Open && all(f.Layout.Rare, seen):
	case !f.Layout.Open && all(f.Layout.Rare, fresh):
		certain += rest
	default:
		possible += rest
	}
	lower, upper := float64(certain)/float64(f.Present()), float64(certain+possible)/float64(f.Present())
	if possible == 0 {
		return Score{Score: &lower}
	}
	return Score{Lower: &lower, Upper: &upper}
}

func all(names []string, hold func(string) bool) bool {
	for _, name := range names {
		if !hold(name) {
			return false
		}
	}
	return true
}
