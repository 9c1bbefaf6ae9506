package profile

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow/array"

	"tidemark/capture"
)

// Observe counts the given rows of a batch, whose watched columns must be those of the profile's layout.
func (p *Profile) Observe(batch *capture.Batch, rows []int32) {
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
			f.observeNumbers(column, rows, sides, side, invalid)
		case *array.String:
			f.observeCategories(column, rows, sides, side, invalid)
		}
	}
}

// countRows is how many entries of a list name one of the rows. Both are in rising order.
func countRows(list, rows []int32) int64 {
	var n int64
	for _, row := range rows {
		for len(list) > 0 && list[0] <= row {
			if list[0] == row {
				n++
			}
			list = list[1:]
		}
		if len(list) == 0 {
			break
		}
	}
	return n
}

func (f *Feature) observeNumbers(column *array.Float64, rows []int32, sides []capture.Side, side capture.Side, invalid []int32) {
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
		f.place(bin, x)
		f.Moments.Add(x)
	}
}

func (f *Feature) observeCategories(column *array.String, rows []int32, sides []capture.Side, side capture.Side, invalid []int32) {
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

// countNull counts a null as missing, or as invalid when it is among the batch's invalid rows. Rows come in
// rising order, so the invalid rows passed are cut off.
func (f *Feature) countNull(row int32, invalid *[]int32) {
	for len(*invalid) > 0 && (*invalid)[0] < row {
		*invalid = (*invalid)[1:]
	}
	if len(*invalid) > 0 && (*invalid)[0] == row {
		f.Invalid++
		return
	}
	f.Missing++
}

// addNew counts rows of a category that the baseline never saw. Names beyond MaxNew, or too long to keep, are
// counted without a name.
func (f *Feature) addNew(name string, rows int64) {
	if _, known := f.New[name]; !known && (len(f.New) >= MaxNew || len(name) > maxName) {
		f.NewOther += rows
		return
	}
	if f.New == nil {
		f.New = make(map[string]int64)
	}
	// The batch's buffers are reused: keep a copy of the name.
	f.New[string(append([]byte(nil), name...))] += rows
}

const maxName = 128
