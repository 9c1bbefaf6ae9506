package capture

import (
	"fmt"

	"github.com/valyala/fastjson"
)

// form is how the rows of one side are written.
type form uint8

const (
	absent   form = iota // the side was not captured
	opaque               // it was captured, but in no form that can be read
	csvForm              // as lines
	jsonForm             // as JSON values
)

// payload is the rows of one side of a record.
//
// JSON has one ambiguity that only the schema or the other side can settle: {"a":[1,2]} is one row with a[0] and
// a[1] read across, and two rows of a read down. So is [1,2].
type payload struct {
	field string   // where in the record, for errors
	lists []string // the keys under which a JSON object may hold a list of rows

	form     form
	text     []byte            // CSV
	plain    bool              // CSV of one row without quotes
	rows     []*fastjson.Value // JSON, read across
	byName   bool              // JSON that always gives its columns' names
	across   int               // rows, read across
	down     int               // rows, read down; 0 if it cannot be
	members  int               // keys of an object that can be read down
	readDown bool

	// Buffers.
	cells    cells
	decoded  []byte
	path     []byte
	document fastjson.Parser
	lines    []*fastjson.Parser
}

func (p *payload) reset(field string) {
	p.field, p.form, p.byName, p.plain = field, absent, false, false
	p.text, p.rows = nil, p.rows[:0]
	p.across, p.down, p.members, p.readDown = 0, 0, 0, false
}

// count is the number of rows in the chosen reading.
func (p *payload) count() int {
	if p.readDown {
		return p.down
	}
	return p.across
}

// choose sets the reading by the schema, and says whether that left it open.
func (p *payload) choose(h *half) (open bool) {
	p.readDown = false
	if p.form != jsonForm || p.down == 0 {
		return false
	}
	object := p.rows[0].GetObject()
	if object == nil {
		return h.n == 1
	}
	open = true
	object.Visit(func(key []byte, _ *fastjson.Value) {
		if _, ok := h.find(key); ok {
			open, p.readDown = false, true
		}
		p.path = append(append(p.path[:0], key...), "[0]"...)
		if _, ok := h.find(p.path); ok {
			open = false
		}
	})
	return open
}

// match settles what the schema left open by the numbers of rows: the two sides of a record have equally many. A side
// that is nil holds no rows to go by.
func match(in, out *payload, inOpen, outOpen bool) {
	if inOpen {
		in.readDown = in.matches(out, outOpen)
	}
	if outOpen {
		out.readDown = out.matches(in, inOpen)
	}
}

func (p *payload) matches(other *payload, otherOpen bool) bool {
	switch {
	case other == nil:
		return p.members > 1
	case otherOpen:
		return p.down == other.down
	default:
		return p.down == other.count()
	}
}

// fill gives the last row of the batch the values of this side's row, which must come in order.
func (p *payload) fill(b *Batch, h *half, row int) error {
	switch {
	case p.form == csvForm:
		return p.fillCSV(b, h, row)
	case p.readDown:
		return p.fillDown(b, h, row)
	default:
		return p.fillAcross(b, h, row)
	}
}

func (p *payload) failColumns(h *half, row, cells int) error {
	return &Error{ReasonColumns, p.field, fmt.Sprintf("has %d cells in row %d: want %d, one for each column of the schema",
		cells, row+1, h.n)}
}
