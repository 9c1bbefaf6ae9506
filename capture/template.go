package capture

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A producer writes one record like the other: the same keys in the same order, with other values between them. A
// template is such a record with its values cut out. A record that has the template's bytes around values without
// quotes and backslashes is therefore JSON of the same structure, without parsing it, and means the same with its own
// values. Templates are learned from records that the parser has read; a record that fits none is parsed.

// maxTemplates is how many producers of one topic are known at a time.
const maxTemplates = 4

// maxMisses bounds how long learning is put off: to one record in 32.
const maxMisses = 10

// slot is what a value that was cut out is.
type slot uint8

const (
	unused slot = iota // it may be any string
	inputData
	outputData
	eventID
	inferenceID
	inferenceTime
	slots
)

// template is a capture in SageMaker's format with CSV on the sides that it has. All that was cut out are strings.
type template struct {
	parts  []part
	behind string // the last slot
	has    [slots]bool
}

// part is a slot and the bytes before it, from the end of the slot before.
type part struct {
	before string
	slot   slot
}

// cutOut is a value that was cut out: a string without backslashes.
type cutOut struct {
	text  []byte
	plain bool // it is known to be printable ASCII
}

// match cuts the values out of a record that fits.
func (t *template) match(value []byte, values *[slots]cutOut) bool {
	for i := range t.parts {
		p := &t.parts[i]
		if len(value) < len(p.before) || string(value[:len(p.before)]) != p.before {
			return false
		}
		value = value[len(p.before):]
		v := &values[p.slot]
		n, plain := plainText(value)
		if !plain {
			if n = bytes.IndexByte(value, '"'); n < 0 || bytes.IndexByte(value[:n], '\\') >= 0 {
				return false
			}
		}
		v.text, v.plain = value[:n], plain
		value = value[n:]
	}
	return string(value) == t.behind
}

// plainText is the length of a string up to its closing quote, if it is of printable ASCII without backslashes. It may be
// false for one that ends near the end of value.
func plainText(value []byte) (n int, ok bool) {
	rest := value
	for len(rest) >= 32 {
		if b := (*[32]byte)(rest); (unusual(b[:8])|unusual(b[8:16])|unusual(b[16:24])|unusual(b[24:]))&highs != 0 {
			break
		}
		rest = rest[32:]
	}
	for ; len(rest) >= 8; rest = rest[8:] {
		if marks := unusual(rest) & highs; marks != 0 {
			n = len(value) - len(rest) + bits.TrailingZeros64(marks)>>3
			return n, value[n] == '"'
		}
	}
	return 0, false
}

// unusual has the high bit of one of eight bytes set if the byte is a quote, a backslash or no printable ASCII. High bits
// above the lowest one that is set, and the other bits, may be any.
func unusual(text []byte) uint64 {
	w := binary.LittleEndian.Uint64(text)
	return (w ^ quotes - ones) | (w ^ backslashes - ones) | (w - ' '*ones) | w
}

// fit reads a record that fits a template known. It is false for every record that is not read as easily, faulty ones
// among them.
func (p *Parser) fit(value []byte) bool {
	for i, t := range p.templates {
		if t.match(value, &p.values) {
			p.misses, p.pass = 0, 0
			if i > 0 { // the next record is likely of the same producer
				p.templates[0], p.templates[i] = t, p.templates[0]
			}
			return p.take(t, &p.values)
		}
	}
	return false
}

// take sets the record to what the values say.
func (p *Parser) take(t *template, values *[slots]cutOut) bool {
	r := &p.record
	if t.has[inferenceTime] {
		if r.Time, r.HasTime = r.clock.read(values[inferenceTime].text); !r.HasTime {
			return false
		}
	}
	r.EventID, r.InferenceID = nil, nil
	if id := &values[eventID]; t.has[eventID] {
		if !id.plain && !ascii(id.text) {
			return false
		}
		r.EventID = id.text
	}
	if id := &values[inferenceID]; t.has[inferenceID] {
		if !id.plain && !ascii(id.text) {
			return false
		}
		r.InferenceID = id.text
	}
	if !r.input.takePlain(inputField, &values[inputData], t.has[inputData]) || !r.output.takePlain(outputField, &values[outputData], t.has[outputData]) {
		return false
	}
	r.rows = 1
	return true
}

// takePlain sets the side to one CSV row without quotes, if it was captured and is one.
func (p *payload) takePlain(field string, v *cutOut, captured bool) bool {
	switch {
	case !captured:
		p.reset(field)
		return true
	case len(v.text) == 0 || !v.plain && (bytes.IndexByte(v.text, '\n') >= 0 || bytes.IndexByte(v.text, '\r') >= 0):
		return false
	case !p.plain: // else all but the text is as the record before left it
		p.reset(field)
		p.form, p.plain, p.across = csvForm, true, 1
	}
	p.text = v.text
	return true
}

func ascii(text []byte) bool {
	for _, c := range text {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
