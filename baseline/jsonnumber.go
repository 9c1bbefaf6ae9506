package baseline

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// decimal is a number that is written with a point or an exponent, whole ones too, as Java writes a double. What is not finite
// is a string.
type decimal float64

// MarshalJSON writes the shortest text that reads back the same.
func (d decimal) MarshalJSON() ([]byte, error) {
	switch x := float64(d); {
	case math.IsNaN(x):
		return []byte(`"NaN"`), nil
	case math.IsInf(x, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(x, -1):
		return []byte(`"-Infinity"`), nil
	}
	return appendDecimal(nil, float64(d)), nil
}

// appendDecimal writes a finite number with a point or an exponent.
func appendDecimal(b []byte, x float64) []byte {
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	b = strconv.AppendFloat(b, x, format, -1, 64)
	if !bytes.ContainsAny(b, ".e") {
		b = append(b, ".0"...)
	}
	return b
}

// UnmarshalJSON reads a number, or the string of one.
func (d *decimal) UnmarshalJSON(b []byte) error {
	text := string(b)
	if text == "null" {
		return nil
	}
	x, err := strconv.ParseFloat(strings.Trim(text, `"`), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%.40s is not a number", text)
	}
	*d = decimal(x)
	return nil
}

// integer is a count, which is read from a float as well.
type integer float64

// MarshalJSON writes a whole number.
func (n integer) MarshalJSON() ([]byte, error) { return strconv.AppendInt(nil, int64(n), 10), nil }

// UnmarshalJSON reads a number, or the string of one.
func (n *integer) UnmarshalJSON(b []byte) error { return (*decimal)(n).UnmarshalJSON(b) }

// count checks that it is a number of rows.
func (n integer) count(field string) (int64, error) {
	if x := float64(n); !(x >= 0 && x <= maxCount) || x != math.Trunc(x) {
		return 0, fmt.Errorf("%s is %v: it must be a number of rows, from 0 to %d", field, x, int64(maxCount))
	}
	return int64(n), nil
}
