package baseline

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// table is a file of rows. It is opened anew for each reading.
type table struct {
	path    string
	parquet bool
	columns []string
	text    []bool // of each column: declared as text (Parquet)
	float   []bool // of each column: declared as floating point (Parquet)

	headless bool // CSV whose first line is a row already
}

var errChanged = errors.New("the file changed while it was read: build again when nothing writes to it")

// openTable reads the columns of a file. When headless is set, the columns of a CSV file are called _c0, _c1 and so on as
// Spark and SageMaker call them, and the first line is a row unless it is these names.
func openTable(path string, headless bool) (*table, error) {
	f := &table{path: path, headless: headless}
	var err error
	switch name := strings.ToLower(path); {
	case strings.HasSuffix(name, ".parquet"):
		f.parquet = true
		err = f.readParquetSchema()
	case strings.HasSuffix(name, ".csv"), strings.HasSuffix(name, ".csv.gz"):
		err = f.readCSV(nil, nil)
	default:
		err = fmt.Errorf("%s: unknown kind of file: use .csv, .csv.gz or .parquet", path)
	}
	if err != nil {
		return nil, err
	}
	seen := make(map[string]int, len(f.columns))
	for i, name := range f.columns {
		if j, twice := seen[name]; twice {
			return nil, fmt.Errorf("%s: columns %d and %d are both named %q: rename one of them, or give --no-header if the first line is a row", path, j+1, i+1, name)
		}
		seen[name] = i
	}
	return f, nil
}

// rows calls visit with the cells of the given columns of each row. The cells hold until visit returns.
func (f *table) rows(columns []int, visit func(cells [][]byte) error) error {
	if f.parquet {
		return f.readParquet(columns, visit)
	}
	return f.readCSV(columns, visit)
}

// readCSV reads the header into f.columns if visit is nil, else the rows.
func (f *table) readCSV(columns []int, visit func(cells [][]byte) error) error {
	opened, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer opened.Close()
	var content io.Reader = opened
	if strings.HasSuffix(strings.ToLower(f.path), ".gz") {
		unzipped, err := gzip.NewReader(bufio.NewReader(opened))
		if err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		content = unzipped
	}
	buffered := bufio.NewReaderSize(content, 1<<16)
	if mark, _ := buffered.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3) // a byte order mark, which spreadsheets write
	}
	r := csvReader{r: buffered}
	header, err := r.read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: the file is empty: it needs a header line with the column names", f.path)
	}
	if err != nil {
		return f.csvError(err, 0)
	}
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = string(name)
	}
	if visit == nil {
		f.text, f.float = make([]bool, len(names)), make([]bool, len(names))
		if f.headless {
			positions := positionNames(len(names))
			f.headless = !slices.Equal(names, positions)
			names = positions
		}
		f.columns = names
		return nil
	}
	if f.headless && len(names) != len(f.columns) || !f.headless && !slices.Equal(names, f.columns) {
		return fmt.Errorf("%s: %w", f.path, errChanged)
	}
	cells := make([][]byte, len(columns))
	for first := true; ; first = false {
		record := header
		if !first || !f.headless {
			record, err = r.read()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return f.csvError(err, len(record))
		}
		for i, column := range columns {
			cells[i] = record[column]
		}
		if err := visit(cells); err != nil {
			return fmt.Errorf("%s:%d: %w", f.path, r.first, err)
		}
	}
}

// positionNames are the names of columns that have none.
func positionNames(columns int) []string {
	names := make([]string, columns)
	for i := range names {
		names[i] = fmt.Sprintf("_c%d", i)
	}
	return names
}

// csvError names file and line.
func (f *table) csvError(err error, cells int) error {
	var parse *csv.ParseError
	switch {
	case !errors.As(err, &parse):
		return fmt.Errorf("%s: %w", f.path, err)
	case errors.Is(err, csv.ErrFieldCount):
		return fmt.Errorf("%s:%d: %d cells, but the header has %d: quote cells that hold a comma, or repair the line", f.path, parse.StartLine, cells, len(f.columns))
	}
	return fmt.Errorf("%s:%d: column %d: %w", f.path, parse.Line, parse.Column, parse.Err)
}
