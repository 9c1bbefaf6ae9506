package profile

import (
	"strings"

	"tidemark/capture"
)

// Observe counts the given rows of a batch, in rising order, whose watched columns must be those of the profile's
// layout. Who counts more than a batch takes a [Counter].
func (p *Profile) Observe(batch *capture.Batch, rows []int32) {
	NewCounter(p.Layout).Observe(p, batch, rows)
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
	f.New[strings.Clone(name)] += rows // the batch's memory is used again, and a map keeps the key that came last
}

const maxName = 128
