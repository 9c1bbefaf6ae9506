package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/windows"
)

func bounds(least, most int64, f For) func(*Config) {
	return func(c *Config) { c.Volume, c.Drift, c.Quality = Volume{least, most, f}, []Rule{}, []Rule{} }
}

// volumes reads windows of a minute with so many rows each, from noon on, and returns the transitions.
func (s *sim) volumes(rows ...int) []string {
	s.at = s.at.Add(-10 * second) // so that the endpoint is known at noon
	s.progress(0, "churn", s.at)
	s.commit(0)
	s.at = s.at.Add(10 * second)
	s.progress(0, "churn", s.at.Add(5*second)) // the first watermark is noon
	s.commit(0)
	for _, n := range rows {
		start := s.at.Floor(minute)
		if n > 0 {
			s.rows(0, "churn", start, n, usual)
		}
		s.commit(minute)
		s.progress(0, "churn", start.Add(65*second))
		s.commit(0)
	}
	return s.transitions()
}

func (s *sim) transitions() (transitions []string) {
	for _, a := range s.out.Alerts {
		transitions = append(transitions, fmt.Sprintf("%s %s %g/%g", a.State, a.Window.Start.Time().Format("15:04:05"), a.Score, a.Threshold))
	}
	return transitions
}

func TestVolume(t *testing.T) {
	for _, test := range []struct {
		name        string
		least, most int64
		f           For
		rows        []int
		want        []string
	}{
		{"within", 10, 20, For{}, []int{10, 20, 15}, nil},
		{"too few", 10, 0, For{}, []int{10, 9, 10}, []string{"firing 12:01:00 9/10", "resolved 12:02:00 10/10"}},
		{"too many", 0, 20, For{}, []int{20, 21, 20, 0}, []string{"firing 12:01:00 21/20", "resolved 12:02:00 20/20"}},
		{"none at all", 1, 0, For{}, []int{5, 0, 0, 5}, []string{"firing 12:01:00 0/1", "resolved 12:03:00 5/1"}},
		{"from too few to too many", 10, 20, For{}, []int{5, 25, 12}, []string{"firing 12:00:00 5/10", "resolved 12:02:00 12/10"}},
		{"several windows", 10, 0, For{2, 3}, []int{5, 15, 0, 0, 15, 15}, []string{"firing 12:02:00 0/10", "resolved 12:05:00 15/10"}},
	} {
		s := newSim(t, watch("churn", tumbling(minute), bounds(test.least, test.most, test.f)))
		if diff := cmp.Diff(test.want, s.volumes(test.rows...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestVolumeAlert(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), bounds(10, 20, For{})))
	s.volumes(15, 3, 30, 12)
	firing, resolved := s.out.Alerts[0], s.out.Alerts[1]
	want := Alert{
		ID: firing.ID, Incident: firing.ID, Kind: "quality", State: "firing", Monitor: "churn", Endpoint: "churn", Variant: "*", Rule: "volume",
		Score: 3, Threshold: 10, Window: Window{windows.Window{Start: noon.Add(minute), End: noon.Add(2 * minute)}, "1m"}, Since: noon.Add(minute),
		Samples: Samples{1000, 3}, Evidence: Evidence{Over: 1, Of: 1}, Top: []TopFeature{}, Baseline: "0123456789abcdef",
		Archive: Archive{topic, []ArchivePartition{{Partition: 0, Start: 15, End: 18}}},
		Message: "churn has 3 rows, under 10, in the 1m window to 2026-03-01T12:02:00Z",
	}
	want.Histogram.Reference, want.Histogram.Current = []float64{}, []float64{}
	if diff := cmp.Diff(want, firing); diff != "" {
		t.Errorf("firing (-want +got):\n%s", diff)
	}
	if got, want := resolved.Message, "churn has 12 rows in the 1m window to 2026-03-01T12:04:00Z, within bounds again"; got != want || resolved.Incident != firing.ID {
		t.Errorf("resolved %+v, want %q", resolved, want)
	}
}

// Variants are counted together, and those that a monitor does not watch are not.
func TestVolumeOfVariants(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), bounds(20, 0, For{})),
		watch("canary", tumbling(minute), bounds(6, 0, For{}), func(c *Config) { c.Match = Match{"churn", "canary"} }))
	for i := range 4 {
		start := noon.Add(time.Duration(i) * minute)
		s.rowsOf(0, "churn", "default", start, 15, usual)
		s.rowsOf(0, "churn", "canary", start, []int{5, 5, 7, 2}[i], usual)
		s.progress(0, "churn", start)
		s.commit(30 * second)
		s.progress(0, "churn", start.Add(65*second))
		s.commit(30 * second)
	}
	var got []string
	for _, a := range s.out.Alerts {
		got = append(got, a.Monitor+"/"+a.Variant+" "+a.Message)
	}
	// The window from noon on closes with the first watermark.
	want := []string{
		"canary/canary churn/canary has 5 rows, under 6, in the 1m window to 2026-03-01T12:02:00Z",
		"canary/canary churn/canary has 7 rows in the 1m window to 2026-03-01T12:03:00Z, within bounds again",
		"churn/* churn has 17 rows, under 20, in the 1m window to 2026-03-01T12:04:00Z",
		"canary/canary churn/canary has 2 rows, under 6, in the 1m window to 2026-03-01T12:04:00Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// Sliding windows are judged one by one, empty ones as well, from the first one on that began under watch.
func TestVolumeOfSlidingWindows(t *testing.T) {
	s := newSim(t, watch("churn", sliding(20*second, 10*second), bounds(1, 0, For{2, 2})))
	s.rows(0, "churn", noon, 1, usual)
	s.commit(6 * second)
	s.rows(0, "churn", noon.Add(12*second), 1, usual) // the watermark is 12:00:07
	s.commit(6 * second)
	s.rows(0, "churn", noon.Add(62*second), 1, usual)
	s.commit(50 * second)
	// From 12:00:10 on there is a row; from 12:00:20 and 12:00:30 on there is none; 12:00:40 is not closed.
	if diff := cmp.Diff([]string{"firing 12:00:30 0/1"}, s.transitions()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Two rows ten thousand years apart: the empty windows between them are counted without being looked at.
func TestVolumeOfMillennia(t *testing.T) {
	s := newSim(t, watch("churn", sliding(20*time.Millisecond, 10*time.Millisecond), bounds(1, 0, For{3, 64})))
	s.rows(0, "churn", date("0001-01-02T00:00:00"), 1, usual)
	s.commit(0)
	s.rows(0, "churn", date("0001-01-03T00:00:00"), 1, usual)
	s.commit(10 * second)
	s.rows(0, "churn", date("9999-12-30T00:00:00"), 1, usual)
	s.rows(0, "churn", date("9999-12-30T00:00:06"), 1, usual)
	s.commit(10 * second)
	if got := len(s.out.Alerts); got != 1 {
		t.Errorf("%d alerts, want 1: %v", got, s.transitions())
	}
}

func TestVolumeSurvivesARestart(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), bounds(10, 0, For{2, 2})))
	for i := range 12 {
		s.rows(0, "churn", s.at, []int{12, 12, 4, 4, 0, 12}[i%6], usual)
		s.appendLog(70 * second)
	}
	s.sameAfterRestarts(3)
}

func TestVolumeCheck(t *testing.T) {
	for want, v := range map[string]Volume{
		"":           {Min: 1, Max: 1},
		"volume.min": {Min: -1},
		"volume.max": {Min: 2, Max: 1},
	} {
		got := ""
		v.check(func(path, _ string) { got = path })
		if got != want {
			t.Errorf("%+v: fault at %q, want %q", v, got, want)
		}
	}
}
