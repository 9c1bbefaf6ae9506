package processor

import (
	"errors"
	"maps"
	"slices"

	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/profile"
	"tidemark/windows"
)

// foldRows counts the decoded rows into their panes.
func (f *fold) foldRows() {
	for _, t := range f.unfolded {
		var touched []*openPane
		for row, ms := range t.batch.Times() {
			start := windows.Time(ms).Floor(t.pane)
			p := t.panes[start]
			if p == nil {
				p = f.openPane(t, start)
			}
			if len(p.rows) == 0 {
				touched = append(touched, p)
			}
			p.rows = append(p.rows, int32(row))
			p.cover(t.origins[row])
		}
		for _, p := range touched {
			p.profile.Observe(t.batch, p.rows)
			p.rows = p.rows[:0]
		}
		f.counts.extra += int64(t.batch.Extra())
		f.counts.undecoded += int64(t.batch.Undecoded())
		t.batch.Reset()
		t.origins = t.origins[:0]
	}
	f.unfolded = f.unfolded[:0]
	if len(f.open) > maxOpen {
		f.encode()
	}
}

func (f *fold) openPane(t *target, start windows.Time) *openPane {
	p := &openPane{target: t, start: start}
	if free := f.free[t.targetKey.layout]; len(free) > 0 {
		p.profile = free[len(free)-1]
		f.free[t.targetKey.layout] = free[:len(free)-1]
	} else {
		p.profile = profile.New(t.layout)
	}
	t.panes[start] = p
	f.open = append(f.open, p)
	return p
}

func (f *fold) recycle(p *openPane) {
	id := p.target.targetKey.layout
	if len(f.free[id]) < maxOpen {
		p.profile.Reset()
		f.free[id] = append(f.free[id], p.profile)
	}
}

func (p *openPane) cover(o origin) {
	for i := range p.ranges {
		if r := &p.ranges[i]; r.Source == o.source {
			r.Start, r.End = min(r.Start, o.offset), max(r.End, o.offset+1)
			return
		}
	}
	p.ranges = append(p.ranges, monitor.Range{Source: o.source, Start: o.offset, End: o.offset + 1})
}

// encode closes the open profiles: their rows wait as bytes, which are small when the rows are few.
func (f *fold) encode() {
	for _, p := range f.open {
		t := p.target
		d := f.delta(t.endpoint)
		encoded := p.profile.Append(nil)
		f.pending += len(encoded)
		d.panes = append(d.panes, monitor.PaneDelta{
			Variant: t.variant, Layout: t.targetKey.layout, Start: p.start, Length: t.pane.Milliseconds(),
			Rows: p.profile.Rows, Ranges: p.ranges, Profile: encoded,
		})
		delete(t.panes, p.start)
		f.recycle(p)
	}
	f.open = f.open[:0]
}

// full says that a commit should not wait for its time.
func (f *fold) full() bool { return f.pending > maxPending }

const (
	maxDeltaBytes = 512 << 10
	paneHeadBytes = 256 // of a pane in a delta's head, about
)

// deltas returns what was folded since the last commit, endpoint by endpoint, in records of bounded size.
func (f *fold) deltas() []*monitor.Delta {
	f.foldRows()
	f.encode()
	var deltas []*monitor.Delta
	for _, name := range slices.Sorted(maps.Keys(f.endpoints)) {
		e := f.endpoints[name]
		d, size := &monitor.Delta{Endpoint: name}, 0
		for _, p := range e.panes {
			if size > 0 && size+len(p.Profile) > maxDeltaBytes {
				deltas = append(deltas, d)
				d, size = &monitor.Delta{Endpoint: name}, 0
			}
			d.Panes = append(d.Panes, p)
			size += len(p.Profile) + paneHeadBytes
		}
		// The progress goes with the last of an endpoint's deltas: another reader's vector may come between them, and
		// must not close windows on the strength of rows that are still to come.
		for _, p := range e.progress {
			if p.EventTime != windows.Never {
				d.Sources = append(d.Sources, *p)
			}
		}
		slices.SortFunc(d.Sources, func(a, b windows.Progress) int { return a.Source.Compare(b.Source) })
		deltas = append(deltas, d)
	}
	return deltas
}

func asError(err error) *capture.Error {
	var e *capture.Error
	if errors.As(err, &e) {
		return e
	}
	return &capture.Error{Reason: capture.ReasonMalformed, Detail: err.Error()}
}
