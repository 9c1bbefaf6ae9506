package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/baseline"
	"tidemark/windows"
)

// cyclic draws a value that people make: it rises and falls with the hour, and is higher on weekends.
func cyclic(random *rand.Rand, at time.Time) float64 {
	x := 10*math.Sin(2*math.Pi*float64(at.Hour()-3)/24) + 3*random.NormFloat64()
	if day := at.Weekday(); day == time.Saturday || day == time.Sunday {
		x += 8
	}
	return x
}

// cyclicBaseline has eight weeks of 20 rows an hour.
func cyclicBaseline(t *testing.T, random *rand.Rand, cycle baseline.Cycle) *baseline.Baseline {
	t.Helper()
	var content strings.Builder
	content.WriteString("at,x,plan\n")
	first := time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)
	for i := range 8 * 7 * 24 * 20 {
		at := first.Add(time.Duration(i) * 3 * time.Minute)
		fmt.Fprintf(&content, "%s,%v,%s\n", at.Format(time.RFC3339), cyclic(random, at), cells(i, usual)[1])
	}
	return built(t, content.String(), baseline.Roles{Times: []string{"at"}}, cycle)
}

// built is the baseline of a CSV file, with slots if there is a cycle.
func built(t *testing.T, content string, roles baseline.Roles, cycle baseline.Cycle) *baseline.Baseline {
	t.Helper()
	path := filepath.Join(t.TempDir(), "training.csv")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := baseline.Build([]string{path}, roles, noon.Time())
	if err == nil && cycle != "" {
		err = b.AddSeasonal([]string{path}, cycle)
	}
	if err == nil {
		err = b.Calibrate([]string{path})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSeasonalBaselineKnowsTheCycle watches three weeks of traffic with the cycles of the training data, and a fourth in
// which x is higher by a standard deviation of its noise. Its static baseline alarms at high and low hours of each day, its
// seasonal one at the drift alone: less than a tenth of the alerts is none of them.
func TestSeasonalBaselineKnowsTheCycle(t *testing.T) {
	six := tumbling(6 * time.Hour)
	rules := func(c *Config) {
		c.Match.Endpoint, c.Drift = "shop", []Rule{{Method: "psi", Threshold: 0.2}, {Method: "ks", Threshold: 0.5}}
	}
	static, seasonal := watch("static", six, rules), watch("seasonal", six, rules)
	static.Baseline = cyclicBaseline(t, rand.New(rand.NewPCG(1, 2)), "")
	seasonal.Baseline = cyclicBaseline(t, rand.New(rand.NewPCG(1, 2)), baseline.HourOfWeek)
	if static.Layout().ID() != seasonal.Layout().ID() {
		t.Fatal("the two count in different layouts")
	}
	s := newSim(t, static, seasonal)
	random := rand.New(rand.NewPCG(3, 4))
	monday := date("2026-03-02T00:00:00")
	drift := monday.Add(3 * 7 * 24 * time.Hour)
	s.at = monday
	for s.at < drift.Add(7*24*time.Hour) {
		start := s.at
		shift := 0.0
		if start >= drift {
			shift = 3
		}
		s.rows(0, "shop", start.Add(30*minute), 40, func(int) float64 { return cyclic(random, start.Time()) + shift })
		s.commit(time.Hour)
	}
	over := map[string]int{} // scores over their thresholds
	for _, r := range s.out.Reports {
		for _, score := range r.Features[0].Scores {
			if score.Drift && r.Window.Start < drift {
				over[r.Monitor]++
			}
		}
	}
	fired, found := map[string]int{}, windows.Never
	for _, a := range s.out.Alerts {
		if a.State != firing {
			continue
		}
		if a.Window.Start < drift {
			fired[a.Monitor]++
		} else if a.Monitor == "seasonal" && found == windows.Never {
			found = a.Window.Start
			want := &Reference{Kind: "seasonal", Rows: 6 * 8 * 20, Cycle: baseline.HourOfWeek, Slots: 6}
			if diff := cmp.Diff(want, a.Reference); diff != "" || !strings.Contains(a.Message, "960 in the baseline's slots") {
				t.Errorf("message %q, reference (-want +got):\n%s", a.Message, diff)
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"static": 22}, fired); diff != "" {
		t.Errorf("alerts in three weeks without drift (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"static": 105}, over); diff != "" {
		t.Errorf("scores over their thresholds in the %d windows of three weeks without drift (-want +got):\n%s", 3*7*4, diff)
	}
	if found != drift {
		t.Errorf("the drift from %v on is found in the window from %v", drift, found)
	}
}
