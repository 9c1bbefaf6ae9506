package capture

import (
	"fmt"
	"strings"

	"github.com/valyala/fastjson"
)

// Parser reads capture records. It keeps its buffers, so a [Record] holds until the next Parse.
// It is not for concurrent use; its zero value is ready.
type Parser struct {
	envelope fastjson.Parser
	record   Record
	endpoint string // of the last record that had one, as most records of a topic share it
	variant  string
}

// Record is one captured call of a model: one or several rows of features, of predictions, or of both.
type Record struct {
	Endpoint    string // empty if the record does not say, as in SageMaker's format
	Variant     string // of the endpoint; may be empty
	EventID     string // one for each call; may be empty
	InferenceID string // given by the model's client, to join labels by; may be empty
	Time        int64  // event time in milliseconds since the Unix epoch, if HasTime; else to be set by the caller
	HasTime     bool

	input, output payload
	rows          int
}

// Parse reads one record in SageMaker's or the flat format. An error is always an [*Error].
func (p *Parser) Parse(value []byte) (*Record, error) {
	r := &p.record
	r.Endpoint, r.Variant, r.EventID, r.InferenceID = "", "", "", ""
	r.Time, r.HasTime = 0, false
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
	start, undecoded := b.Rows(), b.undecoded
	if err := r.append(b); err != nil {
		b.truncate(start)
		b.undecoded = undecoded
		return err
	}
	return nil
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
	ms, err := ParseTime(text(v))
	if err != nil {
		return &Error{ReasonTime, field, fmt.Sprintf("is %q: %v", shorten(text(v)), err)}
	}
	r.Time, r.HasTime = ms, true
	return nil
}
