package capture

import (
	"bytes"
	"strings"
)

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
	case s != unused || strings.HasPrefix(path, "/eventMetadata/"):
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
