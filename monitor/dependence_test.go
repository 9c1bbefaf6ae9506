package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tidemark/baseline"
)

// process is a value of which each row remembers the one before, AR(1), on a daily cycle; its innovations make the variance
// about the cycle 1.
type process struct {
	random        *rand.Rand
	memory, cycle float64
	last          float64
}

func (p *process) next(at time.Time) float64 {
	p.last = p.memory*p.last + math.Sqrt(1-p.memory*p.memory)*p.random.NormFloat64()
	return p.last + p.cycle*math.Sin(2*math.Pi*float64(at.Hour()*60+at.Minute())/(24*60))
}

// processBaseline has ten days of 10,000 rows each; ordered says that their time is known.
func processBaseline(t *testing.T, p *process, ordered bool, cycle baseline.Cycle) *baseline.Baseline {
	t.Helper()
	var content strings.Builder
	content.WriteString("at,x,plan\n")
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 100_000 {
		at := first.Add(time.Duration(i) * 8640 * time.Millisecond)
		fmt.Fprintf(&content, "%s,%.5f,%s\n", at.Format(time.RFC3339Nano), p.next(at), cells(i, usual)[1])
	}
	roles := baseline.Roles{Ignored: []string{"at"}}
	if ordered {
		roles = baseline.Roles{Times: []string{"at"}}
	}
	return built(t, content.String(), roles, cycle)
}

// Two days without a change, in panes of a minute, of 100 rows that depend on each other: with kappa, and a reference of the hour
// where there is a cycle, nothing fires. Where the baseline cannot know the cycle, the report says that the promise does not hold.
func TestTrafficThatDependsOnItself(t *testing.T) {
	for name, c := range map[string]struct {
		memory, cycle float64
		ordered       bool
		slots         baseline.Cycle
		quiet, warned bool
	}{
		"memory of .5":                         {memory: 0.5, ordered: true, quiet: true},
		"memory of .9":                         {memory: 0.9, ordered: true, quiet: true},
		"memory of .9, measured on traffic":    {memory: 0.9, quiet: true},
		"a cycle, with slots":                  {cycle: 0.2, ordered: true, slots: baseline.HourOfDay, quiet: true},
		"a cycle and memory of .5, with slots": {memory: 0.5, cycle: 0.2, ordered: true, slots: baseline.HourOfDay, quiet: true},
		"a cycle, without slots":               {cycle: 0.2, ordered: true, warned: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &process{random: rand.New(rand.NewPCG(5, 6)), memory: c.memory, cycle: c.cycle}
			m := watch("churn", tumbling(minute), budgeted)
			m = New(m.Config, processBaseline(t, p, c.ordered, c.slots))
			s := newSim(t, m)
			reports, warned := 0, 0
			for s.at = date("2026-03-02T00:00:00"); s.at < date("2026-03-04T00:00:00"); {
				start := s.at.Floor(minute)
				s.rows(0, "churn", start, 100, func(int) float64 { return p.next(start.Time()) })
				s.commit(minute)
				s.progress(0, "churn", start.Add(65*second))
				s.commit(0)
				for _, r := range s.out.Reports {
					reports++
					if strings.Contains(strings.Join(r.Warnings, ""), "promise of the alarm budget does not hold for x") {
						warned++
					}
				}
				s.out.Reports = nil
				s.log = nil
			}
			if reports != 2*24*60 {
				t.Fatalf("%d reports", reports)
			}
			fired := 0
			for _, a := range s.out.Alerts {
				if a.State == firing {
					fired++
				}
			}
			if c.quiet && fired > 0 {
				t.Errorf("%d alerts without a change; the first: %s", fired, s.out.Alerts[0].Message)
			}
			if c.warned != (warned > 0) {
				t.Errorf("%d of %d reports say that the promise does not hold", warned, reports)
			}
			t.Logf("%d alerts, %d of %d reports warn", fired, warned, reports)
		})
	}
}
