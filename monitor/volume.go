package monitor

import (
	"fmt"

	"tidemark/windows"
)

// Volume bounds the rows that a window of the monitor's first kind may have, of all variants that the monitor watches
// together. A window without rows has no report, but it counts here.
type Volume struct {
	Min int64 `yaml:"min"` // 0: none is too few
	Max int64 `yaml:"max"` // 0: none is too many
	For For   `yaml:"for"`
}

const volume = "volume"

func (v *Volume) check(fault func(path, message string)) {
	switch {
	case v.Min < 0:
		fault("volume.min", fmt.Sprintf("is %d: give a number of rows, or leave it out", v.Min))
	case v.Max < 0:
		fault("volume.max", fmt.Sprintf("is %d: give a number of rows, or leave it out", v.Max))
	case v.Max > 0 && v.Max < v.Min:
		fault("volume.max", fmt.Sprintf("is %d, below min, %d: exchange them", v.Max, v.Min))
	}
}

func (v *Volume) over(rows int64) bool { return rows < v.Min || v.Max > 0 && rows > v.Max }

// bound is the limit that the rows are beyond, or nearest to.
func (v *Volume) bound(rows int64) int64 {
	if v.Max > 0 && (rows > v.Max || v.Min == 0 || v.Max-rows < rows-v.Min) {
		return v.Max
	}
	return v.Min
}

// volume steps the i-th monitor's rule on the rows of the windows that the watermark passes. Windows that begin before
// the endpoint's first watermark are not judged: traffic may have begun in their midst.
func (e *endpoint) volume(i int, watermark windows.Time, out *Output) {
	m := e.monitors[i]
	if e.closed[i] == windows.Never || m.Volume.Min == 0 && m.Volume.Max == 0 {
		return
	}
	spec := m.Windows[0]
	step := spec.Step()
	after := max(e.closed[i], e.whole[i].Add(spec.Size)-1)
	due := (after.Add(-spec.Size) + 1).Ceil(step)
	// Once all windows that the state remembers were empty, more of them change nothing.
	empty := func(until windows.Time) {
		for n := 0; due < until && n < m.Volume.For.N; n++ {
			e.judgeVolume(m, windows.Window{Start: due, End: due.Add(spec.Size)}, 0, nil, out)
			due = due.Add(step)
		}
		due = max(due, until)
	}
	spec.Closing(after, watermark, e.nextPane(m), func(w windows.Window) {
		empty(w.Start)
		rows, ranges := e.rowsWithin(m, w)
		e.judgeVolume(m, w, rows, ranges, out)
		due = w.Start.Add(step)
	})
	empty(watermark.Add(-spec.Size).Floor(step).Add(step))
}

// nextPane finds the first pane, of any series that the monitor watches, that does not start before a time.
func (e *endpoint) nextPane(m *Monitor) func(from windows.Time) (windows.Time, bool) {
	return func(from windows.Time) (start windows.Time, ok bool) {
		for key, s := range e.series {
			if t, found := s.panes.Next(from); found && e.uses(m, key) && (!ok || t < start) {
				start, ok = t, true
			}
		}
		return start, ok
	}
}

func (e *endpoint) rowsWithin(m *Monitor, w windows.Window) (rows int64, ranges []Range) {
	for _, key := range e.keys() {
		if !e.uses(m, key) {
			continue
		}
		for _, p := range e.series[key].panes.Within(w) {
			rows += p.rows
			ranges = mergeRanges(ranges, p.ranges)
		}
	}
	return rows, ranges
}

func (e *endpoint) judgeVolume(m *Monitor, w windows.Window, rows int64, ranges []Range, out *Output) {
	r := Report{Monitor: m.Name, Endpoint: e.name, Variant: m.Match.Variant, Window: Window{w, windows.FormatDuration(w.Size())}, Rows: rows, Baseline: m.Baseline.ID}
	key := alertKey{m.Name, r.Variant, r.Window.Size, "", volume}
	a := raise(e.alerts, key, m.Volume.over(rows), m.Volume.For, w.Start, func(transition string) Alert {
		a := m.traffic(&r, volume, ranges, transition)
		a.Score, a.Threshold = float64(rows), float64(m.Volume.bound(rows))
		return a
	})
	out.Alerts = append(out.Alerts, a...)
}
