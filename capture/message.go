package capture

import (
	"encoding/binary"
	"fmt"
)

// message is a part of an Arrow stream: a head, which is a FlatBuffers buffer, and the body that it describes. The numbers
// of fields are those of Message.fbs and Schema.fbs in Arrow's format.
type message struct {
	flatbuffer
	head int
	body []byte
	rest []byte // of the stream, behind it
}

// The types of messages.
const (
	headEnd        = 0
	headSchema     = 1
	headDictionary = 2
	headBatch      = 3
)

// nextMessage reads the message that the rest of a stream begins with. A stream may end without saying so.
func nextMessage(rest []byte) (message, error) {
	if len(rest) == 0 {
		return message{}, nil
	}
	if len(rest) < 8 || !isStream(rest) {
		return message{}, broken("it breaks where a message should begin")
	}
	length := int(binary.LittleEndian.Uint32(rest[4:]))
	if rest = rest[8:]; length == 0 {
		return message{rest: rest}, nil
	}
	if length > len(rest) {
		return message{}, broken(fmt.Sprintf("it ends within a message of %d bytes, of which %d are there", length, len(rest)))
	}
	m := message{flatbuffer: flatbuffer{bytes: rest[:length]}}
	rest = rest[length:]
	root := m.root()
	body := m.long(root, 3)
	m.head = m.number(root, 1, 1, headEnd)
	if m.bad || m.head == headEnd {
		return message{}, broken("the head of a message cannot be read")
	}
	if body < 0 || body > int64(len(rest)) {
		return message{}, broken(fmt.Sprintf("it ends within a body of %d bytes, of which %d are there", body, len(rest)))
	}
	m.body, m.rest = rest[:body], rest[body:]
	return m, nil
}

// arrowKind is how values of a column are read.
type arrowKind uint8

const (
	nested   arrowKind = iota // not at all, nor can they be passed over
	none                      // Arrow's null type
	floating                  // and of width 4 or 8
	signed
	unsigned
	boolean
	utf8Text  // with offsets of width 4 or 8
	timestamp // in units of a second, of which there are so many
	fixed     // passed over: with one buffer
	binaries  // passed over: with two buffers
)

// arrowType is a column's type.
type arrowType struct {
	kind  arrowKind
	width int
	units int64
}

// The types of Schema.fbs, of which the ones not named here are nested.
const (
	typeNull            = 1
	typeInt             = 2
	typeFloatingPoint   = 3
	typeBinary          = 4
	typeUtf8            = 5
	typeBool            = 6
	typeDecimal         = 7
	typeDate            = 8
	typeTime            = 9
	typeTimestamp       = 10
	typeInterval        = 11
	typeFixedSizeBinary = 15
	typeDuration        = 18
	typeLargeBinary     = 19
	typeLargeUtf8       = 20
)

// arrowType is the type of a field, without its dictionary.
func (m *message) arrowType(column object) arrowType {
	t, _ := m.child(column, 3)
	switch m.number(column, 2, 1, 0) {
	case typeNull:
		return arrowType{kind: none}
	case typeInt:
		return m.intType(t)
	case typeFloatingPoint:
		if precision := m.number(t, 0, 2, 0); precision == 1 || precision == 2 {
			return arrowType{kind: floating, width: 4 * precision}
		}
		return arrowType{kind: fixed}
	case typeBool:
		return arrowType{kind: boolean}
	case typeUtf8:
		return arrowType{kind: utf8Text, width: 4}
	case typeLargeUtf8:
		return arrowType{kind: utf8Text, width: 8}
	case typeTimestamp:
		if unit := m.number(t, 0, 2, 0); unit < len(timestampUnits) {
			return arrowType{kind: timestamp, width: 8, units: timestampUnits[unit]}
		}
	case typeDecimal, typeDate, typeTime, typeInterval, typeFixedSizeBinary, typeDuration:
		return arrowType{kind: fixed}
	case typeBinary, typeLargeBinary:
		return arrowType{kind: binaries}
	}
	return arrowType{}
}

