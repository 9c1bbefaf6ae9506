package capture

import (
	"fmt"
	"strconv"
	"unsafe"
)

// appendStream appends the rows of a stream.
func (r *Record) appendStream(b *Batch) error {
	s := r.stream
	sides, unknown, err := s.match(b)
	if err != nil {
		return err
	}
	first := b.Rows()
	for k, n := range s.counts {
		from, vectors := b.Rows(), s.vectors[k*len(s.fields):]
		for range n {
			b.appendBlank(r.Time, sides)
		}
		for i := range b.columns {
			c, place := &b.columns[i], s.places[i]
			switch {
			case place < 0 || s.fields[place].is.kind == none:
				c.clear(from, n)
			case c.kind == Numeric:
				vectors[place].numbers(s.fields[place].is, c.floats[from:from+n])
			default:
				s.fillCategories(c, from, place, &vectors[place])
			}
		}
	}
	for i, t := range s.times {
		if t != noTime {
			b.times[first+i] = t
		}
	}
	for row := first; unknown > 0 && row < b.Rows(); row++ {
		for range unknown {
			b.extras = append(b.extras, int32(row))
		}
	}
	return nil
}

// match finds the batch's columns among the stream's, and says how many of the stream's are unknown.
func (s *stream) match(b *Batch) (sides Side, unknown int, err error) {
	s.places = s.places[:0]
	for range b.columns {
		s.places = append(s.places, -1)
	}
	for place := range s.fields {
		f := &s.fields[place]
		if place == s.eventTime || place == s.eventID || place == s.inferenceID {
			continue
		}
		side := Input
		i, known := b.inputs.find(f.name)
		if !known {
			i, known = b.outputs.find(f.name)
			side = Output
		}
		switch {
		case !known:
			unknown++
			continue
		case s.places[i] >= 0:
			return 0, 0, columnError(f.name, "comes twice")
		case !f.fits(b.columns[i].kind):
			return 0, 0, columnError(f.name, "is "+f.typeName()+": want "+wanted[b.columns[i].kind])
		}
		s.places[i] = place
		sides |= side
	}
	if sides == 0 {
		return 0, 0, &Error{ReasonColumns, "record", fmt.Sprintf("is an Arrow stream with none of the columns of the baseline, the first of which is %q", b.watched[0].Name)}
	}
	return sides, unknown, nil
}

// fits says whether the field can be read as a column of a kind.
func (f *field) fits(kind Kind) bool {
	switch {
	case f.is.kind == none, f.dictionary < 0 && (f.is.kind == boolean || f.is.kind == signed || f.is.kind == unsigned):
		return true
	case kind == Numeric:
		return f.dictionary < 0 && f.is.kind == floating
	case f.dictionary >= 0:
		return f.texts.kind == utf8Text
	default:
		return f.is.kind == utf8Text
	}
}

var wanted = map[Kind]string{
	Numeric:     "float64, float32, a whole number or bool, for a numeric column",
	Categorical: "utf8, a dictionary of utf8, a whole number or bool, for a categorical column",
}

var kindNames = map[arrowKind]string{
	none: "null", floating: "a floating-point number", signed: "a whole number", unsigned: "a whole number", boolean: "bool", utf8Text: "utf8",
	timestamp: "a timestamp", fixed: "of another type", binaries: "binary",
}

func (f *field) typeName() string {
	if f.dictionary >= 0 {
		return "a dictionary of which the values are " + kindNames[f.texts.kind]
	}
	return kindNames[f.is.kind]
}

// numbers copies the values to a column. A copy takes a small part of the time of counting them, and outlives the record.
// A NaN of the bits of [IsNull] is missing.
func (v *values) numbers(is arrowType, to []float64) {
	switch kind := is.kind; {
	case kind == floating && is.width == 8:
		copy(to, cast[float64](v.data, len(to)))
	case kind == floating:
		convert[float32](to, v.data)
	case kind == boolean:
		for row := range to {
			to[row] = float64(v.data[row>>3] >> (row & 7) & 1)
		}
	case kind == signed && is.width == 1:
		convert[int8](to, v.data)
	case kind == signed && is.width == 2:
		convert[int16](to, v.data)
	case kind == signed && is.width == 4:
		convert[int32](to, v.data)
	case kind == signed:
		convert[int64](to, v.data)
	case is.width == 1:
		convert[uint8](to, v.data)
	case is.width == 2:
		convert[uint16](to, v.data)
	case is.width == 4:
		convert[uint32](to, v.data)
	default:
		convert[uint64](to, v.data)
	}
	v.eachNull(len(to), func(row int) { to[row] = null })
}

// cast is data as numbers, which need not be aligned.
func cast[T any](data []byte, n int) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(data))), n)
}

func convert[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32](to []float64, data []byte) {
	for i, x := range cast[T](data, len(to)) {
		to[i] = float64(x)
	}
}

// fillCategories gives rows from a place on the categories of a vector.
func (s *stream) fillCategories(c *column, from, place int, v *vector) {
	f := &s.fields[place]
	switch {
	case f.dictionary >= 0:
		s.fillIndices(c, from, f, v)
		return
	case f.is.kind == utf8Text:
		v.fillTexts(c, from, f.is.width)
	default:
		v.fillWords(c, from, f.is)
	}
	v.eachNull(v.n, func(row int) { c.codes[from+row] = noValue })
}

// fillTexts looks up each text, those of nulls among them, which are mostly empty.
func (v *values) fillTexts(c *column, from, width int) {
	at := v.offset(width, 0)
	for row := range v.n {
		end := v.offset(width, row+1)
		c.setCategory(from+row, v.data, at, end)
		at = end
	}
}

// setCategory gives a row the category that a part of data stands for, if it is not empty.
func (c *column) setCategory(row int, data []byte, from, to int) {
	if from == to {
		c.codes[row] = noValue
		return
	}
	if code := c.words.findAt(data, from, to-from); code >= 0 {
		c.codes[row] = int16(code)
		return
	}
	c.setWord(row, data[from:to])
}

// fillIndices looks up each text of the dictionary once, if it has a code.
func (s *stream) fillIndices(c *column, from int, f *field, v *vector) {
	codes := s.codes[:0]
	for range min(v.texts.n, maxStreamRows) {
		codes = append(codes, noCode)
	}
	s.codes = codes
	to := c.codes[from : from+v.n]
	for row := range to {
		var index uint64 // any where there is no value
		if f.is.width == 1 {
			index = uint64(v.data[row]) // as mostly
		} else {
			index = v.index(f.is.width, row)
		}
		if index < uint64(len(codes)) && codes[index] != noCode {
			to[row] = codes[index]
			continue
		}
		i := int(index)
		if !v.has(row) || !v.texts.has(i) {
			to[row] = noValue
			continue
		}
		c.setCategory(from+row, v.texts.data, v.texts.offset(f.texts.width, i), v.texts.offset(f.texts.width, i+1))
		if i < len(codes) {
			codes[i] = to[row]
		}
	}
	v.eachNull(v.n, func(row int) { to[row] = noValue })
}

// fillWords gives rows their number's digits, or true and false.
func (v *values) fillWords(c *column, from int, is arrowType) {
	var digits [20]byte
	for row := range v.n {
		word, x := digits[:0], v.bits(is, row)
		switch is.kind {
		case boolean:
			word = strconv.AppendBool(word, x != 0)
		case unsigned:
			word = strconv.AppendUint(word, x, 10)
		default:
			shift := 64 - 8*is.width
			word = strconv.AppendInt(word, int64(x<<shift)>>shift, 10)
		}
		c.setWord(from+row, word)
	}
}
