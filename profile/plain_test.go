package profile

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow/array"

	"tidemark/capture"
)

// observePlain is what [Counter.Observe] must come to, row by row and without tables: it counts the given rows of a
// batch, whose watched columns must be those of the profile's layout.
func (p *Profile) observePlain(batch *capture.Batch, rows []int32) {
	p.Rows += int64(len(rows))
	p.Extra += countRows(batch.Extras(), rows)
	sides := batch.Sides()
	for i := range p.Features {
		f := &p.Features[i]
		side := capture.Input
		if f.Layout.Prediction {
			side = capture.Output
		}
		invalid := batch.Invalid(i)
		switch column := batch.Column(i).(type) {
		case *array.Float64:
			f.plainNumbers(column, rows, sides, side, invalid)
		case *array.String:
			f.plainCategories(column, rows, sides, side, invalid)
		}
	}
}

func (f *Feature) plainNumbers(column *array.Float64, rows []int32, sides []capture.Side, side capture.Side, invalid []int32) {
	values := column.Float64Values()
	for _, row := range rows {
		if sides[row]&side == 0 {
			continue
		}
		f.Captured++
		if column.IsNull(int(row)) {
			f.countNull(row, &invalid)
			continue
		}
		x := values[row]
		if math.IsNaN(x) {
			f.NaN++
			continue
		}
		bin := f.Layout.bin(x)
		f.Bins[bin]++
		if x < 0 {
			f.Negative++
		}
		if math.IsInf(x, 0) {
			f.Inf++
			continue
		}
		if x != math.Trunc(x) {
			f.Fractional++
		}
		f.place(bin, x)
		f.Moments.Add(x)
	}
}

func (f *Feature) plainCategories(column *array.String, rows []int32, sides []capture.Side, side capture.Side, invalid []int32) {
	for _, row := range rows {
		if sides[row]&side == 0 {
			continue
		}
		f.Captured++
		if column.IsNull(int(row)) {
			f.countNull(row, &invalid)
			continue
		}
		value := column.Value(int(row))
		if bin, known := f.Layout.category(value); known {
			f.Bins[bin]++
		} else {
			f.addNew(value, 1)
		}
	}
}
