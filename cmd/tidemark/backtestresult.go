package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tidemark/monitor"
	"tidemark/processor"
	"tidemark/windows"
)

// backtestResult is what backtest --json prints.
type backtestResult struct {
	From windows.Time `json:"from"` // start of the first window
	To   windows.Time `json:"to"`   // end of the last
	Days float64      `json:"days"`
	processor.BacktestCounts
	Windows      int64             `json:"windows"`      // that closed
	Insufficient int64             `json:"insufficient"` // of them, those that decided nothing
	Alarms       int               `json:"alarms"`       // alerts that began to fire
	AlarmsPerDay float64           `json:"alarms_per_day"`
	Monitors     []backtestMonitor `json:"monitors"`
	Alerts       []backtestAlert   `json:"alerts"`          // every transition, in the order of time
	Sweep        []sweptBudget     `json:"sweep,omitempty"` // of monitors with an alarm budget
}

// backtestMonitor is what a monitor would have said.
type backtestMonitor struct {
	Name         string         `json:"name"`
	Rules        []string       `json:"rules"`
	Alarms       int            `json:"alarms"`
	AlarmsPerDay float64        `json:"alarms_per_day"`
	First        *firstAlarm    `json:"first,omitempty"`
	By           []backtestRule `json:"by"` // feature and rule, the one that fired first at the top
}

// firstAlarm is the first of a monitor's, or of a rule's on a feature.
type firstAlarm struct {
	At      windows.Time `json:"at"`      // end of the window
	Records int64        `json:"records"` // rows of the endpoint until then
}

// backtestRule is a rule on a feature that would have fired.
type backtestRule struct {
	Feature string        `json:"feature"`
	Rule    string        `json:"rule"`
	Kind    string        `json:"kind"`
	Alarms  int           `json:"alarms"`
	First   firstAlarm    `json:"first"`
	Firing  time.Duration `json:"-"`
	Seconds float64       `json:"firing_seconds"` // in all
}

// backtestAlert is what of an alert matters when it is not sent.
type backtestAlert struct {
	ID        string       `json:"id"` // as in the stream
	At        windows.Time `json:"at"`
	State     string       `json:"state"`
	Kind      string       `json:"kind"`
	Monitor   string       `json:"monitor"`
	Endpoint  string       `json:"endpoint"`
	Variant   string       `json:"variant"`
	Feature   string       `json:"feature"`
	Rule      string       `json:"rule"`
	Window    string       `json:"window"` // its size
	Score     float64      `json:"score"`
	Threshold float64      `json:"threshold"`
	Since     windows.Time `json:"since"`
	Records   int64        `json:"records"`
	Message   string       `json:"message"`
}

// tally is what one set of monitors said.
type tally struct {
	from, to              windows.Time
	windows, insufficient int64
	alerts                []backtestAlert
}

func newTally() *tally { return &tally{from: windows.Never, to: windows.Never} }

func (t *tally) add(out *monitor.Output, rows func(endpoint string, end windows.Time) int64) {
	for _, r := range out.Reports {
		t.windows++
		if r.Insufficient != "" {
			t.insufficient++
		}
		if t.from == windows.Never || r.Window.Start < t.from {
			t.from = r.Window.Start
		}
		t.to = max(t.to, r.Window.End)
	}
	for _, a := range out.Alerts {
		t.alerts = append(t.alerts, backtestAlert{
			ID: a.ID, At: a.Window.End, State: a.State, Kind: a.Kind, Monitor: a.Monitor, Endpoint: a.Endpoint, Variant: a.Variant, Feature: a.Feature, Rule: a.Rule,
			Window: a.Window.Size, Score: a.Score, Threshold: a.Threshold, Since: a.Since, Records: rows(a.Endpoint, a.Window.End), Message: a.Message,
		})
	}
}

// fired is the alerts that began.
func (t *tally) fired() int {
	n := 0
	for _, a := range t.alerts {
		if a.State == "firing" {
			n++
		}
	}
	return n
}

func (t *tally) days() float64 {
	if t.from == windows.Never {
		return 0
	}
	return t.to.Time().Sub(t.from.Time()).Hours() / 24
}

func perDay(alarms int, days float64) float64 {
	if days == 0 {
		return 0
	}
	return float64(alarms) / days
}

