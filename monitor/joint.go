package monitor

import (
	"fmt"
	"math"
	"time"

	"tidemark/baseline"
	"tidemark/detectors"
	"tidemark/detectors/budget"
	"tidemark/profile"
	"tidemark/windows"
)

// jointRule is the word for pairs of features that no longer move together, in alerts.
const jointRule = "joint"

// watchesJointly says whether what columns do together is weighed: the baseline has counted it, in its slots too if it has some.
func watchesJointly(c Config, b *baseline.Baseline) bool {
	return b.Profile.Joint != nil && (b.Seasonal == nil || c.Reference.rolling() || b.Seasonal.CountsPairs())
}

// newPairs are the bets on the pairs of a baseline's columns against a reference, under the alarm budget.
func newPairs(c Config, b *baseline.Baseline, j *profile.Joint) []*budget.Pair {
	var pairs []*budget.Pair
	for i, p := range b.Profile.Layout.Pairs() {
		one, other := b.Calibration(p.A), b.Calibration(p.B)
		dependence := max(one.Dependence(), other.Dependence())
		rows := float64(j.Rows[i])
		pairs = append(pairs, budget.NewPair(float64(j.Agree[i]), rows, budget.Settings{
			MinEffect: c.Budget.MinEffect, Z: budget.Confidence(rows, dependence), Dependence: dependence}))
	}
	return pairs
}

// CountsPairs says whether the monitor looks at pairs of features, so that they are to be counted.
func (m *Monitor) CountsPairs() bool { return len(m.pairs) > 0 }

// pairName names the features of a pair.
func (m *Monitor) pairName(i int) string {
	p := m.Layout().Pairs()[i]
	name := m.Layout().Features[p.A].Name + " and " + m.Layout().Features[p.B].Name
	if p.Outer {
		name += ", extremes"
	}
	return name
}

func (m *Monitor) jointKey(variant, name, pane string) alertKey {
	return alertKey{m.Name, variant, pane, name, jointRule}
}

// dependence is how many records are worth one for the bets of each feature, before the next pane.
func (b *bets) dependence(tables []*budget.Table) []float64 {
	all := make([]float64, len(tables))
	for f, t := range tables {
		if all[f] = 1; t != nil {
			all[f] = t.Dependence(b.states[f])
		}
	}
	return all
}

// weighPairs gives the bets on pairs a pane. A pair whose feature is firing is reported under that feature, and while all inputs
// have been told of, none is.
func (e *endpoint) weighPairs(m *Monitor, variant string, start windows.Time, b *bets, against *tables, current *profile.Profile, dependence []float64, elapsed int, out *Output) {
	if current.Joint == nil || len(against.pairs) == 0 {
		return
	}
	panes, share := m.Budget.FalseAlarms.panes(e.pane), e.pairShare(m, b.place)
	together := e.sumFiring(m, variant)
	for i, pair := range against.pairs {
		p, state := m.Layout().Pairs()[i], &b.pairs[i]
		pair.Add(state, float64(current.Joint.Agree[i]), float64(current.Joint.Rows[i]), max(dependence[p.A], dependence[p.B]), elapsed)
		transition, found := budget.None, budget.PairFinding{}
		if current.Joint.Rows[i] > 0 {
			transition, found = pair.Step(state, elapsed, panes/share)
		}
		under := false
		for _, f := range []int{p.A, p.B} {
			if state.Firing() && b.states[f].Firing() {
				standing := &b.past[len(b.past)-1].features[f]
				standing.Joint, under = append(standing.Joint, m.pairName(i)), true
			}
		}
		if transition == budget.None || under || together && transition == budget.Fired {
			continue
		}
		alerts := e.pairAlert(m, variant, start, i, b, against, found, share*found.Wealth, transition == budget.Fired, current)
		e.dirty = e.dirty || len(alerts) > 0
		out.Alerts = append(out.Alerts, alerts...)
	}
}

// JointEvidence is how often the two features of an alert are on the same side; or, of more features, how much the number of those
// on the upper side varies.
type JointEvidence struct {
	Features []string `json:"features"`
	Side     string   `json:"side"` // median; half: of the categories of one of them; middle half: inside or outside
	// Reference is the share of the baseline's records, Current that of those since the drift began; of more than two features, the
	// standard deviation of the number in the baseline, and in the last pane.
	Reference float64 `json:"reference"`
	Current   float64 `json:"current"`
}

