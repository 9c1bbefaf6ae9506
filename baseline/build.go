package baseline

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"tidemark/capture"
	"tidemark/profile"
)

// maxUnparsed is the share of a column's values that may fail to read as numbers for it to be numeric still.
const maxUnparsed = 0.01

// limits bound the memory that a build takes.
type limits struct {
	rows     int // most rows that edges are computed from exactly
	values   int // most numbers kept, all columns together
	names    int // most category names followed in a column
	minimum  int // rows kept however many columns there are
	batchLen int
}

var defaultLimits = limits{rows: 2_000_000, values: 1 << 25, names: 50_000, minimum: 50_000, batchLen: 4096}

// Build makes a baseline from CSV files with a header line (.csv, .csv.gz) and Parquet files (.parquet), which must
// all have the same columns.
//
// A watched column is numeric when its values read as numbers ([capture.ParseNumber]), else categorical. Up to
// 1 % of a numeric column's values may be something else, so that one typo does not change the kind of a column;
// they count as invalid, and beyond 1 % the column is categorical. A column without values is numeric. Parquet's
// text columns are categorical whatever they hold, and roles.Categorical forces any column.
func Build(paths []string, roles Roles, now time.Time) (*Baseline, error) {
	return build(paths, roles, now, defaultLimits)
}

func build(paths []string, roles Roles, now time.Time, limits limits) (*Baseline, error) {
	files, err := openAll(paths, roles.NoHeader)
	if err != nil {
		return nil, err
	}
	b := &Baseline{Created: now.UTC().Truncate(time.Second)}
	for _, path := range paths {
		b.Source = append(b.Source, filepath.Base(path))
	}
	if b.Schema, err = roles.schema(files[0].columns); err != nil {
		return nil, fmt.Errorf("%s: %w", files[0].path, err)
	}
	tally := newTally(files[0], watched(b.Schema))
	rows, err := findKinds(files, &b.Schema, roles.Categorical, tally)
	if err != nil {
		return nil, err
	}
	if err := b.Schema.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", files[0].path, err)
	}
	if b.Layout, err = findLayout(files, b.Schema, rows, limits); err != nil {
		return nil, err
	}
	if b.Profile, err = count(files, b.Schema, &b.Layout, limits.batchLen, tally); err != nil {
		return nil, err
	}
	if b.Profile.Rows != rows {
		return nil, fmt.Errorf("the files had %d rows when first read and %d when last read: build again when nothing writes to them", rows, b.Profile.Rows)
	}
	b.Statistics = tally.statistics(rows)
	b.Constraints = b.Statistics.Suggest()
	b.ID, err = b.contentID()
	return b, err
}

// openAll reads the columns of the files, which must agree.
func openAll(paths []string, headless bool) ([]*table, error) {
	if len(paths) == 0 {
		return nil, errors.New("no files to build a baseline from: name at least one CSV or Parquet file")
	}
	var files []*table
	for _, path := range paths {
		f, err := openTable(path, headless)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
		first := files[0]
		if slices.Equal(f.columns, first.columns) {
			continue
		}
		if len(f.columns) != len(first.columns) {
			return nil, fmt.Errorf("%s: %d columns, but %s has %d: all files need the same columns", path, len(f.columns), first.path, len(first.columns))
		}
		for i, name := range f.columns {
			if name != first.columns[i] {
				return nil, fmt.Errorf("%s: column %d is %q, but in %s it is %q: all files need the same columns in the same order", path, i+1, name, first.path, first.columns[i])
			}
		}
	}
	return files, nil
}

// watched returns the places in the file of the columns of [capture.Schema.Watched], in its order.
func watched(schema capture.Schema) []int {
	var places []int
	for _, role := range []capture.Role{capture.Feature, capture.Prediction} {
		for i, c := range schema.Columns {
			if c.Role == role {
				places = append(places, i)
			}
		}
	}
	return places
}

// findKinds sets the kind of each watched column and returns the number of rows. Every file must have rows.
func findKinds(files []*table, schema *capture.Schema, categorical []string, tally *tally) (rows int64, err error) {
	places := watched(*schema)
	values, unparsed := make([]int64, len(places)), make([]int64, len(places))
	for _, f := range files {
		before := rows
		err := f.rows(places, func(cells [][]byte) error {
			rows++
			for i, cell := range cells {
				x, missing, valid := capture.ParseNumber(cell)
				tally.first(i, cell, x, valid)
				if missing {
					continue
				}
				values[i]++
				if !valid {
					unparsed[i]++
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		if rows == before {
			return 0, fmt.Errorf("%s: no rows below the header: a baseline needs the rows the model was trained on", f.path)
		}
	}
	for i, place := range places {
		c := &schema.Columns[place]
		c.Kind = capture.Numeric
		text := slices.ContainsFunc(files, func(f *table) bool { return f.text[place] })
		if text || slices.Contains(categorical, c.Name) || float64(unparsed[i]) > maxUnparsed*float64(values[i]) {
			c.Kind = capture.Categorical
		}
	}
	return rows, nil
}

// findLayout finds edges and categories. Rows are chosen for the sample by their place in the whole of the files.
func findLayout(files []*table, schema capture.Schema, rows int64, limits limits) (profile.Layout, error) {
	columns := schema.Watched()
	var numeric, categorical []int
	for i, c := range columns {
		if c.Kind == capture.Numeric {
			numeric = append(numeric, i)
		} else {
			categorical = append(categorical, i)
		}
	}
	sample := newSample(len(numeric), rows, limits)
	names := make([]*names, len(categorical))
	for k := range names {
		names[k] = newNames(limits.names)
	}
	for _, f := range files {
		err := f.rows(watched(schema), func(cells [][]byte) error {
			for k, i := range numeric {
				sample.set(k, cells[i])
			}
			sample.next()
			for k, i := range categorical {
				names[k].add(cells[i])
			}
			return nil
		})
		if err != nil {
			return profile.Layout{}, err
		}
	}
	layout := profile.Layout{Features: make([]profile.FeatureLayout, len(columns))}
	for i, c := range columns {
		layout.Features[i] = profile.FeatureLayout{Name: c.Name, Prediction: c.Role == capture.Prediction, Kind: c.Kind}
	}
	for k, i := range numeric {
		sample.layout(k, &layout.Features[i])
	}
	for k, i := range categorical {
		names[k].layout(&layout.Features[i])
	}
	return layout, layout.Validate()
}

// count counts all rows of the files in the layout, the way captures are counted.
func count(files []*table, schema capture.Schema, layout *profile.Layout, batchLen int, tally *tally) (*profile.Profile, error) {
	layout.ID() // computed before anyone shares the layout, as are the pairs
	tally.again()
	p := profile.New(layout)
	p.CountPairs()
	batch := capture.NewBatch(schema)
	all := make([]int32, batchLen)
	for i := range all {
		all[i] = int32(i)
	}
	flush := func() {
		p.Observe(batch, all[:batch.Rows()])
		batch.Reset()
	}
	for _, f := range files {
		err := f.rows(watched(schema), func(cells [][]byte) error {
			if err := batch.AppendCells(0, capture.Input|capture.Output, cells); err != nil {
				return err
			}
			for i, cell := range cells {
				tally.second(i, cell)
			}
			if batch.Rows() == batchLen {
				flush()
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	flush()
	return p, nil
}
