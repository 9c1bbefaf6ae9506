package monitor

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/windows"
)

// minutes reads and closes one window of a minute for each letter, from noon on: "." has the reference's values, "x"
// drifted ones, "-" too few drifted ones to judge, " " none. It returns the transitions as "state start".
func (s *sim) minutes(letters string) []string {
	s.at = s.at.Add(-10 * second) // so that the endpoint is known at noon
	s.progress(0, "churn", s.at)
	s.commit(0)
	s.at = s.at.Add(10 * second)
	var transitions []string
	for _, letter := range letters {
		start := s.at.Floor(minute)
		switch letter {
		case '.':
			s.rows(0, "churn", start, 20, usual)
		case 'x':
			s.rows(0, "churn", start, 20, drifted)
		case '-':
			s.rows(0, "churn", start, 9, drifted)
		}
		s.commit(minute)
		s.progress(0, "churn", start.Add(65*second))
		for _, a := range s.commit(0).Alerts {
			transitions = append(transitions, a.State+" "+a.Window.Start.Time().Format("15:04"))
		}
	}
	return transitions
}

func forMofN(m, n int) func(*Config) { return func(c *Config) { c.Drift[0].For = For{m, n} } }

func TestAlertTransitions(t *testing.T) {
	for _, test := range []struct {
		m, n    int
		letters string
		want    []string
	}{
		{1, 1, "....", nil},
		{1, 1, "..xxx..", []string{"firing 12:02", "resolved 12:05"}},
		{1, 1, "x.x.", []string{"firing 12:00", "resolved 12:01", "firing 12:02", "resolved 12:03"}},
		{1, 1, "x--  x.", []string{"firing 12:00", "resolved 12:06"}}, // too few values change nothing, nor do none
		{1, 1, "---", nil},
		{2, 3, "x..x..", nil},
		{2, 3, "x.x", []string{"firing 12:02"}},
		{2, 3, "xx.x..", []string{"firing 12:01", "resolved 12:04"}},
		{2, 3, "x-x", []string{"firing 12:02"}},
		{2, 3, "x  .x", []string{"firing 12:04"}}, // windows without rows do not count as windows
		{3, 3, "xx.xxx", []string{"firing 12:05"}},
		{3, 3, "xxx.", []string{"firing 12:02", "resolved 12:03"}},
		{1, 3, "x..x...", []string{"firing 12:00", "resolved 12:06"}},
		{64, 64, strings.Repeat("x", 64) + ".", []string{"firing 13:03", "resolved 13:04"}},
	} {
		s := newSim(t, watch("churn", tumbling(minute), forMofN(test.m, test.n)))
		if diff := cmp.Diff(test.want, s.minutes(test.letters)); diff != "" {
			t.Errorf("%d of %d over %q (-want +got):\n%s", test.m, test.n, test.letters, diff)
		}
	}
}

func TestAlertSaysWhatChanged(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), forMofN(2, 3)))
	s.minutes(".x.xx..")
	if len(s.out.Alerts) != 2 {
		t.Fatalf("alerts: %v", s.out.Alerts)
	}
	firing, resolved := s.out.Alerts[0], s.out.Alerts[1]
	// All 20 values are over the last edge: four cells of 1/4 fell to none, one rose from none to 1. A share counts
	// with at least 0.0001.
	psi := 4*(1e-4-0.25)*math.Log(1e-4/0.25) + (1-1e-4)*math.Log(1/1e-4)
	if math.Abs(firing.Score-psi) > 1e-12 {
		t.Errorf("score is %v, want %v", firing.Score, psi)
	}
	want := Alert{
		ID: firing.ID, Incident: firing.ID, Kind: "drift", State: "firing",
		Monitor: "churn", Endpoint: "churn", Variant: "default", Feature: "x", Rule: "psi", Score: firing.Score, Threshold: 0.2,
		Window:   Window{windows.Window{Start: noon.Add(3 * minute), End: noon.Add(4 * minute)}, "1m"},
		Since:    noon.Add(minute),
		Samples:  Samples{1000, 20},
		Evidence: Evidence{Over: 2, Of: 3},
		Top:      []TopFeature{{"x", "psi", firing.Score}, {"plan", "psi", firing.Top[1].Score}},
		Baseline: "0123456789abcdef",
		Archive:  Archive{topic, []ArchivePartition{{Partition: 0, Start: 60, End: 80}}},
		Message:  "psi of x on churn is 17, over 0.2, in the 1m window to 2026-03-01T12:04:00Z (20 values, 1000 in the baseline)",
	}
	want.Histogram.Labels = []string{"0 to 25", "25 to 50", "50 to 75", "75 to 100", "above 99.99999999999999"}
	want.Histogram.Reference, want.Histogram.Current = []float64{.25, .25, .25, .25, 0}, []float64{0, 0, 0, 0, 1}
	if diff := cmp.Diff(want, firing, cmpopts.IgnoreFields(Evidence{}, "Expected", "PValue")); diff != "" {
		t.Errorf("firing (-want +got):\n%s", diff)
	}
	if resolved.Incident != firing.ID || resolved.ID == firing.ID || resolved.State != "resolved" || resolved.Since != firing.Since {
		t.Errorf("resolved is %+v", resolved)
	}
	if resolved.Window.Start != noon.Add(6*minute) || resolved.Score >= 0.2 || resolved.Evidence.Over != 1 || resolved.Evidence.Of != 3 {
		t.Errorf("resolved is %+v", resolved)
	}
	if !strings.Contains(resolved.Message, "no longer over 0.2") {
		t.Errorf("message is %q", resolved.Message)
	}
}