// sum makes the result of what the configured monitors said.
func (r *backtestResult) sum(t *tally, monitors []*monitor.Monitor) {
	slices.SortStableFunc(t.alerts, func(a, b backtestAlert) int { return cmp.Compare(a.At, b.At) })
	r.From, r.To, r.Days, r.Windows, r.Insufficient = t.from, t.to, t.days(), t.windows, t.insufficient
	r.Alarms, r.Alerts = t.fired(), t.alerts
	if r.Alerts == nil {
		r.Alerts = []backtestAlert{}
	}
	r.AlarmsPerDay = perDay(r.Alarms, r.Days)
	for _, m := range monitors {
		r.Monitors = append(r.Monitors, r.monitor(m))
	}
}

func (r *backtestResult) monitor(m *monitor.Monitor) backtestMonitor {
	b := backtestMonitor{Name: m.Name, Rules: m.Rules(), By: []backtestRule{}}
	rules := map[[2]string]*backtestRule{}
	began := map[backtestAlert]windows.Time{}
	for _, a := range r.Alerts {
		if a.Monitor != m.Name {
			continue
		}
		key := [2]string{a.Feature, a.Rule}
		incident := backtestAlert{Endpoint: a.Endpoint, Variant: a.Variant, Feature: a.Feature, Rule: a.Rule, Window: a.Window}
		if a.State != "firing" {
			if rule := rules[key]; rule != nil {
				rule.Firing += a.At.Time().Sub(began[incident].Time())
			}
			delete(began, incident)
			continue
		}
		first := firstAlarm{a.At, a.Records}
		if b.First == nil {
			b.First = &first
		}
		if rules[key] == nil {
			rules[key] = &backtestRule{Feature: a.Feature, Rule: a.Rule, Kind: a.Kind, First: first}
		}
		rules[key].Alarms++
		b.Alarms++
		began[incident] = a.At
	}
	for incident, at := range began { // still firing at the end
		rules[[2]string{incident.Feature, incident.Rule}].Firing += r.To.Time().Sub(at.Time())
	}
	for _, rule := range rules {
		rule.Seconds = rule.Firing.Seconds()
		b.By = append(b.By, *rule)
	}
	slices.SortFunc(b.By, func(x, y backtestRule) int {
		return cmp.Or(cmp.Compare(x.First.At, y.First.At), cmp.Compare(x.Feature, y.Feature), cmp.Compare(x.Rule, y.Rule))
	})
	b.AlarmsPerDay = perDay(b.Alarms, r.Days)
	return b
}

// print writes the result for people.
func (r *backtestResult) print(w io.Writer) error {
	fmt.Fprintf(w, "%s to %s, %s: %d rows, %d windows, of which %d decided nothing\n", r.From, r.To, days(r.Days), r.Rows, r.Windows, r.Insufficient)
	if r.Late > 0 {
		fmt.Fprintf(w, "%d rows were late: in no window, or not in all. Files are read in the order of their rows: sort them by time, or raise allowed_lateness\n", r.Late)
	}
	for _, lost := range []struct {
		what string
		rows map[string]int64
	}{{"could not be read", r.Dead}, {"are of an endpoint that no monitor watches", r.Unmonitored}} {
		for _, why := range slices.Sorted(maps.Keys(lost.rows)) {
			fmt.Fprintf(w, "%d rows %s: %s\n", lost.rows[why], lost.what, why)
		}
	}
	fmt.Fprintln(w)
	if r.Alarms > 0 {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "MONITOR\tFEATURE\tRULE\tALARMS\tFIRST\tAFTER\tFIRING")
		for _, m := range r.Monitors {
			for _, by := range m.By {
				fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%d rows\t%s\n", m.Name, cmp.Or(by.Feature, "-"), by.Rule, by.Alarms, by.First.At, by.First.Records, shortDuration(by.Firing.Round(time.Second)))
			}
		}
		if err := table.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if _, err := fmt.Fprintf(w, "%s would have fired, %.3g a day.\n", alarms(r.Alarms), r.AlarmsPerDay); err != nil {
		return err
	}
	return r.printSweep(w)
}

func alarms(n int) string {
	switch n {
	case 0:
		return "No alarm"
	case 1:
		return "1 alarm"
	}
	return fmt.Sprintf("%d alarms", n)
}

// days writes a length of time in the unit that suits it.
func days(n float64) string {
	if n < 1 {
		return strings.TrimSpace(shortDuration(time.Duration(n * 24 * float64(time.Hour)).Round(time.Second)))
	}
	return fmt.Sprintf("%.3g days", n)
}
