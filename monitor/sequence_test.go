package monitor

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/detectors/sequential"
	"tidemark/windows"
)

func sequences(all ...Sequence) func(*Config) {
	return func(c *Config) { c.Sequential, c.Drift, c.Quality = all, []Rule{}, []Rule{} }
}

func pageHinkley(quiet int) Sequence {
	return Sequence{Detector: "page_hinkley", Feature: "x", Params: map[string]string{"min_instances": "5", "threshold": "40"}, For: For{1, quiet}}
}

// constant is the i-th of equal values.
func constant(x float64) func(int) float64 { return func(int) float64 { return x } }

// panes reads a pane of ten seconds for each mean of x, and closes it.
func (s *sim) panes(means ...float64) {
	for _, mean := range means {
		if !math.IsNaN(mean) {
			s.rows(0, "churn", s.at, 5, constant(mean))
		}
		s.commit(10 * second)
		s.progress(0, "churn", s.at.Add(5*second))
	}
	s.commit(0)
}

func repeat(n int, x float64) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = x
	}
	return xs
}

func (s *sim) messages() (messages []string) {
	for _, a := range s.out.Alerts {
		messages = append(messages, a.Message)
	}
	return messages
}

// The mean rises from 50 to 60 in pane 10. The running mean after k more panes is 50 + 10k/(10+k), the deviations of
// the first 4 are 9.09, 8.33, 7.69 and 7.14, of the next 6.67 and 6.25: their sum is over 40 with the sixth.
func TestSequenceAlerts(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(10*second), sequences(pageHinkley(3))))
	s.panes(append(repeat(10, 50), repeat(10, 60)...)...)
	s.says(s.messages(),
		"the mean of x on churn changed: it is 60 in the 10s window to 2026-03-01T12:02:40Z, and page_hinkley took 16 of them",
		"the mean of x on churn is 60 in the 10s window to 2026-03-01T12:03:10Z, without another change in 3 windows")
	firing, start := s.out.Alerts[0], noon.Add(150*second)
	want := Alert{
		ID: firing.ID, Incident: firing.ID, Kind: "drift", State: "firing", Monitor: "churn", Endpoint: "churn", Variant: "default",
		Feature: "x", Rule: "page_hinkley", Score: 60, Window: Window{windows.Window{Start: start, End: start.Add(10 * second)}, "10s"}, Since: start,
		Samples: Samples{1000, 5}, Evidence: Evidence{Over: 1, Of: 3, Value: "mean", Values: 16}, Top: []TopFeature{}, Baseline: "0123456789abcdef",
		Archive: Archive{topic, []ArchivePartition{{Partition: 0, Start: 75, End: 80}}}, Message: firing.Message, Histogram: firing.Histogram,
	}
	if diff := cmp.Diff(want, firing); diff != "" {
		t.Errorf("firing (-want +got):\n%s", diff)
	}
	if got := firing.Histogram; !cmp.Equal(got.Current, []float64{0, 0, 1, 0}) || len(got.Reference) != 4 {
		t.Errorf("histogram is %+v", got)
	}
	if s.out.Alerts[1].Incident != firing.ID {
		t.Errorf("resolved: %+v", s.out.Alerts[1])
	}
	for i, r := range s.out.Reports {
		report := SequenceReport{Values: int64(i + 1)}
		if i >= 15 {
			report.Drifted, report.Drift = &start, i == 15
		}
		if diff := cmp.Diff(map[string]SequenceReport{"page_hinkley": report}, r.Features[0].Sequential); diff != "" || r.Drift != report.Drift || r.Features[1].Sequential != nil {
			t.Errorf("report %d, drift %t (-want +got):\n%s", i, r.Drift, diff)
		}
	}
}

