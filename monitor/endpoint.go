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

// advance closes the windows that the frontier has passed, until the output has about so much work. It says whether all are
// closed.
func (e *endpoint) advance(partitions *windows.Partitions, at windows.Time, work int, out *Output) (done bool, err error) {
	before := e.frontier.Value()
	frontier := e.frontier.Advance(partitions, at)
	if frontier == windows.Never {
		return true, nil
	}
	e.dirty = e.dirty || frontier != before
	for i, m := range e.monitors {
		// A longer lateness after a restart does not open what was closed.
		watermark := max(frontier.Add(-m.AllowedLateness), e.closed[i])
		if e.closed[i] == windows.Never {
			e.whole[i] = watermark
		}
		for e.closed[i] < watermark {
			if out.Work >= work {
				return false, nil
			}
			if err := e.pass(i, e.next(i, watermark), out); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}

// maxPassed bounds the windows of a kind and variant, and the panes, that a watermark passes at once.
const maxPassed = 100

// next is how far the i-th monitor's watermark goes at once, on its way to where it is to be.
func (e *endpoint) next(i int, watermark windows.Time) windows.Time {
	m := e.monitors[i]
	for _, variant := range e.variants() {
		if !m.Watches(e.name, variant) {
			continue
		}
		after := e.paneAfter(variant, m)
		for _, spec := range append([]windows.Spec{{Size: e.pane}}, m.Windows...) {
			passed := 0
			until := watermark
			spec.Closing(e.closed[i], watermark, func(from windows.Time) (windows.Time, bool) {
				if passed == maxPassed {
					return 0, false
				}
				return after(from)
			}, func(w windows.Window) {
				if passed++; passed == maxPassed {
					until = w.End
				}
			})
			watermark = until
		}
	}
	return watermark
}

// pass moves the i-th monitor's watermark and closes what it passes.
func (e *endpoint) pass(i int, watermark windows.Time, out *Output) error {
	m := e.monitors[i]
	e.forgetSequences(m, watermark)
	e.forgetBets(m, watermark)
	for _, variant := range e.variants() {
		if !m.Watches(e.name, variant) {
			continue
		}
		if err := e.follow(i, variant, watermark, out); err != nil {
			return err
		}
		for _, spec := range m.Windows {
			if err := e.close(i, variant, spec, watermark, out); err != nil {
				return err
			}
		}
	}
	e.volume(i, watermark, out)
	e.closed[i], e.dirty = watermark, true
	return nil
}

// keys returns the series in a fixed order, so that the same log gives the same output.
func (e *endpoint) keys() []seriesKey {
	return slices.SortedFunc(maps.Keys(e.series), func(a, b seriesKey) int {
		return cmp.Or(strings.Compare(a.variant, b.variant), strings.Compare(a.layout, b.layout))
	})
}

// variants returns the variants that have panes, in a fixed order.
func (e *endpoint) variants() []string {
	var variants []string
	for key := range e.series {
		variants = append(variants, key.variant)
	}
	slices.Sort(variants)
	return slices.Compact(variants)
}

// close reports the windows of one kind of the i-th monitor that the watermark passes.
func (e *endpoint) close(i int, variant string, spec windows.Spec, watermark windows.Time, out *Output) (err error) {
	m := e.monitors[i]
	own, foreign := e.series[seriesKey{variant, m.Layout().ID()}], e.foreign(variant)
	if own == nil {
		own = &series{}
	}
	spec.Closing(e.closed[i], watermark, e.paneAfter(variant, m), func(w windows.Window) {
		if err != nil {
			return
		}
		current := e.scratch.take(m.Layout())
		ranges, failed := own.window(m.Name, e.pane, w, current)
		if failed != nil {
			err = fmt.Errorf("endpoint %q, variant %q, %w", e.name, variant, failed)
			return
		}
		reference, failed := e.reference(m, variant, spec, w)
		if failed != nil {
			err = failed
			return
		}
		report := m.report(e.name, variant, w, reference, current)
		for _, s := range foreign {
			for range s.panes.Within(w) {
				report.suspend("layout")
			}
		}
		if current.Rows == 0 && report.Insufficient != "layout" {
			return
		}
		e.sequenceReports(m, &report)
		e.budgetReport(m, &report)
		var made []constrained
		if report.Insufficient != "layout" {
			made = m.constrain(&reference, current)
			report.constrained(made)
		}
		out.Reports = append(out.Reports, report)
		out.Work += len(report.Features)
		out.Alerts = append(out.Alerts, m.alerts(&report, reference.profile, current, ranges, e.alerts)...)
		out.Alerts = append(out.Alerts, m.constraintAlerts(&report, made, reference.profile, current, ranges, e.alerts)...)
		if report.Insufficient != "layout" {
			e.keep(m, variant, spec, w, current, out)
		}
	})
	return err
}

// paneAfter finds the first pane, of those that make or suspend windows of the monitor on a variant, that does not start
// before a time.
func (e *endpoint) paneAfter(variant string, m *Monitor) func(from windows.Time) (windows.Time, bool) {
	all := e.foreign(variant)
	if own := e.series[seriesKey{variant, m.Layout().ID()}]; own != nil {
		all = append(all, own)
	}
	return func(from windows.Time) (start windows.Time, ok bool) {
		for _, s := range all {
			if t, found := s.panes.Next(from); found && (!ok || t < start) {
				start, ok = t, true
			}
		}
		return start, ok
	}
}

// foreign returns the series of the variant in layouts that no monitor has.
func (e *endpoint) foreign(variant string) []*series {
	var foreign []*series
	for key, s := range e.series {
		if key.variant == variant && s.layout == nil {
			foreign = append(foreign, s)
		}
	}
	return foreign
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
