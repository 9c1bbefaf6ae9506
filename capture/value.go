package capture

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

// ParseNumber reads a cell of a numeric column. Spaces around it do not count. An empty cell and NA, N/A, null, NULL
// and None are missing, which is valid. NaN, Inf and Infinity, signed and in any case, are valid values, and a number too large for
// a float64 is infinite. Hexadecimal numbers and digits with underscores are not valid.
func ParseNumber(cell []byte) (v float64, missing, valid bool) {
	if v, ok := decimal(cell); ok {
		return v, false, true
	}
	cell = bytes.TrimSpace(cell)
	switch string(cell) {
	case "", "NA", "N/A", "null", "NULL", "None":
		return 0, true, true
	}
	if strings.IndexByte("+-.0123456789iInN", cell[0]) < 0 || bytes.ContainsAny(cell, "xX_") {
		return 0, false, false // also spares the error that strconv makes of it
	}
	v, err := strconv.ParseFloat(string(cell), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false, false
	}
	return v, false, true
}

// Canonical returns the spelling under which a category is counted, as the same value is written differently by
// pandas, JSON and CSV: True, TRUE, False and FALSE become true and false, an integer loses ".0" ("1.0" becomes "1"),
// and bytes that are not UTF-8 become U+FFFD. It may return a part of cell. An empty cell is a missing value, not a
// category; the caller looks for it.
func Canonical(cell []byte) []byte {
	switch string(cell) {
	case "True", "TRUE":
		return []byte("true")
	case "False", "FALSE":
		return []byte("false")
	}
	if whole, ok := bytes.CutSuffix(cell, []byte(".0")); ok && isInteger(whole) {
		return whole
	}
	if !utf8.Valid(cell) {
		return bytes.ToValidUTF8(cell, []byte("\uFFFD"))
	}
	return cell
}

func isInteger(cell []byte) bool {
	digits := bytes.TrimPrefix(cell, []byte("-"))
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(digits) > 0
}

// setValue gives the last row a JSON value in column i.
func (b *Batch) setValue(i int, v *fastjson.Value) {
	switch v.Type() {
	case fastjson.TypeNull:
	case fastjson.TypeString:
		b.setCell(i, v.GetStringBytes())
	case fastjson.TypeNumber:
		b.setNumber(i, v)
	case fastjson.TypeTrue:
		b.setBool(i, 1, "true")
	case fastjson.TypeFalse:
		b.setBool(i, 0, "false")
	default:
		b.setInvalid(i)
	}
}

func (b *Batch) setBool(i int, number float64, text string) {
	if b.columns[i].kind == Categorical {
		b.setText(i, []byte(text))
	} else {
		b.setFloat(i, number)
	}
}

// setNumber takes the number's own digits: fastjson's conversion may be off in the last bit, and fastjson also lets
// through what is no number, such as 1.2.3.
func (b *Batch) setNumber(i int, v *fastjson.Value) {
	b.digits = v.MarshalTo(b.digits[:0])
	switch n, _, valid := ParseNumber(b.digits); {
	case !valid:
		b.setInvalid(i)
	case b.columns[i].kind == Categorical:
		b.setText(i, Canonical(b.digits))
	default:
		b.setFloat(i, n)
	}
}

// given says whether the last row already has a value in column i, valid or not.
func (b *Batch) given(i int) bool {
	c, row := &b.columns[i], len(b.times)-1
	if n := len(c.invalid); n > 0 && int(c.invalid[n-1]) == row {
		return true
	}
	if c.kind == Categorical {
		return c.codes[row] != noValue
	}
	return !IsNull(c.floats[row])
}
