package monitor

import (
	"fmt"

	"tidemark/detectors/budget"
	"tidemark/profile"
	"tidemark/windows"
)

// tables are the bets against a reference.
type tables struct {
	key       windows.Time // the slot, or the start of the windows that are compared with it
	reference *profile.Profile
	other     *Reference      // what that is, where it is not the whole baseline
	features  []*budget.Table // nil of those that have no bets against it
	pairs     []*budget.Pair  // as in [profile.Layout.Pairs]; none where the reference did not count them
	sums      []*budget.Table // as in [profile.Layout.Projections]; as pairs
}

// against returns the bets against the reference of a pane; nil when the earlier window to compare with is not there.
func (e *endpoint) against(i int, variant string, start windows.Time) (*tables, error) {
	m := e.monitors[i]
	if !m.Reference.rolling() && m.Baseline.Seasonal == nil {
		return &tables{reference: m.Baseline.Profile, features: m.tables, pairs: m.pairs, sums: m.projections}, nil
	}
	spec := m.Windows[0]
	var w windows.Window
	var key windows.Time
	if m.Reference.rolling() {
		// The pane's own window is not over: it is compared with what that will be compared with.
		first := start.Floor(spec.Step())
		w, key = windows.Window{Start: first, End: first.Add(spec.Size)}, first
	} else {
		w, key = windows.Window{Start: start, End: start.Add(e.pane)}, windows.Time(m.Baseline.Seasonal.Cycle.Slot(start))
	}
	cached := e.tables[pastKey{m.Name, variant, spec.Size}]
	if cached != nil && cached.key == key {
		return cached, nil
	}
	found, err := e.reference(m, variant, spec, w)
	if err == nil && found.missing {
		found, err = e.pending(i, variant, found)
	}
	if err != nil || found.missing {
		return nil, err
	}
	cached = m.against(found.profile)
	cached.key, cached.other = key, found.other()
	e.tables[pastKey{m.Name, variant, spec.Size}] = cached
	return cached, nil
}

// against makes the bets against a reference that is not the whole baseline.
func (m *Monitor) against(reference *profile.Profile) *tables {
	t := &tables{reference: reference, features: make([]*budget.Table, len(m.weighed))}
	for f, w := range m.weighed {
		c := m.Baseline.Calibration(f)
		t.features[f] = w.against(&reference.Features[f], &m.Baseline.Profile.Features[f], m.Budget.MinEffect, c.Dependence())
	}
	if reference.Joint == nil || len(m.pairs) == 0 {
		return t
	}
	t.pairs = newPairs(m.Config, m.Baseline, reference.Joint)
	for i, whole := range m.projections {
		counts := floats(reference.Joint.Projected[i])
		settings, _ := whole.Settings()
		t.sums = append(t.sums, whole.Against(counts, settingsOf(counts, m.Budget.MinEffect, settings.Dependence)))
	}
	return t
}

// pending is a reference that is not kept yet, because its window closes with the same watermark as the pane passes.
func (e *endpoint) pending(i int, variant string, found compared) (compared, error) {
	s := e.series[seriesKey{variant, e.monitors[i].Layout().ID()}]
	if found.End <= e.closed[i] || s == nil {
		return found, nil
	}
	if _, err := s.merge(*found.Window, found.profile); err != nil {
		return found, fmt.Errorf("endpoint %q, variant %q, window %v: %w", e.name, variant, found.Start, err)
	}
	found.Rows, found.missing = found.profile.Rows, found.profile.Rows == 0
	return found, nil
}
