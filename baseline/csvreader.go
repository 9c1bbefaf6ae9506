package baseline

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"io"
	"math/bits"
)

// csvReader reads the records of a CSV file as [csv.Reader] does, cell by cell and error by error, but as parts of its
// own buffer, which spares a copy and a string for each record.
type csvReader struct {
	r   io.Reader
	err error  // what ended r
	buf []byte // read from r; from at on not used yet
	at  int

	lines int      // used
	first int      // line on which the latest record begins, from 1
	width int      // cells of the first record, which every record must have; 0 before
	cells [][]byte // of the latest record
	text  []byte   // the cells of a record with quotes, one after the other
	ends  []int    // where each cell of text ends
}

// csvBlock is the least number of bytes that are asked for at a time.
const csvBlock = 1 << 16

// read returns the cells of the next record, which hold until the next read, or io.EOF. Records without cells, that
// is empty lines, are passed over. A malformed record is a [*csv.ParseError]; one that has another number of cells
// than the first comes with its cells.
func (r *csvReader) read() ([][]byte, error) {
	var line []byte
	for len(line) == 0 || line[0] == '\n' {
		var err error
		if line, err = r.line(); err != nil {
			return nil, err
		}
	}
	r.first = r.lines
	if bytes.IndexByte(line, '"') < 0 {
		r.cells = splitCells(bytes.TrimSuffix(line, newline), r.cells[:0])
	} else if err := r.unquote(line); err != nil {
		return nil, err
	}
	if r.width == 0 {
		r.width = len(r.cells)
	}
	if len(r.cells) != r.width {
		return r.cells, &csv.ParseError{StartLine: r.first, Line: r.first, Column: 1, Err: csv.ErrFieldCount}
	}
	return r.cells, nil
}

var newline = []byte{'\n'}

// line returns the next line, which holds until the next call. It ends in \n, also where the file has \r\n, but not at
// the end of the file.
func (r *csvReader) line() ([]byte, error) {
	searched := 0
	for {
		rest := r.buf[r.at:]
		if i := bytes.IndexByte(rest[searched:], '\n'); i >= 0 {
			line := rest[:searched+i+1]
			r.at += len(line)
			r.lines++
			if n := len(line); n >= 2 && line[n-2] == '\r' {
				line[n-2] = '\n'
				line = line[:n-1]
			}
			return line, nil
		}
		if errors.Is(r.err, io.EOF) && len(rest) > 0 {
			r.at = len(r.buf)
			r.lines++
			return bytes.TrimSuffix(rest, []byte{'\r'}), nil
		}
		if r.err != nil {
			return nil, r.err
		}
		searched = len(rest)
		r.fill()
	}
}

// fill reads more behind what is not used yet, which it moves to the front of the buffer.
func (r *csvReader) fill() {
	rest := copy(r.buf, r.buf[r.at:])
	r.buf, r.at = r.buf[:rest], 0
	if cap(r.buf)-rest < csvBlock {
		r.buf = append(make([]byte, 0, 2*cap(r.buf)+2*csvBlock), r.buf...)
	}
	n, err := r.r.Read(r.buf[rest:cap(r.buf)])
	r.buf, r.err = r.buf[:rest+n], err
}

// splitCells appends the parts of the line between commas. It looks at eight bytes at a time.
func splitCells(line []byte, cells [][]byte) [][]byte {
	const each, low = 0x0101010101010101, 0x7f7f7f7f7f7f7f7f
	from, i := 0, 0
	for ; i+8 <= len(line); i += 8 {
		differs := binary.LittleEndian.Uint64(line[i:]) ^ ','*each
		// The high bit of each byte that does not differ from a comma: adding 0x7f carries into it from any lower bit.
		commas := ^((differs&low + low) | differs | low)
		for ; commas != 0; commas &= commas - 1 {
			at := i + bits.TrailingZeros64(commas)/8
			cells = append(cells, line[from:at:at])
			from = at + 1
		}
	}
	for ; i < len(line); i++ {
		if line[i] == ',' {
			cells = append(cells, line[from:i:i])
			from = i + 1
		}
	}
	return append(cells, line[from:])
}

// unquote reads a record that has a quote in its first line (RFC 4180): a cell that begins with a quote ends at the
// next single one, may hold commas and line ends, and "" in it is a quote. In other cells there are none.
func (r *csvReader) unquote(line []byte) error {
	r.text, r.ends = r.text[:0], r.ends[:0]
	column := 1 // of line[0] in its line
	fault := func(line, column int, err error) error {
		return &csv.ParseError{StartLine: r.first, Line: line, Column: column, Err: err}
	}
	for more := true; more; {
		if len(line) == 0 || line[0] != '"' {
			cell, rest, comma := bytes.Cut(line, []byte{','})
			if !comma {
				cell = bytes.TrimSuffix(cell, newline)
			}
			if i := bytes.IndexByte(cell, '"'); i >= 0 {
				return fault(r.lines, column+i, csv.ErrBareQuote)
			}
			r.text = append(r.text, cell...)
			line, column, more = rest, column+len(cell)+1, comma
			r.ends = append(r.ends, len(r.text))
			continue
		}
		line, column = line[1:], column+1
		for inside := true; inside; {
			i := bytes.IndexByte(line, '"')
			if i < 0 { // the cell goes on in the next line
				r.text = append(r.text, line...)
				ended := r.lines
				next, err := r.line()
				if errors.Is(err, io.EOF) || err == nil && len(next) == 0 {
					return fault(ended, column+len(line), csv.ErrQuote)
				}
				if err != nil {
					return err
				}
				line, column = next, 1
				continue
			}
			r.text = append(r.text, line[:i]...)
			line, column = line[i+1:], column+i+1
			switch {
			case len(line) == 0 || line[0] == '\n':
				inside, more = false, false
			case line[0] == ',':
				line, column, inside = line[1:], column+1, false
			case line[0] == '"':
				r.text = append(r.text, '"')
				line, column = line[1:], column+1
			default:
				return fault(r.lines, column-1, csv.ErrQuote)
			}
		}
		r.ends = append(r.ends, len(r.text))
	}
	r.cells = r.cells[:0]
	from := 0
	for _, to := range r.ends {
		r.cells = append(r.cells, r.text[from:to:to])
		from = to
	}
	return nil
}
