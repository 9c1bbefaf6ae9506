package capture

import "bytes"

// cells walks a CSV text (RFC 4180) cell by cell without copying it. A quote inside a cell that does not begin with
// one stands for itself. Blank lines are no rows.
type cells struct {
	rest     []byte
	unquoted []byte // the last cell, if it held doubled quotes
}

// more says whether there is another row, and skips blank lines on the way to it.
func (c *cells) more() bool {
	for {
		switch line := bytes.TrimPrefix(c.rest, []byte("\r")); {
		case len(line) == 0:
			c.rest = nil
			return false
		case line[0] == '\n':
			c.rest = line[1:]
		default:
			return true
		}
	}
}

// next returns the row's next cell, which holds until the next call, and whether it is the row's last. When the text
// is no CSV, fault says why.
func (c *cells) next() (cell []byte, last bool, fault string) {
	if len(c.rest) > 0 && c.rest[0] == '"' {
		return c.quoted()
	}
	for i, ch := range c.rest {
		switch ch {
		case ',':
			cell, c.rest = c.rest[:i], c.rest[i+1:]
			return cell, false, ""
		case '\n':
			cell, c.rest = c.rest[:i], c.rest[i+1:]
			return bytes.TrimSuffix(cell, []byte("\r")), true, ""
		}
	}
	cell, c.rest = c.rest, nil
	return bytes.TrimSuffix(cell, []byte("\r")), true, ""
}

func (c *cells) quoted() (cell []byte, last bool, fault string) {
	text := c.rest[1:]
	c.unquoted = c.unquoted[:0]
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			return nil, false, "a closing quote"
		}
		cell, text = text[:i], text[i+1:]
		if len(text) == 0 || text[0] != '"' {
			break
		}
		c.unquoted = append(append(c.unquoted, cell...), '"')
		text = text[1:]
	}
	if len(c.unquoted) > 0 {
		c.unquoted = append(c.unquoted, cell...)
		cell = c.unquoted
	}
	if len(text) > 0 && text[0] == ',' {
		c.rest = text[1:]
		return cell, false, ""
	}
	line := bytes.TrimPrefix(text, []byte("\r"))
	if len(line) > 0 && line[0] != '\n' {
		return nil, false, "a comma or the end of the line behind a closing quote"
	}
	c.rest = line[min(1, len(line)):]
	return cell, true, ""
}

// readCSV takes text as the rows of this side.
func (p *payload) readCSV(text []byte) error {
	p.form, p.text = csvForm, text
	c := &p.cells
	for c.rest = text; c.more(); p.across++ {
		for last := false; !last; {
			var fault string
			if _, last, fault = c.next(); fault != "" {
				return fail(ReasonPayload, p.field, text, "CSV with "+fault)
			}
		}
	}
	if p.across == 0 {
		return fail(ReasonEmpty, p.field, text, "CSV with at least one row")
	}
	return nil
}

// fillCSV gives the last row of the batch the cells of the text's next row.
func (p *payload) fillCSV(b *Batch, h *half, row int) error {
	c := &p.cells
	c.more()
	for n, last := 0, false; !last; n++ {
		var cell []byte
		cell, last, _ = c.next()
		if n < h.n {
			b.setCell(h.first+n, cell)
		}
		if last && n+1 != h.n {
			return p.failColumns(h, row, n+1)
		}
	}
	return nil
}
