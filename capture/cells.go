package capture

import "fmt"

// AppendCells adds one row from its cells, which are in the order of [Batch.Watched] and read as a CSV payload's
// cells are. Training data and captures counted through it count alike.
func (b *Batch) AppendCells(time int64, sides Side, cells [][]byte) error {
	if len(cells) != len(b.columns) {
		return &Error{Reason: ReasonColumns, Field: "cells", Detail: fmt.Sprintf("%d cells for %d columns", len(cells), len(b.columns))}
	}
	b.appendRow(time, sides)
	for i, cell := range cells {
		b.setCell(i, cell)
	}
	return nil
}

// setCell gives the last row the value that a CSV cell stands for in column i.
func (b *Batch) setCell(i int, cell []byte) {
	if c := &b.columns[i]; c.kind == Categorical {
		if len(cell) > 0 {
			c.setWord(len(b.times)-1, cell)
		}
		return
	}
	v, missing, valid := ParseNumber(cell)
	switch {
	case missing:
	case valid:
		b.setFloat(i, v)
	default:
		b.setInvalid(i)
	}
}
