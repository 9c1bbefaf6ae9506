package baseline

import (
	"fmt"
	"slices"
	"time"

	"tidemark/capture"
	"tidemark/profile"
)

// baseline checks the document and makes its baseline. Errors name the field and its value.
func (d *document) baseline() (*Baseline, error) {
	b := &Baseline{ID: d.ID, Created: d.Created, ReviewBy: d.ReviewBy, Source: d.Source, Schema: d.Schema, Layout: d.Layout}
	if !b.ReviewBy.IsZero() && !b.ReviewBy.After(b.Created) {
		return nil, fmt.Errorf("review_by is %s: it must be after created, %s", b.ReviewBy.Format(time.RFC3339), b.Created.Format(time.RFC3339))
	}
	if err := b.Schema.Validate(); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	if err := checkLayout(&b.Layout, b.Schema); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	if len(d.Features) != len(b.Layout.Features) {
		return nil, fmt.Errorf("features: %d entries, but the layout has %d", len(d.Features), len(b.Layout.Features))
	}
	if d.Rows <= 0 {
		return nil, fmt.Errorf("rows is %d: it must be at least 1", d.Rows)
	}
	b.Layout.ID() // computed before anyone shares the layout, as are the pairs and projections
	b.Layout.Pairs()
	b.Layout.Projections()
	b.Profile = profile.New(&b.Layout)
	b.Profile.Rows = d.Rows
	for i := range d.Features {
		if err := d.Features[i].restore(&b.Profile.Features[i], d.Rows); err != nil {
			return nil, fmt.Errorf("feature %q: %w", b.Layout.Features[i].Name, err)
		}
	}
	if err := d.Joint.restore(b.Profile); err != nil {
		return nil, fmt.Errorf("joint: %w", err)
	}
	var err error
	if b.Seasonal, err = d.Seasonal.seasonal(b.Profile); err != nil {
		return nil, fmt.Errorf("seasonal: %w", err)
	}
	if err := checkCalibrations(d.Calibrations, b.Profile); err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	b.Calibrations = d.Calibrations
	id, err := b.contentID()
	if err != nil {
		return nil, err
	}
	if id != d.ID {
		return nil, fmt.Errorf("id is %q, but the content's is %q: the file was changed by hand or cut", d.ID, id)
	}
	return b, nil
}

// checkCalibrations checks that the calibrations, if there are any, are of the profile's columns.
func checkCalibrations(all []Calibration, p *profile.Profile) error {
	if all != nil && len(all) != len(p.Features) {
		return fmt.Errorf("%d entries, but there are %d columns", len(all), len(p.Features))
	}
	for i, c := range all {
		f := &p.Features[i]
		if c.Singles < 0 || c.Singles > int64(len(f.Layout.Rare)) {
			return fmt.Errorf("feature %q: %d categories were seen once, of %d rare ones", f.Layout.Name, c.Singles, len(f.Layout.Rare))
		}
		if c.Odd != nil && len(c.Odd) != len(f.Bins) {
			return fmt.Errorf("feature %q: %d odd counts, but %d bins", f.Layout.Name, len(c.Odd), len(f.Bins))
		}
		for bin, n := range c.Odd {
			if n < 0 || n > f.Bins[bin] {
				return fmt.Errorf("feature %q: %d odd rows of %d in bin %d", f.Layout.Name, n, f.Bins[bin], bin)
			}
		}
		for k, kappa := range c.Kappa {
			if kappa.Value < 1 || kappa.Rows < 1 || k > 0 && kappa.Rows <= c.Kappa[k-1].Rows {
				return fmt.Errorf("feature %q: kappa is %v for blocks of %d rows", f.Layout.Name, kappa.Value, kappa.Rows)
			}
		}
	}
	return nil
}

