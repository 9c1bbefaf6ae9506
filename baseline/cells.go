package baseline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoColumn is in the errors of [EachCell] for a column that the file does not have.
var ErrNoColumn = errors.New("no column")

// EachCell calls visit with the cells of one column of a CSV file (.csv, .csv.gz), which needs a header line, or a
// Parquet file, in the order of the rows. A cell is the value as a CSV payload would have it, and nil or empty when it is
// missing. It holds until visit returns. An error of visit ends the reading and is returned.
func EachCell(path, column string, visit func(cell []byte) error) error {
	f, err := openTable(path, false)
	if err != nil {
		return err
	}
	place := slices.Index(f.columns, column)
	if place < 0 {
		hint := ""
		if near := nearest(column, f.columns); near != "" {
			hint = fmt.Sprintf(": did you mean %q?", near)
		}
		return fmt.Errorf("%s: %w %q%s (the columns are %s)", path, ErrNoColumn, column, hint, strings.Join(f.columns, ", "))
	}
	return f.rows([]int{place}, func(cells [][]byte) error { return visit(cells[0]) })
}

// EachRow calls visit with the cells of each row of a CSV or Parquet file, in their order: those of the columns that choose
// returns the places of, given the names of all. For the cells, see [EachCell].
func EachRow(path string, choose func(columns []string) ([]int, error), visit func(cells [][]byte) error) error {
	f, err := openTable(path, false)
	if err != nil {
		return err
	}
	places, err := choose(f.columns)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return f.rows(places, visit)
}
