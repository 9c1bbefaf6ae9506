package baseline

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"tidemark/capture"
	"tidemark/profile"
)

// FromStatistics makes a baseline from SageMaker Model Monitor's statistics.json, and, when constraints is not empty,
// the constraints.json beside it. Integral and Fractional columns, and those without values, are numeric, String columns
// categorical, and roles may say otherwise as for [Build].
//
// Number of rows, missing values, mean, standard deviation and range are those of the file. The distribution of a
// numeric column is that of its KLL sketch: with up to about 2,000 rows all its values, beyond that so many of them that ranks
// are off by less than 1 %. Without a sketch it is that of the ten buckets, spread evenly within each, and
// without these only the range is known. A categorical column has the categories of the file, and those that the
// constraints allow count as known; one whose values the file does not list cannot drift.
func FromStatistics(statistics, constraints string, roles Roles, now time.Time) (*Baseline, error) {
	s, err := ReadStatistics(statistics)
	if err != nil {
		return nil, err
	}
	b := &Baseline{Created: now.UTC().Truncate(time.Second), Source: []string{filepath.Base(statistics)}, Statistics: s}
	b.Constraints = s.Suggest()
	if constraints != "" {
		if b.Constraints, err = ReadConstraints(constraints); err != nil {
			return nil, err
		}
		b.Source = append(b.Source, filepath.Base(constraints))
	}
	if err := b.fill(roles); err != nil {
		return nil, fmt.Errorf("%s: %w", statistics, err)
	}
	return b, nil
}

// fill makes schema, layout and profile from the statistics and constraints.
func (b *Baseline) fill(roles Roles) error {
	s := b.Statistics
	if s.Rows == 0 {
		return errors.New("dataset.item_count is 0: a baseline needs rows")
	}
	features := make(map[string]*FeatureStatistics, len(s.Features))
	names := make([]string, len(s.Features))
	for i := range s.Features {
		names[i] = s.Features[i].Name
		features[names[i]] = &s.Features[i]
	}
	var err error
	if b.Schema, err = roles.schema(names); err != nil {
		return err
	}
	for _, place := range watched(b.Schema) {
		c := &b.Schema.Columns[place]
		c.Kind = capture.Numeric
		if features[c.Name].Type == String || slices.Contains(roles.Categorical, c.Name) {
			c.Kind = capture.Categorical
		}
	}
	if err := b.Schema.Validate(); err != nil {
		return err
	}
	columns := b.Schema.Watched()
	b.Layout.Features = make([]profile.FeatureLayout, len(columns))
	fillers := make([]func(*profile.Feature), len(columns))
	for i, c := range columns {
		layout, f := &b.Layout.Features[i], features[c.Name]
		*layout = profile.FeatureLayout{Name: c.Name, Prediction: c.Role == capture.Prediction, Kind: c.Kind}
		if c.Kind == capture.Numeric {
			fillers[i], err = f.numeric(layout)
		} else {
			fillers[i], err = f.categorical(layout, b.Constraints.domains(c.Name))
		}
		if err != nil {
			return fmt.Errorf("feature %q: %w", c.Name, err)
		}
	}
	if err := b.Layout.Validate(); err != nil {
		return err
	}
	b.Layout.ID() // computed before anyone shares the layout, as are the pairs
	b.Layout.Pairs()
	b.Layout.Projections()
	b.Profile = profile.New(&b.Layout)
	b.Profile.Rows = s.Rows
	for i, fill := range fillers {
		f := &b.Profile.Features[i]
		fill(f)
		f.Missing = features[columns[i].Name].Missing
		f.Captured = features[columns[i].Name].Present + f.Missing
	}
	b.ID, err = b.contentID()
	return err
}

// domains are the values that the constraints allow in a column.
func (c *Constraints) domains(name string) []string {
	for i := range c.Features {
		if c.Features[i].Name == name {
			return c.Features[i].Domains
		}
	}
	return nil
}

// numeric sets the layout and returns what counts the rows in it.
func (f *FeatureStatistics) numeric(layout *profile.FeatureLayout) (func(*profile.Feature), error) {
	if f.Present == 0 {
		return func(*profile.Feature) {}, nil
	}
	if f.Numbers == nil {
		return nil, fmt.Errorf("inferred_type is %s, but num_present is %d", f.Type, f.Present)
	}
	points, atMean, err := f.points()
	if err != nil {
		return nil, err
	}
	layOut(points, atMean, f.Numbers, layout)
	return func(counted *profile.Feature) {
		for _, p := range points {
			counted.AddNumber(p.value, p.rows)
		}
		m := &counted.Moments
		m.Min, m.Max = f.Numbers.Min+0, f.Numbers.Max+0
		m.Sum, m.Squares = profile.Sum{}, squaresFor(f.Numbers.StdDev, f.Present)
	}, nil
}

// categorical sets the layout and returns what counts the rows in it.
func (f *FeatureStatistics) categorical(layout *profile.FeatureLayout, domain []string) (func(*profile.Feature), error) {
	counted := newNames(defaultLimits.names)
	counted.values = f.Present
	unlisted := f.Present
	add := func(name string, rows int64) {
		if canonical := capture.Canonical([]byte(name)); len(canonical) <= maxName {
			counted.rows[string(canonical)] += rows
			unlisted -= rows
		}
	}
	switch {
	case f.Names != nil:
		for _, v := range f.Names.Values {
			if v.Value != "" && v.Count > 0 {
				add(v.Value, v.Count)
			}
		}
	case f.Numbers != nil:
		if kept, err := f.Numbers.sketched(); err != nil || len(kept) == 0 {
			return nil, fmt.Errorf("its values are numbers of which the file has only ranges: leave it out of --categorical, or build the baseline from the data")
		}
		points, _, err := f.points()
		if err != nil {
			return nil, err
		}
		for _, p := range points {
			add(strconv.FormatFloat(p.value, 'f', -1, 64), p.rows)
		}
		// Beyond the first level the sketch has only some of the values.
		for i, level := range f.Numbers.Sketch.Levels {
			counted.open = counted.open || i > 0 && len(level) > 0
		}
	}
	for _, name := range domain {
		add(name, 0)
	}
	counted.open = counted.open || unlisted > 0
	rows := counted.rows
	counted.layout(layout)
	return func(f *profile.Feature) {
		other := len(layout.Categories)
		f.Bins[other] = unlisted
		for name, n := range rows {
			if i, known := slices.BinarySearch(layout.Categories, name); known {
				f.Bins[i] += n
			} else {
				f.Bins[other] += n
			}
		}
	}, nil
}
