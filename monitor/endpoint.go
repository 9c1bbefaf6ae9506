package monitor

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tidemark/profile"
	"tidemark/windows"
)

// endpoint is the panes, the frontier and the alerts of one endpoint.
type endpoint struct {
	name     string
	monitors []*Monitor
	pane     time.Duration
	frontier *windows.Frontier
	closed   []windows.Time // per monitor, the watermark up to which windows were closed
	series   map[seriesKey]*series
	alerts   map[alertKey]*alertState
	dirty    bool // state changed since it was last saved
}

type seriesKey struct{ variant, layout string }

// series is the panes of one variant in one layout.
type series struct {
	layout *profile.Layout // nil when no monitor has it: then the panes only say that rows were there
	panes  windows.Panes[*pane]
}

// pane keeps its rows as encoded profiles, which are small when rows are few, and merges them when a window closes.
type pane struct {
	parts   [][]byte
	rows    int64
	ranges  []Range
	first   int64 // offset of the first delta that is not saved yet, or -1
	through int64 // deltas before this offset are in the pane
	saved   int64 // after a restart: deltas before this offset are in what was saved
}

func newEndpoint(name string, monitors []*Monitor) *endpoint {
	e := &endpoint{
		name: name, monitors: Matching(monitors, name),
		series: map[seriesKey]*series{}, alerts: map[alertKey]*alertState{},
	}
	e.pane = PaneLength(e.monitors)
	var longest time.Duration
	for _, m := range e.monitors {
		for _, spec := range m.Windows {
			longest = max(longest, spec.Size+m.AllowedLateness)
		}
		e.closed = append(e.closed, windows.Never)
	}
	e.frontier = windows.NewFrontier(longest)
	return e
}

// add takes in the rows of a delta. It returns what came too late for some or all windows, or could not be used.
func (e *endpoint) add(d *Delta, offset int64) ([]Delta, error) {
	var late []Delta
	for _, p := range d.Panes {
		missed := e.fit(&p)
		if missed == "" || missed == MissedSome {
			if err := e.seriesOf(p.Variant, p.Layout).add(p, offset); err != nil {
				return nil, fmt.Errorf("endpoint %q, variant %q, pane %v: %w", e.name, p.Variant, p.Start, err)
			}
		}
		if missed != "" {
			late = append(late, Delta{Endpoint: e.name, Panes: []PaneDelta{p}, Missed: missed})
		}
	}
	e.dirty = true
	return late, nil
}

// What a late delta missed.
const (
	MissedSome = "some" // some windows were closed already; it is in the others
	MissedAll  = "all"  // it is in no window
	MissedPane = "pane" // it was cut into panes of a length that the windows cannot be put together from
)

// fit says what a pane missed, and moves its start to that of the endpoint's pane which it is in.
func (e *endpoint) fit(p *PaneDelta) (missed string) {
	if p.length() <= 0 || e.pane%p.length() != 0 {
		return MissedPane
	}
	p.Start = p.Start.Floor(e.pane)
	some, all := false, true
	for i, m := range e.monitors {
		if !m.Watches(e.name, p.Variant) {
			continue
		}
		first, last := m.closes(p.Start, e.pane)
		some = some || first <= e.closed[i]
		all = all && last <= e.closed[i]
	}
	switch {
	case all:
		return MissedAll
	case some:
		return MissedSome
	}
	return ""
}

func (e *endpoint) seriesOf(variant, layout string) *series {
	key := seriesKey{variant, layout}
	s := e.series[key]
	if s == nil {
		s = &series{}
		for _, m := range e.monitors {
			if m.Layout().ID() == layout {
				s.layout = m.Layout()
			}
		}
		e.series[key] = s
	}
	return s
}

func (s *series) add(d PaneDelta, offset int64) error {
	p, ok := s.panes.Get(d.Start)
	if !ok {
		p = &pane{first: -1}
		s.panes.Put(d.Start, p)
	}
	if p.first < 0 {
		p.first = offset
	}
	if s.layout != nil {
		p.parts = append(p.parts, bytes.Clone(d.Profile)) // d shares the memory of a whole fetch
	}
	p.rows += d.Rows
	p.ranges = mergeRanges(p.ranges, d.Ranges)
	p.through = offset + 1
	if len(p.parts) >= maxParts {
		return p.compact(s.layout)
	}
	return nil
}