// What a monitor finds is what a detector finds that is given the means one by one, whatever the windows are.
func TestSequenceTakesEachPaneOnce(t *testing.T) {
	var means []float64
	for i := range 300 {
		means = append(means, 50+20*math.Sin(float64(i*i))+15*float64(i/100))
	}
	for _, specs := range [][]windows.Spec{tumbling(10 * second), sliding(minute, 10*second), {{Size: 20 * second, Slide: 10 * second}, {Size: 5 * minute}}} {
		for _, name := range []string{"adwin", "page_hinkley", "cusum", "kswin"} {
			detector, err := sequential.New(name, nil)
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for i, mean := range means {
				if detector.Update(mean) == sequential.Drift {
					want = append(want, noon.Add(time.Duration(i)*10*second).String())
				}
			}
			s := newSim(t, watch("churn", specs, sequences(Sequence{Detector: name, Feature: "x", For: For{1, 1}})))
			s.panes(means...)
			for _, a := range s.out.Alerts {
				if a.State == firing {
					got = append(got, a.Window.Start.String())
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
				t.Errorf("%s, %d found, windows %v (-want +got):\n%s", name, len(want), specs, diff)
			}
		}
	}
}

func TestFiguresOfSequences(t *testing.T) {
	m := watch("churn", tumbling(10*second))
	x, plan := m.Baseline.Profile.Feature("x"), m.Baseline.Profile.Feature("plan")
	current := *plan
	current.Captured, current.Missing, current.New = 100, 20, map[string]int64{"tin": 20}
	for _, test := range []struct {
		q    Sequence
		want string
	}{
		{Sequence{Value: ValueMean, MinSamples: 1000}, "50 true"},
		{Sequence{Value: ValueMean, MinSamples: 1001}, "50 false"},
		{Sequence{Value: ValueMissingShare, MinSamples: 1000}, "0 true"},
		{Sequence{Value: ValueMissingShare, MinSamples: 1001}, "0 false"},
	} {
		value, ok := test.q.valueOf(x)
		if got := fmt.Sprint(value, ok); got != test.want {
			t.Errorf("%s of x is %s, want %s", test.q.Value, got, test.want)
		}
	}
	for _, test := range []struct {
		q    Sequence
		want string
	}{
		{Sequence{Value: ValueMissingShare, MinSamples: 100}, "0.2 true"},
		{Sequence{Value: ValueNewShare, MinSamples: 80}, "0.25 true"},
		{Sequence{Value: ValueNewShare, MinSamples: 81}, "0 false"},
		{Sequence{Value: ValueMean, MinSamples: 0}, "0 false"},
	} {
		value, ok := test.q.valueOf(&current)
		if got := fmt.Sprint(value, ok); got != test.want {
			t.Errorf("%s of plan is %s, want %s", test.q.Value, got, test.want)
		}
	}
}

func TestWhatSequencesWatch(t *testing.T) {
	b := reference(50)
	x, plan := b.Profile.Feature("x"), b.Profile.Feature("plan")
	share := *x
	share.Moments.Min, share.Moments.Max = 0, 1
	for _, test := range []struct {
		q                     Sequence
		numbers, shares, plan bool
	}{
		{Sequence{Detector: "adwin"}, true, true, false},
		{Sequence{Detector: "hddm_a"}, false, true, false},
		{Sequence{Detector: "hddm_w", Value: ValueMissingShare}, true, true, true},
		{Sequence{Detector: "adwin", Value: ValueNewShare}, false, false, true},
		{Sequence{Detector: "adwin", Feature: "plan", Value: ValueNewShare}, false, false, true},
		{Sequence{Detector: "adwin", Feature: "y"}, false, false, false},
	} {
		test.q.complete()
		if got := []bool{test.q.watches(x), test.q.watches(&share), test.q.watches(plan)}; !cmp.Equal(got, []bool{test.numbers, test.shares, test.plan}) {
			t.Errorf("%+v watches numbers, shares, plan: %v", test.q, got)
		}
	}
	for want, q := range map[string]Sequence{
		"":                          {Detector: "adwin", Feature: "x"},
		`is "y", which the base`:    {Detector: "adwin", Feature: "y"},
		"from 12.5 to 87.5 in the ": {Detector: "hddm_a", Feature: "x"},
		"is categorical":            {Detector: "adwin", Feature: "plan"},
	} {
		q.complete()
		err := (&Config{Name: "m", Sequential: []Sequence{{Feature: "*"}, q}}).CheckBaseline(b)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", q, err, want)
		}
	}
}

