package processor

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/profile"
	"tidemark/windows"
)

const (
	someRows   = 256     // of an endpoint that are worth opening a profile for before the commit
	maxWaiting = 1 << 16 // rows that wait for more of their endpoints
)

// foldRows counts the decoded rows into their panes, those of endpoints that have at least so many. The others wait: a profile is
// much larger than a few rows.
func (f *fold) foldRows(least int) {
	waiting, rows := f.unfolded[:0], 0
	for _, t := range f.unfolded {
		if n := t.batch.Rows(); n < least {
			waiting, rows = append(waiting, t), rows+n
			continue
		}
		for _, p := range f.sortRows(t) {
			t.count.counter.Observe(p.profile, t.batch, p.rows)
			p.rows = p.rows[:0]
		}
		f.counts.extra += int64(t.batch.Extra())
		f.counts.undecoded += int64(t.batch.Undecoded())
		t.empty()
		if f.opened > maxOpenBytes {
			f.encode()
		}
	}
	if f.unfolded = waiting; rows > maxWaiting {
		f.foldRows(0)
	}
}

// sortRows gives each pane its rows of the batch, and returns the panes that have some.
func (f *fold) sortRows(t *target) []*openPane {
	touched := f.touched[:0]
	var p *openPane
	times := t.batch.Times()
	for i, r := range t.runs {
		end := len(times)
		if i+1 < len(t.runs) {
			end = t.runs[i+1].first
		}
		for row := r.first; row < end; row++ {
			if start := windows.Time(times[row]).Floor(t.pane); p == nil || p.start != start {
				if p = t.panes[start]; p == nil {
					p = f.openPane(t, start)
				}
			}
			if len(p.rows) == 0 {
				touched = append(touched, p)
				p.run = -1
			}
			p.rows = append(p.rows, int32(row))
			if p.run != i {
				p.run, p.last = i, p.rangeOf(r.source, t.offsets[row])
			}
			within := &p.ranges[p.last]
			within.Start, within.End = min(within.Start, t.offsets[row]), max(within.End, t.offsets[row]+1)
		}
	}
	f.touched = touched
	return touched
}

type openPane struct {
	target  *target
	start   windows.Time
	profile *profile.Profile
	ranges  []monitor.Range
	rows    []int32 // of the batch being folded
	run     int     // that the last of them is of
	last    int     // the place of its source in ranges
}

func (f *fold) openPane(t *target, start windows.Time) *openPane {
	p := &openPane{target: t, start: start}
	if free := t.count.free; len(free) > 0 {
		p.profile = free[len(free)-1]
		t.count.free = free[:len(free)-1]
	} else {
		p.profile = profile.New(t.layout)
	}
	if t.pairs {
		p.profile.CountPairs()
	}
	t.panes[start] = p
	f.open = append(f.open, p)
	f.opened += t.count.bytes
	return p
}

func (f *fold) recycle(p *openPane) {
	if c := p.target.count; len(c.free)*c.bytes < maxOpenBytes {
		p.profile.Reset()
		c.free = append(c.free, p.profile)
	}
}

// rangeOf returns the place of a source in the pane's ranges.
func (p *openPane) rangeOf(source windows.Source, offset int64) int {
	for i := range p.ranges {
		if p.ranges[i].Source == source {
			return i
		}
	}
	p.ranges = append(p.ranges, monitor.Range{Source: source, Start: offset, End: offset})
	return len(p.ranges) - 1
}

// encode closes the open profiles: their rows wait as bytes, which are small when the rows are few.
func (f *fold) encode() {
	for _, p := range f.open {
		t := p.target
		d := f.delta(t.endpoint)
		f.encoded = p.profile.Append(f.encoded[:0])
		encoded := bytes.Clone(f.encoded)
		f.pending += len(encoded)
		d.panes = append(d.panes, monitor.PaneDelta{
			Variant: t.variant, Layout: t.targetKey.layout, Start: p.start, Length: t.pane.Milliseconds(),
			Rows: p.profile.Rows, Ranges: p.ranges, Profile: encoded,
		})
		delete(t.panes, p.start)
		f.recycle(p)
	}
	f.open, f.opened = f.open[:0], 0
}

// full says that a commit should not wait for its time.
func (f *fold) full() bool { return f.pending > maxPending }

const (
	maxDeltaBytes = 512 << 10
	paneHeadBytes = 256 // of a pane in a delta's head, about
)

// deltas returns what was folded since the last commit, endpoint by endpoint, in records of bounded size.
func (f *fold) deltas() []*monitor.Delta {
	f.foldRows(0)
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