var timestampUnits = [...]int64{1, 1000, 1_000_000, 1_000_000_000}

func (m *message) intType(t object) arrowType {
	is := arrowType{kind: unsigned, width: m.number(t, 0, 4, 0) / 8}
	if m.number(t, 1, 1, 0) != 0 {
		is.kind = signed
	}
	if is.width != 1 && is.width != 2 && is.width != 4 && is.width != 8 {
		return arrowType{}
	}
	return is
}

// indexType is the type of indices into a dictionary.
func (m *message) indexType(encoding object) arrowType {
	t, ok := m.child(encoding, 1)
	if !ok {
		return arrowType{kind: signed, width: 4}
	}
	is := m.intType(t)
	if is.kind == nested {
		m.bad = true
	}
	return is
}

// batch walks the columns of a batch, in order.
type batch struct {
	*message
	rows           int
	nodes, buffers int // where the next is described
	moreNodes      int // how many there are
	moreBuffers    int
}

// batch is what a RecordBatch describes.
func (m *message) batch(data object) (b batch, err error) {
	b.message = m
	rows := m.long(data, 0)
	b.nodes, b.moreNodes = m.list(data, 1, 16)
	b.buffers, b.moreBuffers = m.list(data, 2, 16)
	if _, compressed := m.child(data, 3); compressed {
		return b, &Error{ReasonEncoding, "record", "is an Arrow stream with compressed buffers: leave the compression to Kafka (compression.type)"}
	}
	if m.bad || rows < 0 || rows > 1<<31-1 {
		return b, broken("a batch of rows cannot be read")
	}
	b.rows = int(rows)
	return b, nil
}

// next takes the next column, which must have as many values as the batch has rows, in buffers that are large enough.
func (b *batch) next(is arrowType, name []byte) (values, error) {
	v := values{n: b.rows}
	node := b.nodes
	if b.moreNodes--; b.moreNodes < 0 {
		return v, columnBroken(name, "is not in a batch")
	}
	b.nodes += 16
	if n := b.int64(node); n != int64(b.rows) {
		return v, columnBroken(name, fmt.Sprintf("has %d rows in a batch of %d", n, b.rows))
	}
	if is.kind == none {
		return v, nil
	}
	missing := b.int64(node+8) != 0
	bitmap, whole := b.buffer()
	if whole && missing {
		v.valid = bitmap
		whole = len(bitmap) >= (b.rows+7)/8 || b.rows == 0
	}
	if is.kind == utf8Text || is.kind == binaries {
		offsets, there := b.buffer()
		v.offsets, whole = offsets, whole && there
	}
	data, there := b.buffer()
	v.data = data
	switch enough := len(v.data) / max(is.width, 1); {
	case !whole || !there:
	case b.rows == 0 && is.kind == utf8Text: // the one offset may be left out
		v.offsets = make([]byte, 8)
		return v, nil
	case is.kind == utf8Text && len(v.offsets)/is.width > b.rows,
		is.kind == boolean && len(v.data) >= (b.rows+7)/8,
		is.kind == fixed, is.kind == binaries,
		is.kind != boolean && is.kind != utf8Text && enough >= b.rows:
		return v, nil
	}
	return v, columnBroken(name, fmt.Sprintf("has buffers that are too small for %d rows or not within the body", b.rows))
}

// buffer takes the next buffer, if it is within the body.
func (b *batch) buffer() (bytes []byte, ok bool) {
	if b.moreBuffers--; b.moreBuffers < 0 {
		return nil, false
	}
	from, length := b.int64(b.buffers), b.int64(b.buffers+8)
	b.buffers += 16
	if from < 0 || length < 0 || from > int64(len(b.body)) || length > int64(len(b.body))-from {
		return nil, false
	}
	return b.body[from : from+length], true
}
