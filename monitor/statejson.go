package monitor

import (
	"encoding/binary"
	"maps"
	"slices"

	"tidemark/windows"
)

// Append writes the state behind b as JSON, byte for byte as encoding/json does: it is written at each commit that has rows of
// the endpoint.
func (e *SavedEndpoint) Append(b []byte) ([]byte, error) {
	t := jsonText{b: slices.Grow(b, 256+160*(len(e.Frontier.Sources)+len(e.Alerts)))}
	t.whole(`{"version":`, int64(e.Version))
	t.text(`,"endpoint":`, e.Endpoint)
	t.time(`,"frontier":{"since":`, e.Frontier.Since)
	t.time(`,"value":`, e.Frontier.Value)
	t.list(`,"sources":`, len(e.Frontier.Sources), e.Frontier.Sources == nil, func(i int) {
		p := &e.Frontier.Sources[i]
		t.text(`{"source":`, p.Source.String())
		t.time(`,"event_time":`, p.EventTime)
		t.time(`,"appended":`, p.Appended)
		if p.Ended {
			t.raw(`,"ended":true`)
		}
		t.raw("}")
	})
	t.times(`},"closed":`, e.Closed)
	t.times(`,"whole":`, e.Whole)
	if len(e.Alerts) > 0 {
		t.list(`,"alerts":`, len(e.Alerts), false, func(i int) {
			a := &e.Alerts[i]
			t.text(`{"monitor":`, a.Monitor)
			t.text(`,"variant":`, a.Variant)
			t.text(`,"size":`, a.Size)
			t.text(`,"feature":`, a.Feature)
			t.text(`,"rule":`, a.Rule)
			t.natural(`,"history":`, a.History)
			t.time(`,"since":`, a.Since)
			if a.Incident != "" {
				t.text(`,"incident":`, a.Incident)
			}
			t.raw("}")
		})
	}
	t.raw("}")
	return t.b, t.err
}

// appendHead writes the length of the pane's JSON as a varint, and the JSON, byte for byte as encoding/json does.
func (p *SavedPane) appendHead(b []byte) ([]byte, error) {
	t := jsonText{}
	t.whole(`{"version":`, int64(p.Version))
	t.text(`,"endpoint":`, p.Endpoint)
	t.text(`,"pane":{"variant":`, p.Pane.Variant)
	t.text(`,"layout":`, p.Pane.Layout)
	t.time(`,"start":`, p.Pane.Start)
	t.whole(`,"length":`, p.Pane.Length)
	t.whole(`,"rows":`, p.Pane.Rows)
	if len(p.Pane.Ranges) > 0 {
		t.list(`,"ranges":`, len(p.Pane.Ranges), false, func(i int) {
			r := &p.Pane.Ranges[i]
			t.text(`{"source":`, r.Source.String())
			t.whole(`,"start":`, r.Start)
			t.whole(`,"end":`, r.End)
			t.raw("}")
		})
	}
	t.whole(`,"size":`, int64(p.Pane.Size))
	t.whole(`},"through":`, p.Through)
	t.raw("}")
	return append(binary.AppendUvarint(b, uint64(len(t.b))), t.b...), t.err
}

// list writes n elements.
func (t *jsonText) list(before string, n int, null bool, element func(i int)) {
	t.raw(before)
	if null {
		t.raw("null")
		return
	}
	t.raw("[")
	for i := range n {
		if i > 0 {
			t.raw(",")
		}
		element(i)
	}
	t.raw("]")
}

// times writes a time for each name, in the names' order.
func (t *jsonText) times(before string, times map[string]windows.Time) {
	t.raw(before)
	if times == nil {
		t.raw("null")
		return
	}
	t.raw("{")
	for i, name := range slices.Sorted(maps.Keys(times)) {
		if i > 0 {
			t.raw(",")
		}
		t.text("", name)
		t.time(":", times[name])
	}
	t.raw("}")
}
