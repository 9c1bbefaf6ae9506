package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"tidemark/monitor"
)

// The budgets and least effects that a backtest tries besides the configured ones.
var (
	sweptRates   = []monitor.Rate{{Alarms: 1, Per: 24 * time.Hour}, {Alarms: 1, Per: 7 * 24 * time.Hour}, {Alarms: 1, Per: 30 * 24 * time.Hour}, {Alarms: 1, Per: 365 * 24 * time.Hour}}
	sweptEffects = []float64{0.01, 0.02, 0.05, 0.1}
)

// sweptBudget is what a monitor would have said with another budget.
type sweptBudget struct {
	Monitor      string       `json:"monitor"`
	FalseAlarms  monitor.Rate `json:"false_alarms"`
	MinEffect    float64      `json:"min_effect"`
	Alarms       int          `json:"alarms"`
	AlarmsPerDay float64      `json:"alarms_per_day"`
	First        *firstAlarm  `json:"first,omitempty"`
}

// sweepPoint is one budget of the sweep.
type sweepPoint monitor.Budget

func sweepPoints() []sweepPoint {
	var points []sweepPoint
	for _, rate := range sweptRates {
		for _, effect := range sweptEffects {
			points = append(points, sweepPoint{FalseAlarms: rate, MinEffect: effect})
		}
	}
	return points
}

// monitors are those that have a budget, with this one instead and nothing besides.
func (p sweepPoint) monitors(configured []*monitor.Monitor) []*monitor.Monitor {
	var all []*monitor.Monitor
	for _, m := range configured {
		if m.Budget == (monitor.Budget{}) {
			continue
		}
		c := m.Config
		c.Budget, c.Quality, c.Sequential, c.Volume, c.Freshness = monitor.Budget(p), []monitor.Rule{}, nil, monitor.Volume{}, 0
		all = append(all, monitor.New(c, m.Baseline))
	}
	return all
}

// of is what the monitors said with this budget.
func (p sweepPoint) of(t *tally, days float64, configured []*monitor.Monitor) []sweptBudget {
	var all []sweptBudget
	for _, m := range p.monitors(configured) {
		s := sweptBudget{Monitor: m.Name, FalseAlarms: p.FalseAlarms, MinEffect: p.MinEffect}
		for _, a := range t.alerts {
			if a.Monitor != m.Name || a.State != "firing" {
				continue
			}
			s.Alarms++
			if s.First == nil || a.At < s.First.At {
				s.First = &firstAlarm{a.At, a.Records}
			}
		}
		s.AlarmsPerDay = perDay(s.Alarms, days)
		all = append(all, s)
	}
	return all
}

// printSweep writes a row for each budget and a column for each least effect.
func (r *backtestResult) printSweep(w io.Writer) error {
	var names []string
	for _, s := range r.Sweep {
		if !slices.Contains(names, s.Monitor) {
			names = append(names, s.Monitor)
		}
	}
	for _, name := range names {
		fmt.Fprintf(w, "\nWith other budgets, %s would have had so many alarms a day (the first after so many rows):\n\n", name)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprint(table, "FALSE_ALARMS")
		for _, effect := range sweptEffects {
			fmt.Fprintf(table, "\tMIN_EFFECT %g", effect)
		}
		for _, rate := range sweptRates {
			fmt.Fprintf(table, "\n%s", rate)
			for _, s := range r.Sweep {
				if s.Monitor == name && s.FalseAlarms == rate {
					fmt.Fprintf(table, "\t%s", s.cell())
				}
			}
		}
		fmt.Fprintln(table)
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (s *sweptBudget) cell() string {
	if s.First == nil {
		return "0"
	}
	return fmt.Sprintf("%.3g (%d)", s.AlarmsPerDay, s.First.Records)
}

// drawSweep draws the table as a picture below a height, and returns the height behind it.
func (r *backtestResult) drawSweep(w io.Writer, y int) int {
	const left, column = 130, 140
	for i := range r.Sweep {
		s := &r.Sweep[i]
		row, place := slices.Index(sweptRates, s.FalseAlarms), slices.Index(sweptEffects, s.MinEffect)
		of := slices.IndexFunc(r.Monitors, func(m backtestMonitor) bool { return m.Name == s.Monitor })
		top := y + 40 + of*(len(sweptRates)+2)*laneHeight
		if row == 0 && place == 0 {
			fmt.Fprintf(w, `<text class="title" x="16" y="%d">%s</text>`+"\n", top-18, escaped("Alarms a day (first after rows) of "+shorten(printable(s.Monitor), 40)))
		}
		if row == 0 {
			fmt.Fprintf(w, `<text class="quiet" x="%d" y="%d">min_effect %g</text>`+"\n", left+place*column, top, s.MinEffect)
		}
		at := top + (row+1)*laneHeight
		if place == 0 {
			fmt.Fprintf(w, `<text class="quiet" x="16" y="%d">%s</text>`+"\n", at, s.FalseAlarms)
		}
		// A bar of the alarms' share of the most that any budget had.
		if most := r.mostSwept(); most > 0 && s.Alarms > 0 {
			fmt.Fprintf(w, `<rect class="reference" x="%d" y="%d" width="%.1f" height="4"/>`+"\n", left+place*column, at+3, max(1, float64(s.Alarms)/float64(most)*(column-20)))
		}
		fmt.Fprintf(w, `<text x="%d" y="%d">%s</text>`+"\n", left+place*column, at, s.cell())
	}
	if len(r.Sweep) == 0 {
		return y
	}
	return y + 40 + len(r.Monitors)*(len(sweptRates)+2)*laneHeight
}

func (r *backtestResult) mostSwept() int {
	most := 0
	for _, s := range r.Sweep {
		most = max(most, s.Alarms)
	}
	return most
}