// restore gives the profile its pairs of columns, which a file may lack.
func (j *joint) restore(p *profile.Profile) error {
	if j == nil {
		return nil
	}
	if n := len(p.Layout.Pairs()); n == 0 || len(j.Rows) != n || len(j.Agree) != n {
		return fmt.Errorf("rows has %d entries and agree %d, but the layout has %d pairs", len(j.Rows), len(j.Agree), n)
	}
	for i, n := range j.Rows {
		if n < 0 || n > p.Rows || j.Agree[i] < 0 || j.Agree[i] > n {
			return fmt.Errorf("pair %d agrees in %d of %d rows: it must be between 0 and these, and they at most %d", i, j.Agree[i], n, p.Rows)
		}
	}
	p.CountPairs()
	p.Joint.Rows, p.Joint.Agree = j.Rows, j.Agree
	return j.restoreProjected(p)
}

// restoreProjected gives the profile its projections.
func (j *joint) restoreProjected(p *profile.Profile) error {
	if j.Projected == nil {
		return nil
	}
	if len(j.Projected) != len(p.Joint.Projected) {
		return fmt.Errorf("projected has %d entries, but the layout has %d projections", len(j.Projected), len(p.Joint.Projected))
	}
	for i, counts := range j.Projected {
		if want := len(p.Joint.Projected[i]); len(counts) != want {
			return fmt.Errorf("projection %d has %d counts, want %d", i, len(counts), want)
		}
		rows := int64(0)
		for _, n := range counts {
			if rows += n; n < 0 || rows > p.Rows {
				return fmt.Errorf("projection %d has a count of %d: counts must not be negative, nor add up to more than the %d rows", i, n, p.Rows)
			}
		}
	}
	p.Joint.Projected = j.Projected
	return nil
}

// checkLayout checks that the layout counts the schema's watched columns.
func checkLayout(layout *profile.Layout, schema capture.Schema) error {
	if err := layout.Validate(); err != nil {
		return err
	}
	columns := schema.Watched()
	if len(layout.Features) != len(columns) {
		return fmt.Errorf("%d features, but the schema has %d features and predictions", len(layout.Features), len(columns))
	}
	for i, f := range layout.Features {
		c := columns[i]
		switch {
		case f.Name != c.Name:
			return fmt.Errorf("feature %d is %q, but by the schema it is %q", i+1, f.Name, c.Name)
		case f.Kind != c.Kind:
			return fmt.Errorf("feature %q: kind is %q, but in the schema %q", f.Name, f.Kind, c.Kind)
		case f.Prediction != (c.Role == capture.Prediction):
			return fmt.Errorf("feature %q: prediction is %v, but its role in the schema is %s", f.Name, f.Prediction, c.Role)
		}
		for k, rank := range f.Ranks {
			if rank < 0 || rank > profile.Quantiles || k > 0 && rank < f.Ranks[k-1] {
				return fmt.Errorf("feature %q: rank %d is %d: ranks go from 0 to %d and do not fall", f.Name, k, rank, profile.Quantiles)
			}
		}
		names := slices.Sorted(slices.Values(slices.Concat(f.Categories, f.Rare)))
		for k := 1; k < len(names); k++ {
			if names[k] == names[k-1] {
				return fmt.Errorf("feature %q: category %q appears twice", f.Name, names[k])
			}
		}
	}
	return nil
}

