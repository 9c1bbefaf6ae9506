package monitor

import (
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
	name      string
	monitors  []*Monitor
	pane      time.Duration
	frontier  *windows.Frontier
	closed    []windows.Time // per monitor, the watermark up to which windows were closed
	whole     []windows.Time // per monitor, the watermark from which on windows hold all of the traffic there was
	series    map[seriesKey]*series
	alerts    map[alertKey]*alertState
	past      map[pastKey]*past // closed windows to compare later ones with
	sequences map[sequenceKey]*sequence
	bets      map[budgetKey]*bets
	tables    map[pastKey]*tables // the latest reference that is not the whole baseline
	budgets   int                 // monitors with an alarm budget, of all endpoints
	dirty     bool                // state changed since it was last saved
	scratch   scratch             // the shard's
}

func newEndpoint(name string, monitors []*Monitor) *endpoint {
	e := &endpoint{
		name: name, monitors: Matching(monitors, name),
		series: map[seriesKey]*series{}, alerts: map[alertKey]*alertState{}, past: map[pastKey]*past{},
		sequences: map[sequenceKey]*sequence{}, bets: map[budgetKey]*bets{}, tables: map[pastKey]*tables{},
	}
	for _, m := range monitors {
		if m.Budget.on() {
			e.budgets++
		}
	}
	e.pane = PaneLength(e.monitors)
	var longest time.Duration
	for _, m := range e.monitors {
		for _, spec := range m.Windows {
			longest = max(longest, spec.Size+m.AllowedLateness)
		}
		e.closed = append(e.closed, windows.Never)
		e.whole = append(e.whole, windows.Never)
	}
	e.frontier = windows.NewFrontier(longest)
	return e
}

// add takes in the rows of a delta. It returns what came too late for some or all windows, or could not be used.
func (e *endpoint) add(d *Delta, offset int64) ([]Delta, error) {
	var late []Delta
	for _, p := range d.Panes {
		missed := e.fit(&p)
		e.unseen(&p)
		if missed == "" || missed == MissedSome {
			s := e.seriesOf(p.Variant, p.Layout)
			if err := s.add(p, offset, e.scratch); err != nil {
				return nil, fmt.Errorf("endpoint %q, variant %q, pane %v: %w", e.name, p.Variant, p.Start, err)
			}
			if s.layout == nil {
				missed = MissedLayout
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
	MissedSome   = "some"   // some windows were closed already; it is in the others
	MissedAll    = "all"    // it is in no window
	MissedPane   = "pane"   // it was cut into panes of a length that the windows cannot be put together from
	MissedLayout = "layout" // it was counted in a layout that no monitor has: its windows are insufficient
)

// fit says what a pane missed, and moves its start to that of the endpoint's pane which it is in.
func (e *endpoint) fit(p *PaneDelta) (missed string) {
	if p.length() <= 0 || e.pane%p.length() != 0 {
		return MissedPane
	}
	p.Start = p.Start.Floor(e.pane)
	watched, some, all := false, false, true
	for i, m := range e.monitors {
		if !e.uses(m, seriesKey{p.Variant, p.Layout}) {
			continue
		}
		first, last := m.closes(p.Start, e.pane)
		watched = true
		some = some || first <= e.closed[i]
		all = all && last <= e.closed[i]
	}
	switch {
	case !watched:
		return MissedMonitor
	case all:
		return MissedAll
	case some:
		return MissedSome
	}
	return ""
}

// uses says whether windows of the monitor are made of a series, or suspended by one in a layout that no monitor has.
func (e *endpoint) uses(m *Monitor, key seriesKey) bool {
	return m.Watches(e.name, key.variant) && (m.Layout().ID() == key.layout || e.layout(key.layout) == nil)
}

// layout returns the layout of that ID, or nil when no monitor has it.
func (e *endpoint) layout(id string) *profile.Layout {
	for _, m := range e.monitors {
		if m.Layout().ID() == id {
			return m.Layout()
		}
	}
	return nil
}

func (e *endpoint) seriesOf(variant, layout string) *series {
	key := seriesKey{variant, layout}
	s := e.series[key]
	if s == nil {
		s = &series{layout: e.layout(layout)}
		e.series[key] = s
	}
	return s
}

// keys returns the series in a fixed order, so that the same log gives the same output.
func (e *endpoint) keys() []seriesKey {
	return slices.SortedFunc(maps.Keys(e.series), func(a, b seriesKey) int {
		return cmp.Or(strings.Compare(a.variant, b.variant), strings.Compare(a.layout, b.layout))
	})
}

// settle saves the panes that no delta is expected for any more but later windows need, and forgets those that no
// window needs.
func (e *endpoint) settle(out *Output) error {
	e.forget()
	for _, key := range e.keys() {
		s := e.series[key]
		s.panes.Drop(func(start windows.Time) bool { return !e.needed(key, start) })
		if _, left := s.panes.Next(windows.Never); !left {
			delete(e.series, key)
			continue
		}
		for start, p := range s.panes.All() {
			if start.Add(e.pane) > e.watermark() {
				break
			}
			if p.first < 0 || s.layout == nil {
				continue
			}
			if err := p.compact(s.layout, e.scratch.take); err != nil {
				return fmt.Errorf("endpoint %q, variant %q, pane %v: %w", e.name, key.variant, start, err)
			}
			p.first = -1
			out.Panes = append(out.Panes, e.saved(key, start, p))
		}
	}
	return nil
}

// watermark is that of the endpoint's slowest monitor.
func (e *endpoint) watermark() windows.Time {
	return slices.Min(e.closed)
}

// needed says whether a window that is not closed yet holds the pane.
func (e *endpoint) needed(key seriesKey, start windows.Time) bool {
	for i, m := range e.monitors {
		if _, last := m.closes(start, e.pane); e.uses(m, key) && last > e.closed[i] {
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
