package baseline

import (
	"maps"
	"slices"

	"tidemark/profile"
)

// StatisticsOf is what the counts of a profile say of the columns that were captured, as far as constraints ask for it:
// present and missing values, their types and the names of categories. Where Deequ looks at the text of a value, counts know less:
// a number is Integral when it is whole, however it was written, and rare categories of a column, which are
// counted together, are taken for text unless all of them are numbers.
func StatisticsOf(p *profile.Profile) *Statistics {
	s := &Statistics{Rows: p.Rows}
	for i := range p.Features {
		f := &p.Features[i]
		if f.Captured == 0 {
			continue
		}
		column := FeatureStatistics{Name: f.Layout.Name, Present: f.Captured - f.Missing, Missing: f.Missing}
		if f.Numeric() {
			column.Types.Fractional = f.Fractional
			column.Types.Integral = f.Present() - f.Inf - f.Fractional
			column.Types.String = f.Invalid + f.NaN + f.Inf
		} else {
			column.name(f)
		}
		if column.Type = column.Types.column(); column.Type != String {
			column.Names = nil
		}
		s.Features = append(s.Features, column)
	}
	return s
}

// name sets names and types of a column of categories.
func (f *FeatureStatistics) name(counted *profile.Feature) {
	other := len(counted.Layout.Categories)
	f.Names = &NameStatistics{Unlisted: counted.Bins[other]}
	if !counted.Layout.Open {
		f.Names.Among = counted.Layout.Rare
	}
	add := func(name string, rows int64) {
		if rows > 0 {
			f.Names.Values = append(f.Names.Values, NameCount{name, rows})
			f.Types.add(typeOf([]byte(name)), rows)
		}
	}
	for i, name := range counted.Layout.Categories {
		add(name, counted.Bins[i])
	}
	for _, name := range slices.Sorted(maps.Keys(counted.New)) {
		add(name, counted.New[name])
	}
	var rare TypeCounts
	for _, name := range f.Names.Among {
		rare.add(typeOf([]byte(name)), 1)
	}
	kind := rare.column()
	if kind == Unknown {
		kind = String
	}
	f.Types.add(kind, counted.Bins[other])
	f.Types.String += counted.Invalid + counted.NewOther
}

// add counts values of a type.
func (c *TypeCounts) add(of DataType, values int64) {
	switch of {
	case Integral:
		c.Integral += values
	case Fractional:
		c.Fractional += values
	default:
		c.String += values
	}
}
