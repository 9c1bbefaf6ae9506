package baseline

import "math"

// DataType is what SageMaker Model Monitor takes the values of a column for.
type DataType string

const (
	Integral   DataType = "Integral"
	Fractional DataType = "Fractional"
	String     DataType = "String"
	Unknown    DataType = "Unknown" // a column without values
)

// TypeCounts are the values of a column by what each of them looks like.
type TypeCounts struct{ Integral, Fractional, String int64 }

// column is the type of a column with these values, as Deequ determines it: one text makes it String, else one fraction
// makes it Fractional.
func (c TypeCounts) column() DataType {
	switch {
	case c.String > 0:
		return String
	case c.Fractional > 0:
		return Fractional
	case c.Integral > 0:
		return Integral
	}
	return Unknown
}

// typeOf is the type that Deequ infers for a value, which is not empty, in CSV: digits with an optional sign are
// Integral, with digits after a point or an exponent as well they are Fractional, and all else is String, so also .5,
// 1., NaN and a number with a space before it. A space between sign and digits, which Deequ allows, makes a String
// here, since it is not a number to any reader.
//
// Source: the patterns of Deequ 2.0.2 (StatefulDataType).
func typeOf(cell []byte) DataType {
	if cell[0] == '+' || cell[0] == '-' {
		cell = cell[1:]
	}
	rest, ok := digits(cell)
	if !ok {
		return String
	}
	if len(rest) == 0 {
		return Integral
	}
	if rest[0] == '.' {
		if rest, ok = digits(rest[1:]); !ok {
			return String
		}
		if len(rest) == 0 {
			return Fractional
		}
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return String
	}
	if rest = rest[1:]; len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	if rest, ok = digits(rest); !ok || len(rest) > 0 {
		return String
	}
	return Fractional
}

// digits cuts off the digits, of which there must be one, that the text begins with.
func digits(text []byte) (rest []byte, ok bool) {
	i := 0
	for i < len(text) && '0' <= text[i] && text[i] <= '9' {
		i++
	}
	return text[i:], i > 0
}

// buckets is the number of equal-width buckets that statistics.json has for a numeric column.
const buckets = 10

// Bucket holds the values from Lower up to Upper, which is outside, but inside for the last bucket.
type Bucket struct{ Lower, Upper, Count float64 }

// newBuckets returns the empty buckets of a column: bounds are min + (max-min)*i/10, rounded in this order to the same
// bits as Deequ's. It is nil when max-min is not finite.
func newBuckets(low, high float64) []Bucket {
	if math.IsInf(high-low, 0) {
		return nil
	}
	// The conversions forbid fused multiply-add.
	bound := func(i int) float64 { return low + float64(float64((high-low)*float64(i))/buckets) }
	if math.IsInf((high-low)*buckets, 0) {
		return nil
	}
	all := make([]Bucket, buckets)
	for i := range all {
		all[i] = Bucket{Lower: bound(i), Upper: bound(i + 1)}
	}
	return all
}

// place counts a value between the bounds of all buckets. The last bucket takes all from its lower bound on, also the
// largest value when the upper bound was rounded to less.
func place(all []Bucket, x float64) {
	i := len(all) - 1
	for i > 0 && x < all[i].Lower {
		i--
	}
	all[i].Count++
}
