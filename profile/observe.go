package profile

import (
	"slices"
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
		list = from(list, row)
		for len(list) > 0 && list[0] == row {
			n++
			list = list[1:]
		}
		if len(list) == 0 {
			break
		}
	}
	return n
}

// from cuts off what comes before a row. It takes long steps first: of a batch with many rows of others, a list may be long.
func from(list []int32, row int32) []int32 {
	if len(list) == 0 || list[0] >= row {
		return list
	}
	step := 1
	for step < len(list) && list[step] < row {
		step *= 2
	}
	list = list[step/2:]
	i, _ := slices.BinarySearch(list[:min(step/2+1, len(list))], row)
	return list[i:]
}

// countNull counts a null as missing, or as invalid when it is among the batch's invalid rows. Rows come in
// rising order, so the invalid rows passed are cut off.
func (f *Feature) countNull(row int32, invalid *[]int32) {
	*invalid = from(*invalid, row)
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
