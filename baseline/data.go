package baseline

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"

	"tidemark/capture"
	"tidemark/profile"
)

// Data is files of rows whose columns are, by name, those of a baseline. A column may be at another place than in the
// baseline's files, or be text where they had numbers.
type Data struct {
	// Missing are the features and predictions of the baseline that the files do not have.
	Missing []string
	// Extra are the columns of the files that the baseline does not know, not even as ignored.
	Extra []string

	b       *Baseline
	files   []*table
	places  []int // in the files, of the watched columns that they have
	columns []int // of the same columns, the place in [capture.Schema.Watched]
}

// Open reads the header of CSV files (.csv, .csv.gz) and the schema of Parquet files (.parquet), which must all have
// the same columns. CSV files need no header when the baseline was made of files without.
func (b *Baseline) Open(paths []string) (*Data, error) {
	files, err := openAll(paths, b.headless())
	if err != nil {
		return nil, err
	}
	d := &Data{b: b, files: files}
	for i, c := range b.Schema.Watched() {
		place := slices.Index(files[0].columns, c.Name)
		if place < 0 {
			d.Missing = append(d.Missing, c.Name)
			continue
		}
		d.places, d.columns = append(d.places, place), append(d.columns, i)
	}
	if len(d.places) == 0 {
		return nil, fmt.Errorf("%s: has no column of the baseline, such as %q: does it have a header line?", files[0].path, d.Missing[0])
	}
	for _, name := range files[0].columns {
		if !slices.ContainsFunc(b.Schema.Columns, func(c capture.Column) bool { return c.Name == name }) {
			d.Extra = append(d.Extra, name)
		}
	}
	return d, nil
}

// headless says whether the baseline was made of files without a header: its columns are called _c0, _c1 and so on.
func (b *Baseline) headless() bool {
	return slices.EqualFunc(b.Schema.Columns, positionNames(len(b.Schema.Columns)), func(c capture.Column, name string) bool { return c.Name == name })
}

// has says whether the files have a watched column.
func (d *Data) has(column int) bool { return slices.Contains(d.columns, column) }

// each calls visit with all rows, a batch at a time. The values of a column that the files do not have are missing.
func (d *Data) each(batchLen int, visit func(batch *capture.Batch)) error {
	batch := capture.NewBatch(d.b.Schema)
	row := make([][]byte, len(batch.Watched()))
	for _, f := range d.files {
		rows := 0
		err := f.rows(d.places, func(cells [][]byte) error {
			rows++
			for k, i := range d.columns {
				row[i] = cells[k]
			}
			if err := batch.AppendCells(0, capture.Input|capture.Output, row); err != nil {
				return err
			}
			if batch.Rows() == batchLen {
				visit(batch)
				batch.Reset()
			}
			return nil
		})
		if err != nil {
			return err
		}
		if rows == 0 {
			return fmt.Errorf("%s: no rows below the header", f.path)
		}
	}
	visit(batch)
	return nil
}

// Profile counts all rows in the baseline's layout, the way captures are counted. A column that the files do not have
// was not captured.
func (d *Data) Profile() (*profile.Profile, error) {
	p := profile.New(d.b.Profile.Layout)
	all := make([]int32, defaultLimits.batchLen)
	for i := range all {
		all[i] = int32(i)
	}
	err := d.each(len(all), func(batch *capture.Batch) { p.Observe(batch, all[:batch.Rows()]) })
	if err != nil {
		return nil, err
	}
	empty := profile.New(p.Layout)
	for i := range p.Features {
		if !d.has(i) {
			p.Features[i] = empty.Features[i]
		}
	}
	return p, nil
}

// Statistics counts the features and predictions that the files have, and the columns that the baseline does not know,
// as [Build] counts those of a baseline, for constraints. It reads the files twice.
func (d *Data) Statistics() (*Statistics, error) {
	var places []int
	for place, name := range d.files[0].columns {
		if slices.Contains(d.places, place) || slices.Contains(d.Extra, name) {
			places = append(places, place)
		}
	}
	tally := newTally(d.files[0], places)
	var rows int64
	for _, f := range d.files {
		err := f.rows(places, func(cells [][]byte) error {
			rows++
			for i, cell := range cells {
				x, _, valid := capture.ParseNumber(cell)
				tally.first(i, cell, x, valid)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	tally.again()
	for _, f := range d.files {
		err := f.rows(places, func(cells [][]byte) error {
			for i, cell := range cells {
				tally.second(i, cell)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return tally.statistics(rows), nil
}

// Values are the values of a watched column. Captured = present + Missing + Invalid + NaN.
type Values struct {
	Kind       capture.Kind
	Numbers    []float64        // numeric: the present values in rising order, infinite ones included
	Categories map[string]int64 // categorical: rows of each value
	Captured   int64
	Missing    int64
	Invalid    int64
	NaN        int64
}

// Values reads the values of all watched columns, in the order of [capture.Schema.Watched], into memory: eight bytes
// for each number, and each name of a category once. They are the values that [Data.Profile] counts.
func (d *Data) Values() ([]Values, error) {
	columns := d.b.Schema.Watched()
	values := make([]Values, len(columns))
	for i, c := range columns {
		values[i].Kind = c.Kind
		if c.Kind == capture.Categorical {
			values[i].Categories = make(map[string]int64)
		}
	}
	err := d.each(defaultLimits.batchLen, func(batch *capture.Batch) {
		for _, i := range d.columns {
			values[i].add(batch, i)
		}
	})
	for i := range values {
		slices.Sort(values[i].Numbers)
	}
	return values, err
}

// add adds the values of column i of the batch.
func (v *Values) add(batch *capture.Batch, i int) {
	v.Captured += int64(batch.Rows())
	v.Invalid += int64(len(batch.Invalid(i)))
	nulls := 0
	switch column := batch.Column(i).(type) {
	case *array.Float64:
		for row, x := range column.Float64Values() {
			switch {
			case column.IsNull(row):
				nulls++
			case math.IsNaN(x):
				v.NaN++
			default:
				v.Numbers = append(v.Numbers, x)
			}
		}
	case *array.String:
		for row := range column.Len() {
			if column.IsNull(row) {
				nulls++
				continue
			}
			// A copy: the value is in the batch's memory, which is reused.
			v.Categories[strings.Clone(column.Value(row))]++
		}
	}
	v.Missing += int64(nulls - len(batch.Invalid(i)))
}
