package monitor

import (
	"maps"
	"math"
	"strings"
	"time"

	"tidemark/detectors/budget"
	"tidemark/profile"
	"tidemark/windows"
)

// budgetKey names the bets of a monitor's budget on one variant, within an endpoint.
type budgetKey struct {
	Monitor string `json:"monitor"`
	Variant string `json:"variant"`
}

func (k budgetKey) compare(o budgetKey) int {
	return strings.Compare(k.String(), o.String())
}

// String is a text of which no two keys have the same.
func (k budgetKey) String() string { return escape(k.Monitor) + "/" + escape(k.Variant) }

// bets are those of a monitor's budget on one variant.
type bets struct {
	place   int // among the variants, from 1: its share of the budget depends on it
	last    windows.Time
	states  []*budget.State // by feature
	pairs   []budget.PairState
	sums    []*budget.State // by projection
	unseen  int64           // rows that came for panes that the bets had taken already
	changed bool            // since it was last saved
	past    []standing      // what each pane since the last call of advance made of it, oldest first
}

// standing is what the bets say at the end of a pane.
type standing struct {
	end      windows.Time
	features []featureStanding
}

// featureStanding is what they say of one feature.
type featureStanding struct {
	BudgetReport
	score float64 // ln of the recurrence in panes, and 0 when that is less than 1
	limit float64 // ln of that of the budget
	kappa float64 // by which this pane's evidence was divided; the report has the next one's
}

// share is the part of the budget that a feature has: of the monitors alike, of the variants, which come over time, the i-th has
// 1/(i(i+1)), of the features alike, after what their pairs and sums have. The parts add up to 1 at most, and so then do the false alarms to
// the budget.
func (e *endpoint) share(m *Monitor, place int) float64 {
	share := e.variantShare(m, place) / float64(max(len(m.weighed), 1))
	rest := 1.0
	if len(m.pairs) > 0 {
		rest -= budget.PairShare
	}
	if len(m.projections) > 0 {
		rest -= budget.ProjectionShare
	}
	return rest * share
}

// pairShare is the part that a pair of features has.
func (e *endpoint) pairShare(m *Monitor, place int) float64 {
	return e.variantShare(m, place) * budget.PairShare / float64(len(m.pairs))
}

func (e *endpoint) variantShare(m *Monitor, place int) float64 {
	share := 1 / float64(max(e.budgets, 1))
	if m.Match.Variant == "*" {
		share /= float64(place * (place + 1))
	}
	return share
}

// weigh gives the bets of a monitor's budget a pane of a variant.
func (e *endpoint) weigh(i int, variant string, start windows.Time, current *profile.Profile, out *Output) error {
	m := e.monitors[i]
	b := e.betsOn(m, variant)
	if b == nil || current.Rows == 0 {
		return nil
	}
	against, err := e.against(i, variant, start)
	if err != nil || against == nil {
		return err
	}
	elapsed := 1
	if b.last != windows.Never {
		elapsed = int(max(1, int64(start-b.last)/e.pane.Milliseconds()))
	}
	b.last, b.changed = start, true
	panes := m.Budget.FalseAlarms.panes(e.pane)
	share := e.share(m, b.place)
	standing := standing{end: start.Add(e.pane), features: make([]featureStanding, len(m.weighed))}
	type change struct {
		feature int
		found   budget.Finding
		fired   bool
	}
	var changes []change
	dependence := b.dependence(against.features)
	for f, w := range m.weighed {
		var memory [budget.MaxCells]float64
		counts := memory[:w.table.Cells()]
		w.count(&current.Features[f], counts)
		table, state := against.features[f], b.states[f]
		if table == nil {
			continue
		}
		table.Add(state, counts, elapsed)
		if current.Features[f].Captured > 0 {
			if transition, found := table.Step(state, elapsed, panes/share); transition != budget.None {
				changes = append(changes, change{f, found, transition == budget.Fired})
			}
		}
		standing.features[f] = m.standing(f, table, state, share*state.Wealth(), panes, start, e.pane)
		standing.features[f].kappa = dependence[f]
	}
	b.past = append(b.past, standing)
	for _, c := range changes {
		if err := e.budgetAlert(i, variant, start, b, against, current, c.feature, c.found, c.fired, out); err != nil {
			return err
		}
	}
	e.weighPairs(m, variant, start, b, against, current, dependence, elapsed, out)
	e.weighSums(m, variant, start, b, against, current, elapsed, out)
	return nil
}

