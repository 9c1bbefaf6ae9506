package monitor

import (
	"tidemark/windows"
)

const freshness = "freshness"

// refresh steps the rules on how long ago the endpoint's last record came, whatever its variant: an alert begins when
// that is longer than Freshness, and ends with the next record.
func (e *endpoint) refresh(partitions *windows.Partitions, at windows.Time, out *Output) {
	for _, m := range e.monitors {
		if m.Freshness == 0 {
			continue
		}
		last, until, known := e.frontier.Silence(partitions, at)
		if !known {
			continue
		}
		size := windows.FormatDuration(m.Freshness)
		key := alertKey{m.Name, m.Match.Variant, size, "", freshness}
		stale := until > last.Add(m.Freshness)
		if state := e.alerts[key]; state != nil {
			// What is known to have come does not grow while no reader reports: only a record ends the silence.
			stale = stale || last == state.Since
		}
		r := Report{Monitor: m.Name, Endpoint: e.name, Variant: m.Match.Variant, Window: Window{windows.Window{Start: last, End: until}, size}, Baseline: m.Baseline.ID}
		alerts := raise(e.alerts, key, stale, For{1, 1}, last, func(transition string) Alert {
			a := m.traffic(&r, freshness, nil, transition)
			a.Score, a.Threshold = float64(until-last)/1000, m.Freshness.Seconds()
			return a
		})
		if len(alerts) > 0 {
			e.dirty = true
			out.Alerts = append(out.Alerts, alerts...)
		}
	}
}
