package monitor

import (
	"slices"
	"time"

	"tidemark/baseline"
	"tidemark/detectors"
	"tidemark/detectors/budget"
	"tidemark/profile"
	"tidemark/windows"
)

// Monitor compares the windows of an endpoint's traffic with a baseline.
type Monitor struct {
	Config
	Baseline *baseline.Baseline
	rules    []rule // on each feature
	columns  []rule // on all of them together

	weighed     []*weighed            // by feature, of the alarm budget; nil without one
	tables      []*budget.Table       // theirs
	pairs       []*budget.Pair        // of features, as in [profile.Layout.Pairs]; nil where they are not watched
	projections []*budget.Table       // of the sums over columns, as in [profile.Layout.Projections]; as pairs
	constraints *baseline.Constraints // that Constrain set, or nil
}

type rule struct {
	Rule
	kind      string
	statistic detectors.Statistic
	shown     bool // in reports; it decides nothing
}

// New returns the monitor of a completed and checked configuration.
func New(c Config, b *baseline.Baseline) *Monitor {
	m := &Monitor{Config: c, Baseline: b}
	if c.Budget.on() {
		shown := Rule{Method: "psi"}
		shown.complete()
		m.rules = append(m.rules, rule{Rule: shown, kind: detectors.KindDrift, statistic: detectors.New(shown.Method), shown: true})
		for i := range b.Profile.Features {
			w := newWeighed(&b.Profile.Features[i], b.Calibration(i), c.Budget.MinEffect)
			m.weighed, m.tables = append(m.weighed, w), append(m.tables, w.table)
		}
		if watchesJointly(c, b) {
			m.pairs, m.projections = newPairs(c, b, b.Profile.Joint), newProjections(c, b)
		}
	}
	for _, rules := range [][]Rule{c.Drift, c.Quality} {
		for _, r := range rules {
			if slices.Contains(Columns, r.Method) {
				m.columns = append(m.columns, rule{Rule: r, kind: detectors.KindQuality})
				continue
			}
			m.rules = append(m.rules, rule{Rule: r, kind: detectors.KindOf(r.Method), statistic: detectors.New(r.Method)})
		}
	}
	return m
}

// Layout is the layout that the monitor's baseline is counted in.
func (m *Monitor) Layout() *profile.Layout { return m.Baseline.Profile.Layout }

// Watches says whether the monitor is for an endpoint's variant.
func (m *Monitor) Watches(endpoint, variant string) bool {
	return m.watchesEndpoint(endpoint) && (m.Match.Variant == "*" || m.Match.Variant == variant)
}

func (m *Monitor) watchesEndpoint(endpoint string) bool {
	return m.Match.Endpoint == "*" || m.Match.Endpoint == endpoint
}

// Matching returns the monitors that watch an endpoint, whatever the variant.
func Matching(monitors []*Monitor, endpoint string) []*Monitor {
	var matching []*Monitor
	for _, m := range monitors {
		if m.watchesEndpoint(endpoint) {
			matching = append(matching, m)
		}
	}
	return matching
}

// PaneLength is the length of the panes that the windows of the monitors, all of one endpoint, share.
func PaneLength(monitors []*Monitor) time.Duration {
	var specs []windows.Spec
	for _, m := range monitors {
		specs = append(specs, m.Windows...)
	}
	return windows.Pane(specs)
}

// closes is the end of the first and of the last window of the monitor that a pane is in.
func (m *Monitor) closes(start windows.Time, pane time.Duration) (first, last windows.Time) {
	for i, spec := range m.Windows {
		lastStart := start.Floor(spec.Step())
		firstStart := -(-start.Add(pane - spec.Size)).Floor(spec.Step()) // rounded up
		if end := firstStart.Add(spec.Size); i == 0 || end < first {
			first = end
		}
		if end := lastStart.Add(spec.Size); i == 0 || end > last {
			last = end
		}
	}
	return first, last
}