// pairAlert begins or ends the alert of a pair.
func (e *endpoint) pairAlert(m *Monitor, variant string, start windows.Time, i int, b *bets, against *tables, found budget.PairFinding, evidence float64, fired bool, current *profile.Profile) []Alert {
	p := m.Layout().Pairs()[i]
	return e.jointAlert(m, variant, start, m.pairName(i), against.other, found.Panes, evidence, fired, current, func(a *Alert) {
		a.Samples = Samples{against.reference.Joint.Rows[i], current.Joint.Rows[i]}
		if fired {
			a.Samples.Current = int64(found.Records)
		}
		a.Histogram = detectors.Histogram{Labels: []string{"same side", "other side"},
			Reference: []float64{found.Reference, 1 - found.Reference}, Current: []float64{found.Agree, 1 - found.Agree}}
		side := "median"
		switch {
		case p.Outer:
			side = "middle half"
		case !m.Baseline.Profile.Features[p.A].Numeric() || !m.Baseline.Profile.Features[p.B].Numeric():
			side = "half"
		}
		a.Evidence.Joint = &JointEvidence{
			Features: []string{m.Layout().Features[p.A].Name, m.Layout().Features[p.B].Name}, Side: side, Reference: found.Reference, Current: found.Agree,
		}
		a.Evidence.Budget.Effect, a.Evidence.Budget.Records, a.Evidence.Budget.Kappa = found.Effect, int64(found.Records), 1
		for _, f := range []int{p.A, p.B} {
			a.Top = append(a.Top, TopFeature{m.Layout().Features[f].Name, budgetRule, b.past[len(b.past)-1].features[f].score})
		}
	})
}

// jointAlert begins or ends an alert of several features, of which the caller tells the rest.
func (e *endpoint) jointAlert(m *Monitor, variant string, start windows.Time, name string, other *Reference, panes int, evidence float64, fired bool, current *profile.Profile, rest func(*Alert)) []Alert {
	size := windows.FormatDuration(e.pane)
	pane := windows.Window{Start: start, End: start.Add(e.pane)}
	since := start.Add(-time.Duration(max(panes, 1)-1) * e.pane)
	r := Report{Monitor: m.Name, Endpoint: e.name, Variant: variant, Window: Window{pane, size}, Rows: current.Rows, Baseline: m.Baseline.ID}
	var ranges []Range
	if s := e.series[seriesKey{variant, m.Layout().ID()}]; s != nil {
		for _, p := range s.panes.Within(windows.Window{Start: since, End: pane.End}) {
			ranges = mergeRanges(ranges, p.ranges)
		}
	}
	return raise(e.alerts, m.jointKey(variant, name, size), fired, For{1, 1}, since, func(transition string) Alert {
		a := m.traffic(&r, jointRule, ranges, transition)
		a.Feature, a.Reference = name, other
		a.ID, a.Kind = alertID(&r, a.Feature, jointRule, transition), detectors.KindDrift
		a.Score, a.Threshold = math.Log(max(evidence, 1)), math.Log(m.Budget.FalseAlarms.panes(e.pane))
		a.Evidence.Budget = &BudgetEvidence{
			Recurrence: math.Round(evidence * e.pane.Seconds()), FalseAlarms: m.Budget.FalseAlarms, MinEffect: m.Budget.MinEffect, Since: since,
			Change: "together", Panes: panes,
		}
		rest(&a)
		return a
	})
}

// jointWords says of several features what [Alert.budgetWords] says of one.
func (a *Alert) jointWords(where, window string) string {
	b := a.Evidence.Budget
	who, how := a.pairWords()
	if len(a.Evidence.Joint.Features) > 2 {
		who, how = a.sumWords()
	}
	if a.State == resolved {
		return fmt.Sprintf("%s on %s move together as %s again %s: for some panes, nothing as strong as what was reported has shown", who, where, a.Reference.words(), window)
	}
	return fmt.Sprintf("%s on %s no longer move together as %s since about %s (%s, %d records): %s; "+
		"records like those %s look like this at most once in %s, and the budget is %s",
		who, where, a.Reference.words(), b.Since, counted(b.Panes, "pane"), b.Records, how, a.Reference.words(), span(b.Recurrence), b.FalseAlarms)
}

// pairWords says which features an alert of a pair is of, and what they do.
func (a *Alert) pairWords() (who, how string) {
	j := a.Evidence.Joint
	side := "on the same side of their medians"
	switch j.Side {
	case "half":
		side = "in matching halves of their values"
	case "middle half":
		side = "both inside or both outside the middle halves of their values"
	}
	return j.Features[0] + " and " + j.Features[1], fmt.Sprintf("they are %s in %s of the records, and in %s of those %s", side, inPercent(j.Current), inPercent(j.Reference), a.Reference.words())
}
