package monitor

import (
	"fmt"
	"slices"

	"tidemark/windows"
)

// Due says whether the last vector may close more windows. Until it does not, nothing else may be taken in.
func (s *Shard) Due() bool { return len(s.due) > 0 }

// Close closes windows until the output has about so much work. What is left is closed by the next call, or, after a
// restart, by that of another shard: it does not matter where the work is cut. For errors see Add.
func (s *Shard) Close(work int, out *Output) error {
	for len(s.due) > 0 && out.Work < work {
		e := s.endpoints[s.due[0]]
		done, err := e.advance(&s.partitions, s.at, work, out)
		if err != nil {
			return err
		}
		if done {
			e.refresh(&s.partitions, s.at, out)
			s.due = s.due[1:]
		}
		if err := e.settle(out); err != nil {
			return err
		}
		out.Work++
	}
	return nil
}

// Closing is what is left of a vector's work.
type Closing struct {
	At   windows.Time `json:"at"`   // when it was appended
	From string       `json:"from"` // the first endpoint whose windows it may close yet, in the order of their names
}

// Closing is what is left of the last vector's work, to save; nil when that is nothing.
func (s *Shard) Closing() *Closing {
	if len(s.due) == 0 {
		return nil
	}
	return &Closing{s.at, s.due[0]}
}

// RestoreClosing takes back what Closing returned. It must come after all endpoints and partitions.
func (s *Shard) RestoreClosing(c *Closing) {
	if c == nil {
		return
	}
	all := s.Endpoints()
	from, _ := slices.BinarySearch(all, c.From)
	s.at, s.due = c.At, all[from:]
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
		passed := e.passed(i, watermark)
		if err := e.compact(seriesKey{variant, m.Layout().ID()}, passed); err != nil {
			return err
		}
		if err := e.follow(i, variant, passed, out); err != nil {
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

// passed is where the panes start that the i-th monitor's watermark passes on its way to a time.
func (e *endpoint) passed(i int, watermark windows.Time) windows.Window {
	w := windows.Window{Start: windows.Never, End: watermark.Add(-e.pane) + 1}
	if e.closed[i] != windows.Never {
		w.Start = e.closed[i].Add(-e.pane) + 1
	}
	return w
}

// compact makes panes of one part, as several windows and the state take them. They came in as many as there were commits.
func (e *endpoint) compact(key seriesKey, within windows.Window) error {
	s := e.series[key]
	if s == nil || s.layout == nil {
		return nil
	}
	for start, p := range s.panes.Within(within) {
		if err := p.compact(s.layout, e.scratch.take); err != nil {
			return fmt.Errorf("endpoint %q, variant %q, pane %v: %w", e.name, key.variant, start, err)
		}
	}
	return nil
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

// variants returns the variants that have panes, in a fixed order.
func (e *endpoint) variants() []string {
	var variants []string
	for key := range e.series {
		variants = append(variants, key.variant)
	}
	slices.Sort(variants)
	return slices.Compact(variants)
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
