package monitor

import (
	"fmt"
	"math"
	"strconv"

	"tidemark/baseline"
	"tidemark/detectors"
	"tidemark/detectors/budget"
	"tidemark/profile"
	"tidemark/windows"
)

// newProjections are the bets on the sums over a baseline's columns, under the alarm budget: nil where the baseline did not count
// them.
func newProjections(c Config, b *baseline.Baseline) []*budget.Table {
	var tables []*budget.Table
	for i, p := range b.Profile.Layout.Projections() {
		counts := floats(b.Profile.Joint.Projected[i])
		rows, dependence := 0.0, 1.0
		for _, n := range counts {
			rows += n
		}
		if rows == 0 {
			return nil
		}
		for _, f := range p.Columns {
			calibration := b.Calibration(f)
			dependence = max(dependence, calibration.Dependence())
		}
		tables = append(tables, budget.NewTable(budget.NewCells(true, 0, counts), counts, settingsOf(counts, c.Budget.MinEffect, dependence)))
	}
	return tables
}

func floats(counts []int64) []float64 {
	all := make([]float64, len(counts))
	for i, n := range counts {
		all[i] = float64(n)
	}
	return all
}

// projectionName names a sum in place of a feature.
func (m *Monitor) projectionName(i int) string {
	switch p := m.Layout().Projections()[i]; {
	case p.Outer:
		return "all inputs, extremes"
	case p.Lower > 0:
		return fmt.Sprintf("all inputs, contrast %d", p.Lower)
	}
	return "all inputs"
}

// weighSums gives the bets on sums a pane. While a feature or a pair is firing, that is what has happened, and a sum is no alert; nor
// is one beside another.
func (e *endpoint) weighSums(m *Monitor, variant string, start windows.Time, b *bets, against *tables, current *profile.Profile, elapsed int, out *Output) {
	if current.Joint == nil || len(against.sums) == 0 {
		return
	}
	panes, share := m.Budget.FalseAlarms.panes(e.pane), e.variantShare(m, b.place)*budget.ProjectionShare/float64(len(m.projections))
	known := b.known() || e.sumFiring(m, variant)
	for i, table := range against.sums {
		counts := floats(current.Joint.Projected[i])
		total := 0.0
		for _, n := range counts {
			total += n
		}
		if total == 0 {
			continue
		}
		kappa := table.Dependence(b.sums[i])
		table.Add(b.sums[i], counts, elapsed)
		transition, found := table.Step(b.sums[i], elapsed, panes/share)
		if transition == budget.None || known && transition == budget.Fired {
			continue
		}
		known = known || transition == budget.Fired
		alerts := e.projectionAlert(m, variant, start, i, b, against, found, kappa, share*found.Wealth, transition == budget.Fired, current)
		e.dirty = e.dirty || len(alerts) > 0
		out.Alerts = append(out.Alerts, alerts...)
	}
}

// sumFiring says whether an alert of a sum is on.
func (e *endpoint) sumFiring(m *Monitor, variant string) bool {
	for i := range m.projections {
		if e.isFiring(m.jointKey(variant, m.projectionName(i), windows.FormatDuration(e.pane))) {
			return true
		}
	}
	return false
}

// known says whether a feature or a pair is firing.
func (b *bets) known() bool {
	for _, state := range b.states {
		if state.Firing() {
			return true
		}
	}
	for i := range b.pairs {
		if b.pairs[i].Firing() {
			return true
		}
	}
	return false
}

// projectionAlert begins or ends the alert of a sum.
func (e *endpoint) projectionAlert(m *Monitor, variant string, start windows.Time, i int, b *bets, against *tables, found budget.Finding, kappa, evidence float64, fired bool, current *profile.Profile) []Alert {
	p, reference, counts := m.Layout().Projections()[i], against.reference.Joint.Projected[i], current.Joint.Projected[i]
	return e.jointAlert(m, variant, start, m.projectionName(i), against.other, found.Panes, evidence, fired, current, func(a *Alert) {
		before, now := spreadOf(reference), spreadOf(counts)
		a.Samples = Samples{before.rows, now.rows}
		if fired {
			a.Samples.Current = int64(found.Records)
		}
		a.Histogram = detectors.Histogram{Reference: before.shares, Current: now.shares}
		for sum := range counts {
			a.Histogram.Labels = append(a.Histogram.Labels, strconv.Itoa(sum))
		}
		evidence := &JointEvidence{Side: "median", Reference: before.deviation, Current: now.deviation}
		if p.Outer {
			evidence.Side = "middle half"
		}
		for _, f := range p.Columns {
			feature := &m.Baseline.Profile.Features[f]
			evidence.Features = append(evidence.Features, feature.Layout.Name)
			if !feature.Numeric() {
				evidence.Side = "half"
			}
			a.Top = append(a.Top, TopFeature{feature.Layout.Name, budgetRule, b.past[len(b.past)-1].features[f].score})
		}
		a.Evidence.Joint = evidence
		settings, uncertainty := against.sums[i].Settings()
		told := a.Evidence.Budget
		told.Effect, told.Records, told.Kappa = found.Effect, int64(found.Records), kappa
		told.Confidence, told.Uncertainty = settings.Z, uncertainty
	})
}

// spreading is how a number is spread.
type spreading struct {
	rows      int64
	shares    []float64
	deviation float64
}

func spreadOf(counts []int64) spreading {
	s := spreading{shares: make([]float64, len(counts))}
	total, squares := 0.0, 0.0
	for sum, n := range counts {
		s.rows += n
		total += float64(n) * float64(sum)
		squares += float64(n) * float64(sum) * float64(sum)
	}
	if s.rows == 0 {
		return s
	}
	rows := float64(s.rows)
	for sum, n := range counts {
		s.shares[sum] = float64(n) / rows
	}
	s.deviation = math.Sqrt(max(squares/rows-total/rows*(total/rows), 0))
	return s
}

// sumWords is [Alert.pairWords] of all inputs.
func (a *Alert) sumWords() (who, how string) {
	j := a.Evidence.Joint
	side := "above their medians"
	switch j.Side {
	case "half":
		side = "in the upper halves of their values"
	case "middle half":
		side = "outside the middle halves of their values"
	}
	return a.Feature, fmt.Sprintf("how many of the %d are %s is distributed otherwise, with a standard deviation of %.2g, and of %.2g %s",
		len(j.Features), side, j.Current, j.Reference, a.Reference.words())
}
