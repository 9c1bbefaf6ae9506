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
	long   bool // its last value was too long for plainText
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
		n := 0
		if v.plain = false; !p.long {
			n, v.plain = plainText(value)
		}
		if !v.plain {
			if n = bytes.IndexByte(value, '"'); n < 0 || bytes.IndexByte(value[:n], '\\') >= 0 {
				return false
			}
			p.long = n > short
		}
		v.text = value[:n]
		value = value[n:]
	}
	return string(value) == t.behind
}

const short = 48

// plainText is the length of a string up to its closing quote, if it is short and of printable ASCII without backslashes.
func plainText(value []byte) (n int, ok bool) {
	for n = 0; n < short && n+8 <= len(value); n += 8 {
		word := binary.LittleEndian.Uint64(value[n:])
		quote := zeroBytes(word ^ '"'*ones)
		other := (zeroBytes(word^'\\'*ones) | (word-' '*ones)&^word | word) & highs & below(quote)
		switch {
		case other != 0:
			return 0, false
		case quote != 0:
			return n + bits.TrailingZeros64(quote)>>3, true
		}
	}
	return 0, false
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

// learn makes a template of a record that was parsed, if it is of the kind that templates are for. The longer no record
// has fitted what was learned, the more records it lets pass.
func (p *Parser) learn(value []byte) {
	r := &p.record
	if r.input.form != csvForm && r.output.form != csvForm || r.input.form == jsonForm || r.output.form == jsonForm {
		return
	}
	if p.pass > 0 {
		p.pass--
		return
	}
	p.misses = min(p.misses+1, maxMisses)
	p.pass = 1 << p.misses / (2 * maxTemplates * maxTemplates)
	l := learner{rest: value, literal: value}
	if bytes.IndexByte(value, '\\') >= 0 || !l.object("") || len(bytes.TrimSpace(l.rest)) > 0 || !l.csv() {
		return
	}
	l.t.behind = string(l.literal)
	if len(p.templates) < maxTemplates {
		p.templates = append(p.templates, nil)
	}
	copy(p.templates[1:], p.templates) // the one that was used longest ago goes
	p.templates[0] = &l.t
}

// learner walks a record without backslashes that is known to be JSON.
type learner struct {
	rest      []byte // what is still to walk
	literal   []byte // from the end of the last slot
	t         template
	encodings [2]string // of the input and the output
}

// csv says whether all sides that the record has are CSV.
func (l *learner) csv() bool {
	for i, side := range []slot{inputData, outputData} {
		if l.t.has[side] != (l.encodings[i] == "CSV") {
			return false
		}
	}
	return l.t.has[inputData] || l.t.has[outputData]
}

func (l *learner) skip() {
	for len(l.rest) > 0 && (l.rest[0] == ' ' || l.rest[0] == '\t' || l.rest[0] == '\n' || l.rest[0] == '\r') {
		l.rest = l.rest[1:]
	}
}

// next takes a character that must come.
func (l *learner) next(c byte) bool {
	l.skip()
	if len(l.rest) == 0 || l.rest[0] != c {
		return false
	}
	l.rest = l.rest[1:]
	return true
}

// quoted takes a string.
func (l *learner) quoted() (text []byte, ok bool) {
	if !l.next('"') {
		return nil, false
	}
	end := bytes.IndexByte(l.rest, '"')
	if end < 0 {
		return nil, false
	}
	text, l.rest = l.rest[:end], l.rest[end+1:]
	return text, true
}

// object walks an object at a path. It is false for what templates are not for: keys that come twice or look like a
// path, and structures where strings are to be.
func (l *learner) object(path string) bool {
	if !l.next('{') {
		return false
	}
	seen := map[string]bool{}
	for {
		if l.skip(); len(seen) == 0 && l.next('}') {
			return true
		}
		key, ok := l.quoted()
		if !ok || seen[string(key)] || bytes.IndexByte(key, '/') >= 0 || !l.next(':') {
			return false
		}
		seen[string(key)] = true
		if !l.member(path + "/" + string(key)) {
			return false
		}
		if l.next('}') {
			return true
		}
		if !l.next(',') {
			return false
		}
	}
}

// cut are the values that are cut out, besides all other strings of the metadata.
var cut = map[string]slot{
	"/captureData/endpointInput/data":  inputData,
	"/captureData/endpointOutput/data": outputData,
	"/eventMetadata/eventId":           eventID,
	"/eventMetadata/inferenceId":       inferenceID,
	"/eventMetadata/inferenceTime":     inferenceTime,
}

// member walks a value. Structures are walked where they lead to something that is cut out; anywhere else they are
// too seldom to be learned.
func (l *learner) member(path string) bool {
	l.skip()
	switch {
	case len(l.rest) == 0:
		return false
	case l.rest[0] == '{':
		return l.object(path)
	case l.rest[0] == '[':
		return false
	case l.rest[0] != '"':
		end := bytes.IndexAny(l.rest, ",}")
		if _, known := cut[path]; known || end < 0 { // a time may be a number
			return false
		}
		l.rest = l.rest[end:]
		return true
	}
	text, ok := l.quoted()
	s := cut[path]
	switch {
	case !ok:
		return false
	case path == "/captureData/endpointInput/encoding":
		l.encodings[0] = string(text)
	case path == "/captureData/endpointOutput/encoding":
		l.encodings[1] = string(text)
	case s != unused || bytes.HasPrefix([]byte(path), []byte("/eventMetadata/")):
		l.cut(s, text)
	}
	return true
}

// cut ends the literal before the string that was just taken.
func (l *learner) cut(s slot, text []byte) {
	literal := l.literal[:len(l.literal)-len(l.rest)-len(text)-1] // up to its opening quote, which is included
	l.t.parts = append(l.t.parts, part{before: string(literal), slot: s})
	l.t.has[s] = true
	l.literal = l.literal[len(literal)+len(text):]
}
