package monitor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/windows"
)

func fresh(c *Config) {
	c.Freshness, c.Drift, c.Quality = minute, []Rule{}, []Rule{}
}

// pass lets seconds pass, with a commit in each, and returns the messages.
func (s *sim) pass(seconds int) (messages []string) {
	for range seconds {
		for _, a := range s.commit(second).Alerts {
			messages = append(messages, s.at.Time().Format("15:04:05 ")+a.Message)
		}
	}
	return messages
}

func (s *sim) says(got []string, want ...string) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("at %v (-want +got):\n%s", s.at, diff)
	}
}

func TestFreshness(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), fresh))
	s.rows(0, "churn", noon, 5, usual)
	s.says(s.pass(50))
	s.rows(1, "churn", noon.Add(50*second), 5, usual)
	s.pass(1)
	s.idle[0], s.idle[1] = true, true
	s.says(s.pass(59))
	s.says(s.pass(100), "12:01:52 churn has had no record since 2026-03-01T12:00:50Z, for more than 1m")
	s.rows(0, "churn", noon, 5, usual) // late, but there
	s.says(s.pass(1), "12:03:31 churn has records again, from 2026-03-01T12:03:30Z on")
	s.says(s.pass(59))
	s.says(s.pass(60), "12:04:32 churn has had no record since 2026-03-01T12:03:30Z, for more than 1m")
	want := Alert{
		ID: s.out.Alerts[0].ID, Incident: s.out.Alerts[0].ID, Kind: "quality", State: "firing", Monitor: "churn", Endpoint: "churn", Variant: "*", Rule: "freshness",
		Score: 61, Threshold: 60, Window: Window{windows.Window{Start: noon.Add(50 * second), End: noon.Add(111 * second)}, "1m"}, Since: noon.Add(50 * second),
		Samples: Samples{1000, 0}, Evidence: Evidence{Over: 1, Of: 1}, Top: []TopFeature{}, Baseline: "0123456789abcdef",
		Archive: Archive{Partitions: []ArchivePartition{}}, Message: s.out.Alerts[0].Message,
	}
	want.Histogram.Reference, want.Histogram.Current = []float64{}, []float64{}
	if diff := cmp.Diff(want, s.out.Alerts[0]); diff != "" {
		t.Errorf("firing (-want +got):\n%s", diff)
	}
	if a := s.out.Alerts[1]; a.State != "resolved" || a.Incident != s.out.Alerts[0].ID {
		t.Errorf("resolved: %+v", a)
	}
}

// A reader that is behind, or that is gone, does not know whether the endpoint is silent.
func TestFreshnessIsOfTheEndpointNotOfItsReader(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), fresh))
	s.rows(0, "churn", noon, 5, usual)
	s.pass(1)
	s.says(s.pass(300)) // no record was read, and nobody asked the broker for more
	s.lag[0], s.idle[1] = true, true
	s.says(s.pass(300))
	s.lag[0], s.idle[0] = false, true
	s.says(s.pass(1), "12:10:02 churn has had no record since 2026-03-01T12:00:00Z, for more than 1m")
	s.idle[0], s.idle[1] = false, false // its reader dies: that is no record
	s.says(s.pass(60))
}

// Other endpoints' records in the partitions show that they are read.
func TestFreshnessBesideOtherTraffic(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), fresh), watch("fraud", tumbling(minute), func(c *Config) { c.Drift = []Rule{} }))
	s.rows(0, "churn", noon, 5, usual)
	var got []string
	for range 80 {
		s.rows(0, "fraud", s.at, 1, usual)
		s.rows(1, "fraud", s.at, 1, usual)
		got = append(got, s.pass(1)...)
	}
	s.says(got, "12:01:02 churn has had no record since 2026-03-01T12:00:00Z, for more than 1m")
}

func TestReplayThatEndedIsNotSilent(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), fresh))
	s.rows(0, "churn", date("2018-06-01T12:00:00"), 5, usual)
	s.pass(1)
	s.end(0, "churn", date("2018-06-01T12:00:00"))
	s.idle[0], s.idle[1] = true, true
	s.says(s.pass(300))
}

func TestFreshnessSurvivesARestart(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), fresh), watch("other", tumbling(minute), fresh, func(c *Config) { c.Match.Endpoint = "churn" }))
	for i := range 40 {
		s.idle[0], s.idle[1] = i%20 > 1, true
		if i%20 == 0 {
			s.rows(0, "churn", s.at, 5, usual)
		}
		s.appendLog(7 * second)
	}
	s.sameAfterRestarts(6)
}
