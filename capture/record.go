package capture

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

// Parser reads capture records. It keeps its buffers, so a [Record] holds until the next Parse.
// It is not for concurrent use; its zero value is ready.
type Parser struct {
	envelope  fastjson.Parser
	record    Record
	endpoint  string // of the last record that had one, as most records of a topic share it
	variant   string
	templates []*template
	values    [slots]cutOut // scratch of fit
	stream    stream
	misses    int // templates learned since a record fitted one
	pass      int // records to let pass until another is learned
}

// Record is one captured call of a model: one or several rows of features, of predictions, or of both.
type Record struct {
	Endpoint    string // empty if the record does not say, as in SageMaker's format
	Variant     string // of the endpoint; may be empty
	EventID     []byte // one for each call, in UTF-8; may be empty
	InferenceID []byte // given by the model's client, to join labels by; in UTF-8; may be empty
	Time        int64  // event time in milliseconds since the Unix epoch, if HasTime; else to be set by the caller
	HasTime     bool

	input, output payload
	rows          int
	clock         clock
	stream        *stream // of a record in Arrow's format
}

// Parse reads one record in SageMaker's, the flat or Arrow's format. The record keeps parts of value. An error is always an
// [*Error].
func (p *Parser) Parse(value []byte) (*Record, error) {
	p.reset()
	if isStream(value) {
		if err := p.record.readStream(&p.stream, value); err != nil {
			return nil, err
		}
		return &p.record, nil
	}
	if p.fit(value) {
		return &p.record, nil
	}
	p.reset()
	r, err := p.parse(value)
	if err == nil {
		p.learn(value)
	}
	return r, err
}

func (p *Parser) reset() {
	r := &p.record
	r.Endpoint, r.Variant, r.EventID, r.InferenceID = "", "", nil, nil
	r.Time, r.HasTime, r.stream = 0, false, nil
}

// parse reads any record.
func (p *Parser) parse(value []byte) (*Record, error) {
	r := &p.record
	v, err := parseJSON(&p.envelope, value)
	if err != nil {
		return nil, failJSON(ReasonMalformed, "record", value, "a JSON object", err)
	}
	switch {
	case v.Exists("captureData"):
		err = r.readSageMaker(v)
	case v.Exists("features") || v.Exists("predictions"):
		err = r.readFlat(v, p)
	default:
		err = fail(ReasonEnvelope, "record", value, "an object with captureData, features or predictions")
	}
	if err != nil {
		return nil, err
	}
	r.rows = r.guessRows()
	return r, nil
}

// guessRows is the number of rows as far as it can be told without a schema.
func (r *Record) guessRows() int {
	in, out := readable(&r.input), readable(&r.output)
	inOpen, outOpen := in != nil && in.down > 0, out != nil && out.down > 0
	if inOpen && outOpen && in.members == 0 && out.members == 0 {
		inOpen, outOpen = false, false // [1,2] and [3,4]: a row of features and its probabilities are the likely thing
	}
	match(in, out, inOpen, outOpen)
	rows := 1
	for _, p := range []*payload{in, out} {
		if p != nil {
			rows = max(rows, p.count())
		}
	}
	return rows
}

func readable(p *payload) *payload {
	if p.form == csvForm || p.form == jsonForm {
		return p
	}
	return nil
}

// Rows is the number of rows that the record holds, at least 1. It needs no schema, and where that leaves a JSON
// payload ambiguous ({"a":[1,2]} alone is one row of a[0] and a[1], or two rows of a) it may differ from what Append
// appends.
func (r *Record) Rows() int { return r.rows }

// Append appends the record's rows to b, all of them or none. Their event time is r.Time. A side for which the schema
// of b has no columns is left out. An error is always an [*Error].
func (r *Record) Append(b *Batch) error {
	if r.stream != nil {
		return r.appendStream(b)
	}
	start, undecoded := b.Rows(), b.undecoded
	if r.appendPlain(b) {
		return nil
	}
	if err := r.append(b); err != nil {
		b.truncate(start)
		b.undecoded = undecoded
		return err
	}
	return nil
}

// appendPlain appends the one row of a record whose sides are CSV without quotes. It is false, and nothing is appended,
// for every other record, faulty ones among them.
func (r *Record) appendPlain(b *Batch) bool {
	sides := Side(0)
	if r.input.plain && b.inputs.n > 0 {
		sides |= Input
	}
	if r.output.plain && b.outputs.n > 0 {
		sides |= Output
	}
	if sides == 0 || r.input.form != absent && !r.input.plain || r.output.form != absent && !r.output.plain {
		return false
	}
	start := b.Rows()
	if b.whole(sides) {
		b.appendBlank(r.Time, sides)
	} else {
		b.appendRow(r.Time, sides)
	}
	if sides&Input != 0 && !b.fillPlain(&b.inputs, r.input.text) || sides&Output != 0 && !b.fillPlain(&b.outputs, r.output.text) {
		b.truncate(start)
		return false
	}
	return true
}

func (r *Record) append(b *Batch) error {
	in, inOpen := b.take(&r.input, &b.inputs)
	out, outOpen := b.take(&r.output, &b.outputs)
	match(in, out, inOpen, outOpen)
	rows, sides := r.rows, Side(0)
	if out != nil {
		rows, sides = out.count(), sides|Output
	}
	if in != nil {
		rows, sides = in.count(), sides|Input
	}
	if in != nil && out != nil && in.count() != out.count() {
		return &Error{ReasonRows, out.field, fmt.Sprintf("has %d rows: want %d, as many as %s", out.count(), rows, in.field)}
	}
	for row := range rows {
		b.appendRow(r.Time, sides)
		if in != nil {
			if err := in.fill(b, &b.inputs, row); err != nil {
				return err
			}
		}
		if out != nil {
			if err := out.fill(b, &b.outputs, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// take returns p made ready to fill rows, or nil if there is nothing in it for the columns of h.
func (b *Batch) take(p *payload, h *half) (ready *payload, open bool) {
	if h.n == 0 {
		return nil, false
	}
	if p.form == opaque {
		b.undecoded++
	}
	if ready = readable(p); ready == nil {
		return nil, false
	}
	p.cells.rest = p.text
	return p, p.choose(h)
}

// identifier is text without a copy, as long as the value holds.
func identifier(v *fastjson.Value) []byte {
	if v != nil && v.Type() == fastjson.TypeString && utf8.Valid(v.GetStringBytes()) {
		return v.GetStringBytes()
	}
	return []byte(text(v))
}

// text returns a JSON string, or a JSON number's digits; anything else is an empty string.
func text(v *fastjson.Value) string {
	if v == nil {
		return ""
	}
	switch v.Type() {
	case fastjson.TypeString:
		return strings.ToValidUTF8(string(v.GetStringBytes()), "\uFFFD")
	case fastjson.TypeNumber:
		return string(v.MarshalTo(nil))
	default:
		return ""
	}
}

// readTime sets the event time from a field that may be absent or null.
func (r *Record) readTime(field string, v *fastjson.Value) error {
	if v == nil || v.Type() == fastjson.TypeNull {
		return nil
	}
	if v.Type() == fastjson.TypeString {
		if r.Time, r.HasTime = r.clock.read(v.GetStringBytes()); r.HasTime {
			return nil
		}
	}
	ms, err := ParseTime(text(v))
	if err != nil {
		return &Error{ReasonTime, field, fmt.Sprintf("is %q: %v", shorten(text(v)), err)}
	}
	r.Time, r.HasTime = ms, true
	return nil
}
