package processor

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/profile"
	"tidemark/windows"
)

const (
	someRows   = 256     // of an endpoint that are worth opening a profile for before the commit
	maxWaiting = 1 << 16 // rows that wait for more of their endpoints
	maxSpare   = 4096    // closed panes that are kept
)

// foldRows counts the decoded rows into their panes where endpoints have at least so many. The others wait: a profile is
// much larger than a few rows.
func (f *fold) foldRows(least int) {
	waiting, rows := f.unfolded[:0], 0
	for _, w := range f.unfolded {
		if n := w.batch.Rows(); !w.worth(least) && n < maxWaiting {
			waiting, rows = append(waiting, w), rows+n
			continue
		}
		f.count(w, !w.worth(someRows))
	}
	if f.unfolded = waiting; rows > maxWaiting {
		f.foldRows(0)
	}
}

// count counts rows into their panes. With atOnce, as before a commit, a pane that was not open is encoded at once: so one profile,
// which stays in the processor's cache, serves for many panes of few rows.
func (f *fold) count(w *waiting, atOnce bool) {
	before := len(f.open)
	for _, p := range f.sortRows(w) {
		c := p.target.count
		if p.profile == nil {
			f.openProfile(p)
		}
		c.counter.Observe(p.profile, w.batch, p.rows)
		p.rows = p.rows[:0]
		if atOnce {
			f.encode(before)
		} else if f.opened > maxOpenBytes {
			f.encode(0)
		}
	}
	f.counts.extra += int64(w.batch.Extra())
	f.counts.undecoded += int64(w.batch.Undecoded())
	w.empty()
}

// sortRows gives each pane its rows, and returns the panes that have some.
func (f *fold) sortRows(w *waiting) []*openPane {
	touched := f.touched[:0]
	times := w.batch.Times()
	for i, r := range w.runs {
		end := len(times)
		if i+1 < len(w.runs) {
			end = w.runs[i+1].first
		}
		t := r.target
		p := t.latest
		for row := r.first; row < end; row++ {
			if at := windows.Time(times[row]); p == nil || at < p.start || at >= p.end {
				start := at.Floor(t.pane)
				if p = t.panes[start]; p == nil {
					p = f.openPane(t, start)
				}
				t.latest = p
			}
			if len(p.rows) == 0 {
				touched = append(touched, p)
				p.run = -1
			}
			p.rows = append(p.rows, int32(row))
			if p.run != i {
				p.run, p.last = i, p.rangeOf(r.source, w.offsets[row])
			}
			within := &p.ranges[p.last]
			within.Start, within.End = min(within.Start, w.offsets[row]), max(within.End, w.offsets[row]+1)
		}
	}
	f.touched = touched
	return touched
}

// openPane is a pane that rows came for since the last commit.
type openPane struct {
	target  *target
	start   windows.Time
	end     windows.Time
	profile *profile.Profile // nil before rows were counted
	ranges  []monitor.Range
	rows    []int32 // of the batch being folded
	run     int     // that the last of them is of
	last    int     // the place of its source in ranges
}

func (f *fold) openPane(t *target, start windows.Time) *openPane {
	p := &openPane{}
	if n := len(f.spare); n > 0 {
		p, f.spare = f.spare[n-1], f.spare[:n-1]
	}
	*p = openPane{target: t, start: start, end: start.Add(t.pane), rows: p.rows[:0], ranges: make([]monitor.Range, 0, max(1, len(p.ranges)))}
	t.panes[start] = p
	return p
}

func (f *fold) openProfile(p *openPane) {
	t := p.target
	if free := t.count.free; len(free) > 0 {
		p.profile = free[len(free)-1]
		t.count.free = free[:len(free)-1]
	} else {
		p.profile = profile.New(t.layout)
	}
	if t.pairs {
		p.profile.CountPairs()
	}
	f.open = append(f.open, p)
	f.opened += t.count.bytes
}

// recycle takes back what a pane has of memory.
func (f *fold) recycle(p *openPane) {
	if c := p.target.count; len(c.free)*c.bytes < maxOpenBytes {
		p.profile.Reset()
		c.free = append(c.free, p.profile)
	}
	f.opened -= p.target.count.bytes
	if p.target, p.profile = nil, nil; len(f.spare) < maxSpare && cap(p.rows) <= maxBatchRows {
		f.spare = append(f.spare, p)
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

// encode closes the open panes from one on, unless rows of theirs are being counted: they wait as bytes, which are small when the
// rows are few.
func (f *fold) encode(from int) {
	left := f.open[:from]
	for _, p := range f.open[from:] {
		if len(p.rows) > 0 {
			left = append(left, p)
			continue
		}
		t := p.target
		d := f.delta(t.endpoint)
		f.change(d)
		f.encoded = p.profile.Append(f.encoded[:0])
		encoded := bytes.Clone(f.encoded)
		f.pending += len(encoded)
		d.panes = append(d.panes, monitor.PaneDelta{
			Variant: t.variant, Layout: t.targetKey.layout, Start: p.start, Length: t.pane.Milliseconds(),
			Rows: p.profile.Rows, Ranges: p.ranges, Profile: encoded,
		})
		delete(t.panes, p.start)
		t.latest = nil
		f.recycle(p)
	}
	f.open = left
}

// full says that a commit should not wait for its time.
func (f *fold) full() bool { return f.pending > maxPending }

const (
	maxDeltaBytes = 512 << 10
	paneHeadBytes = 256 // of a pane in a delta's head, about
)

// deltas returns what was folded since the last commit, endpoint by endpoint, in records of bounded size.
func (f *fold) deltas() []*monitor.Delta {
	for _, w := range f.unfolded {
		f.count(w, true)
	}
	f.unfolded = f.unfolded[:0]
	f.encode(0)
	slices.SortFunc(f.changed, func(a, b *endpointDelta) int { return strings.Compare(a.name, b.name) })
	deltas := make([]*monitor.Delta, 0, len(f.changed))
	for _, e := range f.changed {
		d, size := &monitor.Delta{Endpoint: e.name}, 0
		for _, p := range e.panes {
			if size > 0 && size+len(p.Profile) > maxDeltaBytes {
				deltas = append(deltas, d)
				d, size = &monitor.Delta{Endpoint: e.name}, 0
			}
			d.Panes = append(d.Panes, p)
			size += len(p.Profile) + paneHeadBytes
		}
		// The progress goes with the last of an endpoint's deltas: another reader's vector may come between them, and
		// must not close windows on the strength of rows that are still to come.
		for _, p := range e.progress {
			if p.Source.Topic != "" && p.EventTime != windows.Never {
				d.Sources = append(d.Sources, p)
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
