package capture

import "bytes"

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
	before [][]byte // the bytes before each slot, from the end of the slot before
	slots  []slot
	behind []byte // the last slot
	has    [slots]bool
}

// match cuts the values out of a record that fits.
func (t *template) match(value []byte, values *[slots][]byte) bool {
	rest := value
	for i, before := range t.before {
		if len(rest) < len(before) || string(rest[:len(before)]) != string(before) {
			return false
		}
		rest = rest[len(before):]
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return false
		}
		values[t.slots[i]] = rest[:end]
		rest = rest[end:]
	}
	return string(rest) == string(t.behind) && bytes.IndexByte(value, '\\') < 0
}

// fit reads a record that fits a template known. It is false for every record that is not read as easily, faulty ones
// among them.
func (p *Parser) fit(value []byte) bool {
	for i, t := range p.templates {
		var values [slots][]byte
		if t.match(value, &values) {
			p.misses, p.pass = 0, 0
			if i > 0 { // the next record is likely of the same producer
				p.templates[0], p.templates[i] = t, p.templates[0]
			}
			return p.take(t, &values)
		}
	}
	return false
}

// take sets the record to what the values say.
func (p *Parser) take(t *template, values *[slots][]byte) bool {
	r := &p.record
	if t.has[inferenceTime] {
		if r.Time, r.HasTime = r.clock.read(values[inferenceTime]); !r.HasTime {
			return false
		}
	}
	if !plainLine(values[inputData], t.has[inputData]) || !plainLine(values[outputData], t.has[outputData]) ||
		!ascii(values[eventID]) || !ascii(values[inferenceID]) {
		return false
	}
	r.EventID, r.InferenceID = values[eventID], values[inferenceID]
	r.input.setPlain(inputField, values[inputData], t.has[inputData])
	r.output.setPlain(outputField, values[outputData], t.has[outputData])
	r.rows = 1
	return true
}

// plainLine says whether a CSV text without quotes is one row.
func plainLine(text []byte, captured bool) bool {
	return !captured || len(text) > 0 && bytes.IndexByte(text, '\n') < 0 && bytes.IndexByte(text, '\r') < 0
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
	l.t.before = cloneAll(l.t.before)
	l.t.behind = bytes.Clone(l.literal)
	if len(p.templates) < maxTemplates {
		p.templates = append(p.templates, nil)
	}
	copy(p.templates[1:], p.templates) // the one that was used longest ago goes
	p.templates[0] = &l.t
}

func cloneAll(all [][]byte) [][]byte {
	var cloned [][]byte
	for _, b := range all {
		cloned = append(cloned, bytes.Clone(b))
	}
	return cloned
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
	l.t.before, l.t.slots = append(l.t.before, literal), append(l.t.slots, s)
	l.t.has[s] = true
	l.literal = l.literal[len(literal)+len(text):]
}
