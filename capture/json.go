package capture

import (
	"bytes"
	"strconv"

	"github.com/valyala/fastjson"
)

// parseJSON is fastjson's Parse, which also takes NaN and Inf but not Infinity, as Python writes it.
func parseJSON(p *fastjson.Parser, text []byte) (*fastjson.Value, error) {
	v, err := p.ParseBytes(text)
	if err != nil && bytes.Contains(text, []byte("Infinity")) {
		if v, err := p.ParseBytes(shortInfinity(text)); err == nil {
			return v, nil
		}
	}
	return v, err
}

// shortInfinity returns text with Inf for Infinity outside of strings.
func shortInfinity(text []byte) []byte {
	text = bytes.Clone(text)
	for i, quoted := 0, false; i < len(text); i++ {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '\\':
			i++
		case !quoted && bytes.HasPrefix(text[i:], []byte("Infinity")):
			copy(text[i:], "Inf     ")
		}
	}
	return text
}

// readJSON takes text as the rows of this side: one JSON value, or one on each line.
func (p *payload) readJSON(text []byte) error {
	p.form = jsonForm
	if len(bytes.TrimSpace(text)) == 0 {
		return fail(ReasonEmpty, p.field, text, "JSON with at least one row")
	}
	v, err := parseJSON(&p.document, text)
	if err != nil {
		return p.readLines(text, err)
	}
	return p.takeDocument(v)
}

// readLines takes each line as one row, after reading text as one value has failed with whole.
func (p *payload) readLines(text []byte, whole error) error {
	text = bytes.TrimSpace(text)
	if !bytes.Contains(text, []byte("\n")) {
		return failJSON(ReasonPayload, p.field, text, "JSON", whole)
	}
	n := 0
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if n == len(p.lines) {
			p.lines = append(p.lines, new(fastjson.Parser))
		}
		v, err := parseJSON(p.lines[n], line)
		if err != nil {
			return failJSON(ReasonPayload, p.field, line, "JSON, or JSON on each line", err)
		}
		p.rows = append(p.rows, v)
		n++
	}
	p.across = n
	return nil
}

// takeDocument finds the rows in one JSON value.
func (p *payload) takeDocument(v *fastjson.Value) error {
	switch v.Type() {
	case fastjson.TypeObject:
		for _, key := range p.lists {
			if list := v.Get(key); list != nil && list.Type() == fastjson.TypeArray {
				return p.takeRows(list)
			}
		}
		p.down, p.members = columnar(v)
	case fastjson.TypeArray:
		list := v.GetArray()
		if len(list) == 0 || !scalars(list) {
			return p.takeRows(v)
		}
		p.down = len(list)
	}
	p.rows, p.across = append(p.rows, v), 1
	return nil
}

// takeRows takes each element of list as a row.
func (p *payload) takeRows(list *fastjson.Value) error {
	p.rows = append(p.rows, list.GetArray()...)
	p.across = len(p.rows)
	if p.across == 0 {
		return fail(ReasonEmpty, p.field, "[]", "at least one row")
	}
	return nil
}

// columnar returns how many rows an object holds if its values are columns, or 0 if they are not, and its keys.
func columnar(v *fastjson.Value) (rows, members int) {
	object := v.GetObject()
	if _, ok := positions(v); ok {
		return 0, object.Len()
	}
	uniform := true
	object.Visit(func(_ []byte, v *fastjson.Value) {
		list := v.GetArray()
		if members++; members == 1 {
			rows = len(list)
		}
		uniform = uniform && len(list) > 0 && len(list) == rows && scalars(list)
	})
	if !uniform {
		return 0, members
	}
	return rows, members
}

// positions returns the cells of a row written as {"features":[…]}.
func positions(v *fastjson.Value) (cells []*fastjson.Value, ok bool) {
	object := v.GetObject()
	if object == nil || object.Len() != 1 {
		return nil, false
	}
	list := object.Get("features")
	if list == nil || list.Type() != fastjson.TypeArray || !scalars(list.GetArray()) {
		return nil, false
	}
	return list.GetArray(), true
}

func scalars(list []*fastjson.Value) bool {
	for _, v := range list {
		if !scalar(v) {
			return false
		}
	}
	return true
}

func scalar(v *fastjson.Value) bool {
	return v.Type() != fastjson.TypeArray && v.Type() != fastjson.TypeObject
}

// fillAcross gives the last row of the batch the value that is the row.
func (p *payload) fillAcross(b *Batch, h *half, row int) error {
	v := p.rows[row]
	switch v.Type() {
	case fastjson.TypeObject:
		if cells, ok := positions(v); ok && !p.byName && !h.has("features[0]") {
			return p.fillCells(b, h, row, cells)
		}
		p.fillNamed(b, h, v)
		return nil
	case fastjson.TypeArray:
		return p.fillCells(b, h, row, v.GetArray())
	default:
		return p.fillCells(b, h, row, p.rows[row:row+1])
	}
}

// fillDown gives the last row of the batch the values at index row of each column.
func (p *payload) fillDown(b *Batch, h *half, row int) error {
	object := p.rows[0].GetObject()
	if object == nil {
		return p.fillCells(b, h, row, p.rows[0].GetArray()[row:row+1])
	}
	object.Visit(func(key []byte, v *fastjson.Value) {
		i, ok := h.find(key)
		if !ok {
			b.addExtra(1)
		} else if !b.given(i) {
			b.setValue(i, v.GetArray()[row])
		}
	})
	return nil
}

func (p *payload) fillCells(b *Batch, h *half, row int, cells []*fastjson.Value) error {
	if len(cells) != h.n {
		return p.failColumns(h, row, len(cells))
	}
	for i, v := range cells {
		b.setValue(h.first+i, v)
	}
	return nil
}

// fillNamed gives the last row of the batch an object's values. Of two values for one column the first counts.
func (p *payload) fillNamed(b *Batch, h *half, v *fastjson.Value) {
	p.path = p.path[:0]
	if !p.fillMembers(b, h, v) {
		b.addExtra(v.GetObject().Len())
	}
}

// fillMembers looks for columns in an object whose name so far is p.path, and says whether there was one. Then its
// other members are counted as extra; if there was none, the object counts as one extra key where it stands.
func (p *payload) fillMembers(b *Batch, h *half, v *fastjson.Value) (used bool) {
	stem, unknown := len(p.path), 0
	v.GetObject().Visit(func(key []byte, v *fastjson.Value) {
		if stem > 0 {
			p.path = append(p.path, '.')
		}
		p.path = append(p.path, key...)
		if p.fillPath(b, h, v) {
			used = true
		} else {
			unknown++
		}
		p.path = p.path[:stem]
	})
	if used {
		b.addExtra(unknown)
	}
	return used
}

// fillPath looks for columns in the value whose name is p.path, and says whether there was one.
func (p *payload) fillPath(b *Batch, h *half, v *fastjson.Value) (used bool) {
	if i, ok := h.find(p.path); ok {
		if !b.given(i) {
			b.setValue(i, v)
		}
		return true
	}
	if len(p.path) >= h.longest {
		return false // names only grow from here
	}
	switch v.Type() {
	case fastjson.TypeObject:
		return p.fillMembers(b, h, v)
	case fastjson.TypeArray:
		stem := len(p.path)
		for i, v := range v.GetArray() {
			p.path = append(strconv.AppendInt(append(p.path, '['), int64(i), 10), ']')
			used = p.fillPath(b, h, v) || used
			p.path = p.path[:stem]
		}
	}
	return used
}