// A value that the detector does not take is counted, and changes nothing.
func TestIgnoredPanesAreReported(t *testing.T) {
	m := watch("churn", tumbling(10*second), sequences(Sequence{Detector: "hddm_a"}))
	x := &m.Baseline.Profile.Features[0].Moments
	x.Min, x.Max = 0, 1
	s := newSim(t, m)
	s.panes(0.5, 0.5, 7, 0.5)
	last := s.out.Reports[len(s.out.Reports)-1].Features[0].Sequential["hddm_a"]
	if last.Values != 3 || last.Ignored != 1 {
		t.Errorf("the last report: %+v, want 3 values and 1 ignored", last)
	}
}

func TestSequencesSurviveRestarts(t *testing.T) {
	s := newSim(t, watch("churn", sliding(30*second, 10*second), sequences(
		pageHinkley(4), Sequence{Detector: "kswin", Feature: "x", Params: map[string]string{"window_size": "12", "stat_size": "5", "alpha": "0.1"}, For: For{1, 5}})))
	for i := range 40 {
		s.rows(int32(i%2), "churn", s.at, 5, constant(50+20*float64(i/20)+3*math.Sin(float64(i*i))))
		s.rowsOf(int32(i%2), "churn", "blue", s.at.Add(-time.Duration(i%4)*7*second), 3, constant(float64(i)))
		s.appendLog(10 * second)
	}
	fired := 0
	for _, out := range s.sameAfterRestarts(5) {
		for _, a := range out.Alerts {
			if a.Rule == "page_hinkley" {
				fired++
			}
		}
	}
	if fired == 0 {
		t.Error("page_hinkley found nothing")
	}
}

// A detector with other settings begins anew; one that is not there any more is forgotten.
func TestChangedSequencesBeginAnew(t *testing.T) {
	slower := pageHinkley(3)
	slower.Params = map[string]string{"min_instances": "6", "threshold": "40"}
	for name, test := range map[string]struct {
		after  []Sequence
		values int64
	}{
		"same":    {[]Sequence{pageHinkley(3)}, 6},
		"changed": {[]Sequence{slower}, 2},
		"removed": {nil, 0},
	} {
		s := newSim(t, watch("churn", tumbling(10*second), sequences(pageHinkley(3))))
		s.panes(repeat(4, 50)...)
		s.restarted(newState(), watch("churn", tumbling(10*second), sequences(test.after...)))
		s.panes(50, 50)
		if got := s.out.Reports[len(s.out.Reports)-1].Features[0].Sequential["page_hinkley"].Values; got != test.values {
			t.Errorf("%s: %d values were taken, want %d", name, got, test.values)
		}
	}
	shard := NewShard([]*Monitor{watch("churn", tumbling(minute))})
	if err := shard.RestoreSequence(SavedSequence{Version: 2, Endpoint: "churn"}); err == nil {
		t.Error("a detector of version 2 was restored")
	}
}

func TestSequencesAreSavedOnceAPane(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(10*second), sequences(pageHinkley(3))))
	s.panes(50, 50, 50)
	for i, want := range []int{1, 0} {
		saved, err := s.shard.Sequences()
		if err != nil || len(saved) != want {
			t.Fatalf("call %d: %d detectors, %v, want %d", i, len(saved), err, want)
		}
		if want == 1 && saved[0].Key() != "sequence/churn/default/x/page_hinkley/churn" {
			t.Errorf("the key is %q", saved[0].Key())
		}
	}
}

// Variants come from producers: detectors of those that went away, and of more than are followed, take no memory.
func TestSequencesOfVariantsAreBounded(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(10*second), sequences(pageHinkley(3))))
	for i := range maxFollowed + 5 {
		s.rowsOf(0, "churn", fmt.Sprint("variant", i), noon, 5, usual)
	}
	s.progress(0, "churn", noon)
	s.panes(math.NaN(), math.NaN())
	if got := len(s.shard.endpoints["churn"].sequences); got != maxFollowed {
		t.Errorf("%d detectors, want %d", got, maxFollowed)
	}
	s.at = s.at.Add(keepSequence)
	s.panes(50, 50)
	if got := len(s.shard.endpoints["churn"].sequences); got != 1 {
		t.Errorf("%d detectors are kept after %v, want 1", got, keepSequence)
	}
}