// advance closes the windows that the frontier has passed.
func (e *endpoint) advance(partitions *windows.Partitions, at windows.Time, out *Output) error {
	before := e.frontier.Value()
	frontier := e.frontier.Advance(partitions, at)
	if frontier == before {
		return nil
	}
	e.dirty = true
	for i, m := range e.monitors {
		watermark := frontier.Add(-m.AllowedLateness)
		for _, key := range e.keys() {
			if !m.Watches(e.name, key.variant) || key.layout != m.Layout().ID() {
				continue
			}
			for _, spec := range m.Windows {
				if err := e.close(m, key, spec, e.closed[i], watermark, out); err != nil {
					return err
				}
			}
		}
		e.closed[i] = watermark
	}
	return nil
}

// keys returns the series in a fixed order, so that the same log gives the same output.
func (e *endpoint) keys() []seriesKey {
	return slices.SortedFunc(maps.Keys(e.series), func(a, b seriesKey) int {
		return cmp.Or(strings.Compare(a.variant, b.variant), strings.Compare(a.layout, b.layout))
	})
}

// close reports the windows of one kind that end after `after` and not after the watermark.
func (e *endpoint) close(m *Monitor, key seriesKey, spec windows.Spec, after, watermark windows.Time, out *Output) (err error) {
	s := e.series[key]
	first, last, ok := s.panes.Span()
	if !ok {
		return nil
	}
	spec.Closing(after, watermark, first, last, func(w windows.Window) {
		if err != nil {
			return
		}
		current, ranges := profile.New(s.layout), []Range(nil)
		for start, p := range s.panes.Within(w) {
			for _, part := range p.parts {
				if err = current.MergeEncoded(part); err != nil {
					err = fmt.Errorf("endpoint %q, variant %q, pane %v: %w", e.name, key.variant, start, err)
					return
				}
			}
			ranges = mergeRanges(ranges, p.ranges)
		}
		if current.Rows == 0 {
			return
		}
		report := m.report(e.name, key.variant, w, current)
		if e.foreign(key, w) {
			report.suspend("layout")
		}
		out.Reports = append(out.Reports, report)
		out.Alerts = append(out.Alerts, m.alerts(&report, current, ranges, e.alerts)...)
	})
	return err
}

// foreign says whether rows of the variant in the window were counted in a layout that no monitor has.
func (e *endpoint) foreign(key seriesKey, w windows.Window) bool {
	for other, s := range e.series {
		if other.variant == key.variant && s.layout == nil {
			for range s.panes.Within(w) {
				return true
			}
		}
	}
	return false
}

// settle saves the panes that no delta is expected for any more but later windows need, and forgets those that no
// window needs.
func (e *endpoint) settle(out *Output) error {
	for _, key := range e.keys() {
		s := e.series[key]
		s.panes.Drop(func(start windows.Time) bool { return !e.needed(key.variant, start) })
		for start, p := range s.panes.All() {
			if start.Add(e.pane) > e.watermark() {
				break
			}
			if p.first < 0 || s.layout == nil {
				continue
			}
			if err := p.compact(s.layout); err != nil {
				return fmt.Errorf("endpoint %q, variant %q, pane %v: %w", e.name, key.variant, start, err)
			}
			p.first = -1
			out.Panes = append(out.Panes, e.saved(key, start, p))
		}
	}
	return nil
}

// maxParts bounds the parts of a pane, one a commit, that a window has to merge.
const maxParts = 16

// compact merges the parts of a pane into one.
func (p *pane) compact(layout *profile.Layout) error {
	if len(p.parts) < 2 {
		return nil
	}
	whole := profile.New(layout)
	for _, part := range p.parts {
		if err := whole.MergeEncoded(part); err != nil {
			return err
		}
	}
	p.parts = [][]byte{whole.Append(nil)}
	return nil
}

// watermark is that of the endpoint's slowest monitor.
func (e *endpoint) watermark() windows.Time {
	return slices.Min(e.closed)
}

// needed says whether a window that is not closed yet holds the pane.
func (e *endpoint) needed(variant string, start windows.Time) bool {
	for i, m := range e.monitors {
		if _, last := m.closes(start, e.pane); m.Watches(e.name, variant) && last > e.closed[i] {
			return true
		}
	}
	return false
}

// replayFrom is the offset of the first delta that is not saved, or next when all are.
func (e *endpoint) replayFrom(next int64) int64 {
	for _, s := range e.series {
		for _, p := range s.panes.All() {
			if p.first >= 0 {
				next = min(next, p.first)
			}
		}
	}
	return next
}