// betsOn returns the bets on a variant, new ones if there is room for another variant, or nil.
func (e *endpoint) betsOn(m *Monitor, variant string) *bets {
	key := budgetKey{m.Name, variant}
	if b := e.bets[key]; b != nil {
		return b
	}
	taken := map[int]bool{}
	for other, b := range e.bets {
		if other.Monitor == m.Name {
			taken[b.place] = true
		}
	}
	if len(taken) >= maxFollowed {
		return nil
	}
	b := &bets{place: 1, last: windows.Never}
	for taken[b.place] {
		b.place++
	}
	for f, w := range m.weighed {
		state := w.table.NewState()
		if e.isFiring(m.budgetAlertKey(variant, f, e.pane)) {
			state.Resume() // the bets were lost, with another baseline, while the alert was firing
		}
		b.states = append(b.states, state)
	}
	b.pairs = make([]budget.PairState, len(m.pairs))
	for i := range b.pairs {
		if e.isFiring(m.jointKey(variant, m.pairName(i), windows.FormatDuration(e.pane))) {
			b.pairs[i].Resume()
		}
	}
	for i, table := range m.projections {
		state := table.NewState()
		if e.isFiring(m.jointKey(variant, m.projectionName(i), windows.FormatDuration(e.pane))) {
			state.Resume()
		}
		b.sums = append(b.sums, state)
	}
	e.bets[key] = b
	return b
}

func (e *endpoint) isFiring(key alertKey) bool {
	known := e.alerts[key]
	return known != nil && known.Incident != ""
}

// unseen counts the rows of a pane that the bets have taken already.
func (e *endpoint) unseen(p *PaneDelta) {
	for i, m := range e.monitors {
		if e.closed[i] == windows.Never || p.Start.Floor(e.pane).Add(e.pane) > e.closed[i] || m.Layout().ID() != p.Layout {
			continue
		}
		if b := e.bets[budgetKey{m.Name, p.Variant}]; b != nil {
			b.unseen, b.changed = b.unseen+p.Rows, true
		}
	}
}

// forgetBets drops the bets on variants that had no traffic for long before the watermark.
func (e *endpoint) forgetBets(m *Monitor, watermark windows.Time) {
	maps.DeleteFunc(e.bets, func(key budgetKey, b *bets) bool {
		return key.Monitor == m.Name && b.last < watermark.Add(-keepSequence)
	})
}

// BudgetReport is what the bets of the alarm budget say of a feature.
type BudgetReport struct {
	// Recurrence is a time in seconds: traffic like the reference would look as this does at most once in so long, and 0 when that is
	// shorter than a pane.
	Recurrence float64 `json:"recurrence_seconds"`
	Firing     bool    `json:"firing,omitempty"`
	// Change is what the leading bet says, Since when, and Effect the least share of records that have moved since: they are
	// left out while no bet is winning.
	Change string        `json:"change,omitempty"`
	Since  *windows.Time `json:"since,omitempty"`
	Effect float64       `json:"effect_at_least,omitempty"`
	// Joint is the pairs of this feature with others that no longer move together, while it is firing itself.
	Joint []string `json:"joint,omitempty"`
	// Kappa is how many records are worth one independent one, by which evidence is divided; Unsteady that it grows with the
	// time that is looked at, on the traffic or in the baseline, so that the promise does not hold.
	Kappa    float64 `json:"kappa"`
	Unsteady bool    `json:"unsteady,omitempty"`
}

func (m *Monitor) standing(f int, table *budget.Table, state *budget.State, evidence, panes float64, start windows.Time, pane time.Duration) featureStanding {
	r := featureStanding{limit: math.Log(panes)}
	r.Firing, r.Kappa, r.Unsteady = state.Firing(), table.Dependence(state), table.Unsteady(state) || m.growing(f)
	if evidence >= 1 {
		r.score, r.Recurrence = math.Log(evidence), math.Round(evidence*pane.Seconds())
	}
	if found := table.Find(state); found.Panes > 0 {
		since := start.Add(-time.Duration(found.Panes-1) * pane)
		r.Change, r.Since, r.Effect = m.change(f, found), &since, found.Effect
	}
	return r
}

// growing says that the baseline's rows vary the more, the longer one looks, and that panes are compared with all of it.
func (m *Monitor) growing(f int) bool {
	c := m.Baseline.Calibration(f)
	return c.Growing() && !m.Reference.rolling()
}
