package capture

import "github.com/valyala/fastjson"

// readFlat reads {"endpoint":…,"variant":…,"id":…,"time":…,"features":{…},"predictions":{…}}.
func (r *Record) readFlat(v *fastjson.Value, p *Parser) error {
	r.input.reset("features")
	r.output.reset("predictions")
	if err := r.input.readObjects(v.Get("features")); err != nil {
		return err
	}
	if err := r.output.readObjects(v.Get("predictions")); err != nil {
		return err
	}
	if r.input.form == absent && r.output.form == absent {
		return &Error{ReasonEnvelope, "record", "has null for features and predictions: want an object in at least one"}
	}
	r.Endpoint = again(&p.endpoint, v.Get("endpoint"))
	r.Variant = again(&p.variant, v.Get("variant"))
	r.EventID = identifier(v.Get("id"))
	return r.readTime("time", v.Get("time"))
}

// readObjects takes one object, or a list of objects, as the rows of this side.
func (p *payload) readObjects(v *fastjson.Value) error {
	if v == nil || v.Type() == fastjson.TypeNull {
		return nil
	}
	p.form, p.byName = jsonForm, true
	switch v.Type() {
	case fastjson.TypeObject:
		p.rows, p.across = append(p.rows, v), 1
		return nil
	case fastjson.TypeArray:
		for _, row := range v.GetArray() {
			if row.Type() != fastjson.TypeObject {
				return fail(ReasonEnvelope, p.field, row.String(), "a list of objects only")
			}
		}
		return p.takeRows(v)
	}
	return fail(ReasonEnvelope, p.field, v.String(), "an object or a list of objects")
}

// again returns the text of v, and keeps it in last to spare the next record a copy.
func again(last *string, v *fastjson.Value) string {
	if v == nil || v.Type() != fastjson.TypeString || string(v.GetStringBytes()) != *last {
		*last = text(v)
	}
	return *last
}