func TestAlertHasTheDocumentedKeys(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute)))
	s.minutes("x")
	text, err := json.Marshal(s.out.Alerts[0])
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	want := strings.Fields("archive baseline endpoint evidence feature histogram id incident kind message monitor " +
		"rule samples score segment since state threshold top_features variant window")
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(fields))); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for key, want := range map[string]string{
		"segment": `""`,
		"window":  `{"start":"2026-03-01T12:00:00Z","end":"2026-03-01T12:01:00Z","size":"1m"}`,
		"since":   `"2026-03-01T12:00:00Z"`,
		"samples": `{"reference":1000,"current":20}`,
		"archive": `{"topic":"capture","partitions":[{"partition":0,"start":0,"end":20}]}`,
	} {
		if string(fields[key]) != want {
			t.Errorf("%s is %s, want %s", key, fields[key], want)
		}
	}
}

func TestAlertIDs(t *testing.T) {
	several := func() []Alert {
		rules := func(c *Config) {
			c.Drift = []Rule{{Method: "psi", Threshold: 0.2, MinSamples: 10}, {Method: "ks", Threshold: 0.2, MinSamples: 10}}
			c.Quality = []Rule{{Method: "missing_share", Threshold: 0.1, MinSamples: 10}}
		}
		everywhere := func(c *Config) { c.Match.Endpoint = "*" }
		s := newSim(t, watch("one", []windows.Spec{{Size: minute}, {Size: 2 * minute}}, rules, everywhere), watch("two", tumbling(minute), rules, everywhere))
		for i, start := range []windows.Time{noon, noon.Add(minute), noon.Add(2 * minute), noon.Add(3 * minute)} {
			x := drifted
			if i == 1 {
				x = func(int) float64 { return math.NaN() } // neither psi nor ks of nothing: the alert stays
			} else if i > 1 {
				x = usual
			}
			for _, endpoint := range []string{"a", "b"} {
				for _, variant := range []string{"default", "canary"} {
					s.rowsOf(0, endpoint, variant, start, 30, x)
				}
				s.progress(0, endpoint, start)
			}
			s.commit(minute)
		}
		for _, endpoint := range []string{"a", "b"} {
			s.progress(0, endpoint, noon.Add(time4))
		}
		s.commit(minute)
		return s.out.Alerts
	}
	alerts := several()
	seen, incidents := map[string]string{}, map[string]bool{}
	for _, a := range alerts {
		name := fmt.Sprint(a.Monitor, a.Endpoint, a.Variant, a.Feature, a.Rule, a.Window, a.State)
		if other, taken := seen[a.ID]; taken {
			t.Errorf("%s and %s have the id %s", other, name, a.ID)
		}
		seen[a.ID] = name
		if len(a.ID) != 32 || strings.Trim(a.ID, "0123456789abcdef") != "" {
			t.Errorf("id %q is not 128 bits", a.ID)
		}
		switch a.State {
		case "firing":
			incidents[a.ID] = true
		case "resolved":
			if !incidents[a.Incident] {
				t.Errorf("%s resolves %s, which did not fire", name, a.Incident)
			}
			delete(incidents, a.Incident)
		}
	}
	// Two rules on x, over three kinds of window, of two endpoints with two variants; each fires and resolves.
	if len(alerts) != 2*2*3*2*2 || len(incidents) != 0 {
		t.Errorf("%d alerts, %d of them firing still, want 48 and 0", len(alerts), len(incidents))
	}
	if diff := cmp.Diff(alerts, several()); diff != "" {
		t.Errorf("the same traffic gives other alerts (-first +second):\n%s", diff)
	}
}

const time4 = 4*minute + 5*second

func TestAlertIDIsFixed(t *testing.T) {
	r := &Report{Monitor: "m", Endpoint: "e", Variant: "v", Window: Window{windows.Window{End: noon}, "1m"}}
	// printf '1:m1:e1:v0:1:f3:psi2:1m20:2026-03-01T12:00:00Z6:firing' | sha256sum
	if got, want := alertID(r, "f", "psi", "firing"), "2701969598089f810f28d51cc026522c"; got != want {
		t.Errorf("id is %s, want %s: consumers know alerts by it", got, want)
	}
}