// restore checks the counts and copies them to f.
func (c *counts) restore(f *profile.Feature, rows int64) error {
	if c.Name != f.Layout.Name {
		return fmt.Errorf("name is %q in the counts", c.Name)
	}
	if len(c.Bins) != len(f.Bins) {
		return fmt.Errorf("%d bins, but the layout has %d", len(c.Bins), len(f.Bins))
	}
	inBins, err := c.sum(rows)
	if err != nil {
		return err
	}
	if len(c.Offsets) != len(f.Offsets) {
		return fmt.Errorf("%d offsets, want %d", len(c.Offsets), len(f.Offsets))
	}
	for i, offset := range c.Offsets {
		if offset < 0 || (offset+profile.MaxOffset-1)/profile.MaxOffset > c.Bins[i] {
			return fmt.Errorf("offset %d is %d: it must be between 0 and %d for each of the bin's %d values", i, offset, profile.MaxOffset, c.Bins[i])
		}
	}
	f.Captured, f.Missing, f.Invalid, f.NaN, f.Inf, f.Negative, f.Fractional = c.Captured, c.Missing, c.Invalid, c.NaN, c.Inf, c.Negative, c.Fractional
	f.Bins, f.New, f.NewOther = c.Bins, c.New, c.NewOther
	f.Offsets = c.Offsets
	f.Under = profile.Sum{High: float64(c.Under[0]), Low: float64(c.Under[1])}
	f.Over = profile.Sum{High: float64(c.Over[0]), Low: float64(c.Over[1])}
	if inBins != f.Present() {
		return fmt.Errorf("bins sum to %d, but captured - missing - invalid - nan is %d", inBins, f.Present())
	}
	if f.Inf > inBins {
		return fmt.Errorf("inf is %d of %d values in bins", f.Inf, inBins)
	}
	if f.Negative > inBins {
		return fmt.Errorf("negative is %d of %d values in bins", f.Negative, inBins)
	}
	if f.Fractional > inBins-f.Inf {
		return fmt.Errorf("fractional is %d of %d finite values", f.Fractional, inBins-f.Inf)
	}
	if !f.Numeric() {
		if c.Moments != nil || c.Invalid != 0 || c.NaN != 0 || c.Inf != 0 || c.Negative != 0 || c.Fractional != 0 {
			return fmt.Errorf("a categorical column has no moments, invalid, nan, inf, negative or fractional")
		}
		return nil
	}
	if finite := inBins - f.Inf; c.Moments == nil {
		if finite > 0 {
			return fmt.Errorf("moments are not there, but %d values are finite", finite)
		}
		return nil
	} else if c.Moments.Count != finite || finite == 0 {
		return fmt.Errorf("moments.count is %d, but %d values are finite", c.Moments.Count, finite)
	}
	m := c.Moments
	if !(m.Min <= m.Max) {
		return fmt.Errorf("moments.min is %v and moments.max %v", m.Min, m.Max)
	}
	f.Moments.Count, f.Moments.Min, f.Moments.Max = m.Count, float64(m.Min), float64(m.Max)
	f.Moments.Sum = profile.Sum{High: float64(m.Sum[0]), Low: float64(m.Sum[1])}
	f.Moments.Squares = profile.Sum{High: float64(m.Squares[0]), Low: float64(m.Squares[1])}
	return nil
}

// sum is the number of values in bins and new categories; no count may be negative or more than rows, so that
// nothing overflows.
func (c *counts) sum(rows int64) (int64, error) {
	check := func(field string, n int64) error {
		if n < 0 || n > rows {
			return fmt.Errorf("%s is %d: it must be between 0 and rows, %d", field, n, rows)
		}
		return nil
	}
	for _, count := range []struct {
		field string
		n     int64
	}{
		{"captured", c.Captured}, {"missing", c.Missing}, {"invalid", c.Invalid}, {"nan", c.NaN}, {"inf", c.Inf}, {"negative", c.Negative}, {"fractional", c.Fractional}, {"new_other", c.NewOther},
	} {
		if err := check(count.field, count.n); err != nil {
			return 0, err
		}
	}
	total := c.NewOther
	add := func(field string, n int64) error {
		if err := check(field, n); err != nil {
			return err
		}
		if n > rows-total {
			return fmt.Errorf("%s brings the values to more than rows, %d", field, rows)
		}
		total += n
		return nil
	}
	for i, n := range c.Bins {
		if err := add(fmt.Sprintf("bin %d", i), n); err != nil {
			return 0, err
		}
	}
	for name, n := range c.New {
		if err := add(fmt.Sprintf("new category %q", name), n); err != nil {
			return 0, err
		}
	}
	return total, nil
}
