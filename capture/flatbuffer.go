package capture

import "encoding/binary"

// flatbuffer reads the head of an Arrow message, a FlatBuffers buffer (flatbuffers.dev, "FlatBuffer Internals"), in place.
// The buffer may be damaged in any way: what is not within it reads as zero, and sets bad. Nothing is allocated by what
// it says of itself.
type flatbuffer struct {
	bytes []byte
	bad   bool
}

// object is a FlatBuffers table: where it is, and where its list of fields is.
type object struct{ at, fields, length int }

// at returns the n bytes at a place, or zeros.
func (f *flatbuffer) at(place, n int) []byte {
	if place < 0 || n < 0 || place > len(f.bytes)-n {
		f.bad = true
		return make([]byte, 8)[:min(max(n, 0), 8)]
	}
	return f.bytes[place : place+n]
}

func (f *flatbuffer) uint16(place int) int { return int(binary.LittleEndian.Uint16(f.at(place, 2))) }

func (f *flatbuffer) uint32(place int) int { return int(binary.LittleEndian.Uint32(f.at(place, 4))) }

func (f *flatbuffer) int64(place int) int64 { return int64(binary.LittleEndian.Uint64(f.at(place, 8))) }

// root is the table that the buffer is of.
func (f *flatbuffer) root() object { return f.object(f.uint32(0)) }

// object is the table at a place.
func (f *flatbuffer) object(place int) object {
	fields := place - int(int32(f.uint32(place)))
	o := object{at: place, fields: fields, length: f.uint16(fields)}
	f.at(fields, o.length)
	return o
}

// field is where field i of a table is, or 0 if the table has none.
func (f *flatbuffer) field(o object, i int) int {
	entry := 4 + 2*i
	if f.bad || entry+2 > o.length {
		return 0
	}
	offset := f.uint16(o.fields + entry)
	if offset == 0 {
		return 0
	}
	return o.at + offset
}

// child is the table that field i of a table refers to.
func (f *flatbuffer) child(o object, i int) (child object, ok bool) {
	place := f.field(o, i)
	if place == 0 {
		return object{}, false
	}
	return f.object(place + f.uint32(place)), !f.bad
}

// list is where the elements of field i of a table are, which take width bytes each, and how many there are.
func (f *flatbuffer) list(o object, i, width int) (first, n int) {
	place := f.field(o, i)
	if place == 0 {
		return 0, 0
	}
	place += f.uint32(place)
	n = f.uint32(place)
	if f.at(place+4, n*width); f.bad {
		return 0, 0
	}
	return place + 4, n
}

// text is field i of a table, a string.
func (f *flatbuffer) text(o object, i int) []byte {
	first, n := f.list(o, i, 1)
	return f.bytes[first : first+n]
}

// number is field i of a table, a whole number of so many bytes without a sign, or what it is when left out.
func (f *flatbuffer) number(o object, i, bytes int, otherwise int) int {
	place := f.field(o, i)
	if place == 0 {
		return otherwise
	}
	switch bytes {
	case 1:
		return int(f.at(place, 1)[0])
	case 2:
		return f.uint16(place)
	default:
		return f.uint32(place)
	}
}

// long is field i of a table, a whole number of eight bytes.
func (f *flatbuffer) long(o object, i int) int64 {
	place := f.field(o, i)
	if place == 0 {
		return 0
	}
	return f.int64(place)
}
