package monitor

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/windows"
)

// closed writes reports as "endpoint size start rows", with the start's time of day.
func closed(reports []Report) []string {
	var lines []string
	for _, r := range reports {
		lines = append(lines, fmt.Sprintf("%s %s %s %d", r.Endpoint, r.Window.Size, r.Window.Start.Time().Format("15:04:05"), r.Rows))
	}
	return lines
}

// late writes late deltas as "missed start rows".
func late(deltas []Delta) []string {
	var lines []string
	for _, d := range deltas {
		for _, p := range d.Panes {
			lines = append(lines, fmt.Sprintf("%s %s %d", d.Missed, p.Start.Time().Format("15:04:05"), p.Rows))
		}
	}
	return lines
}

// expect compares the windows that were closed and what came late.
func (s *sim) expect(out Output, reports, missed []string) {
	s.Helper()
	if diff := cmp.Diff(reports, closed(out.Reports)); diff != "" {
		s.Errorf("windows closed at %v (-want +got):\n%s", s.at, diff)
	}
	if diff := cmp.Diff(missed, late(out.Late)); diff != "" {
		s.Errorf("late at %v (-want +got):\n%s", s.at, diff)
	}
}

func TestWindowClosesOnceWhenTheWatermarkIsAtItsEnd(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute)))
	s.rows(0, "churn", noon.Add(10*second), 20, usual)
	s.expect(s.commit(10*second), nil, nil)
	s.rows(0, "churn", noon.Add(65*second-1e6), 3, usual) // a millisecond before the end and the lateness
	s.expect(s.commit(55*second), nil, nil)
	s.rows(0, "churn", noon.Add(65*second), 5, usual)
	s.expect(s.commit(second), []string{"churn 1m 12:00:00 20"}, nil)
	s.rows(0, "churn", noon.Add(70*second), 7, usual)
	s.expect(s.commit(5*second), nil, nil)
	s.rows(0, "churn", noon.Add(126*second), 1, usual)
	s.expect(s.commit(minute), []string{"churn 1m 12:01:00 15"}, nil)
}

func TestRowsWithinTheLatenessCount(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute)))
	s.rows(0, "churn", noon.Add(59*second), 20, usual)
	s.commit(59 * second)
	s.rows(0, "churn", noon.Add(64*second), 1, usual)
	s.rows(0, "churn", noon.Add(58*second), 9, usual)
	s.expect(s.commit(5*second), nil, nil)
	s.rows(0, "churn", noon.Add(66*second), 1, usual)
	s.rows(0, "churn", noon.Add(57*second), 4, usual) // of one commit with what closes the window
	s.expect(s.commit(2*second), []string{"churn 1m 12:00:00 33"}, nil)
}

func TestRowThatIsTooLateIsInNoWindow(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute)))
	s.rows(0, "churn", noon.Add(50*second), 20, usual)
	s.commit(50 * second)
	s.rows(0, "churn", noon.Add(70*second), 30, usual)
	s.expect(s.commit(20*second), []string{"churn 1m 12:00:00 20"}, nil)
	s.rows(0, "churn", noon.Add(60*second-1e6), 7, usual) // ten seconds after what was seen, five too late
	s.rows(0, "churn", noon.Add(71*second), 1, usual)
	s.expect(s.commit(second), nil, []string{"all 12:00:00 7"})
	s.rows(0, "churn", noon.Add(125*second), 1, usual)
	s.expect(s.commit(54*second), []string{"churn 1m 12:01:00 31"}, nil)
	if got := s.out.Late[0]; got.Endpoint != "churn" || len(got.Panes[0].Profile) == 0 || got.Panes[0].Ranges[0].End == 0 {
		t.Errorf("the late delta does not say what it holds: %+v", got)
	}
}

// Of the six windows of a minute that a row is in, those that have closed miss it.
func TestRowThatMissedSomeWindowsIsInTheLaterOnes(t *testing.T) {
	s := newSim(t, watch("churn", sliding(minute, 10*second)))
	s.rows(0, "churn", noon.Add(second), 10, usual)
	s.commit(10 * second)
	s.rows(0, "churn", noon.Add(35*second), 1, usual)
	s.expect(s.commit(30*second), []string{"churn 1m 11:59:10 10", "churn 1m 11:59:20 10", "churn 1m 11:59:30 10"}, nil)
	s.rows(0, "churn", noon.Add(2*second), 5, usual)
	s.rows(0, "churn", noon.Add(25*second), 2, usual) // its first window ends where the watermark is
	s.expect(s.commit(second), nil, []string{"some 12:00:00 5", "some 12:00:20 2"})
	s.rows(0, "churn", noon.Add(66*second), 0, usual)
	s.expect(s.commit(30*second), []string{
		"churn 1m 11:59:40 18", "churn 1m 11:59:50 18", "churn 1m 12:00:00 18",
	}, nil)
	s.rows(0, "churn", noon.Add(3*second), 5, usual)
	s.expect(s.commit(second), nil, []string{"all 12:00:00 5"})
}

func TestSilentPartitionHoldsUntilProvenIdle(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute)))
	s.rows(0, "churn", noon.Add(30*second), 10, usual)
	s.rows(1, "churn", noon.Add(40*second), 10, usual)
	s.commit(40 * second)
	s.rows(0, "churn", noon.Add(66*second), 1, usual)
	s.expect(s.commit(26*second), nil, nil) // 1 is silent
	s.lag[1] = true
	s.rows(0, "churn", noon.Add(67*second), 1, usual)
	s.expect(s.commit(second), nil, nil) // 1 has records, not read yet
	s.lag[1], s.idle[1] = false, true
	s.rows(0, "churn", noon.Add(68*second), 1, usual)
	s.expect(s.commit(second), []string{"churn 1m 12:00:00 20"}, nil)
}

// A reader that dies leaves its word behind, which holds windows where it asked last.
func TestIdlenessThatIsNotRenewedHolds(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(10*second)))
	s.rows(0, "churn", noon.Add(5*second), 10, usual)
	s.rows(1, "churn", noon.Add(5*second), 10, usual)
	s.commit(5 * second)
	s.idle[1] = true
	s.commit(10 * second)
	s.rows(0, "churn", noon.Add(16*second), 1, usual)
	s.expect(s.commit(second), []string{"churn 10s 12:00:00 20"}, nil)

	// From here on only partition 0's reader reports.
	for range 60 {
		s.at = s.at.Add(second)
		v := windows.Vector{Counts: map[string]int32{topic: 2}, Sources: []windows.Status{
			{Source: windows.Source{Topic: topic}, Generation: 1, Appended: s.at}}}
		d := &Delta{Endpoint: "churn", Sources: []windows.Progress{
			{Source: windows.Source{Topic: topic}, EventTime: s.at, Appended: s.at}}}
		var out Output
		if err := s.shard.Add(d, 100, s.at, &out); err != nil {
			t.Fatal(err)
		}
		if err := s.shard.Tick(v, s.at, &out); err != nil {
			t.Fatal(err)
		}
		s.expect(out, nil, nil)
	}
	s.rows(1, "churn", noon.Add(17*second), 4, usual) // captured just after it asked
	s.idle[1] = false
	s.expect(s.commit(second), nil, nil)
	s.idle[1] = true
	s.expect(s.commit(second), []string{"churn 10s 12:00:10 5"}, nil)
}

// One wrong clock: the reader counts the row, but its time moves nothing on.
func TestFutureRowIsInItsOwnWindow(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute)))
	s.rows(0, "churn", noon.Add(10*second), 10, usual)
	s.commit(10 * second)
	s.rowsOf(0, "churn", "default", noon.Add(3610*second), 3, usual)
	s.rows(0, "churn", noon.Add(20*second), 10, usual)
	s.expect(s.commit(10*second), nil, nil)
	s.rows(0, "churn", noon.Add(65*second), 1, usual)
	s.expect(s.commit(45*second), []string{"churn 1m 12:00:00 20"}, nil)
	s.rows(0, "churn", noon.Add(3665*second), 1, usual)
	s.expect(s.commit(3600*second), []string{"churn 1m 12:01:00 1", "churn 1m 13:00:00 3"}, nil)
}

func TestOldReplayBesideLiveTraffic(t *testing.T) {
	s := newSim(t, watch("live", tumbling(minute)), watch("replay", tumbling(minute)))
	old := date("2018-06-01T12:00:00")
	for i := range 20 {
		step := windows.Time(i) * 10_000
		s.rows(int32(i%2), "live", noon+step, 10, usual)
		s.rows(int32(i%2), "replay", old+10*step, 10, usual)
		s.commit(10 * second)
	}
	if len(s.out.Late) > 0 {
		t.Errorf("late: %v", late(s.out.Late))
	}
	var live, replay int64
	for _, r := range s.out.Reports {
		if r.Endpoint == "live" {
			live += r.Rows
		} else {
			replay += r.Rows
		}
	}
	// 190 and 1900 seconds were read, 10 and 100 behind in the slower partition.
	if live != 120 || replay != 180 {
		t.Errorf("%d live and %d replayed rows in closed windows, want 120 and 180: %v", live, replay, closed(s.out.Reports))
	}
}

func TestLiveTrafficThatEndsIsClosedByTheClock(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(10*60*second)), watch("batch", tumbling(10*60*second)))
	s.rows(0, "churn", noon.Add(second), 10, usual)
	s.rows(0, "batch", date("2018-06-01T12:00:00"), 10, usual)
	s.commit(second)
	s.idle[0], s.idle[1] = true, true
	for range 60 * 20 {
		s.commit(second)
	}
	if diff := cmp.Diff([]string{"churn 10m 12:00:00 10"}, closed(s.out.Reports)); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
	if want := noon.Add(610 * second); !slices.ContainsFunc(s.log, func(e entry) bool { return e.at == want }) {
		t.Fatal("the story is too short")
	}
}

func TestEndOfAReplayClosesItsLastWindows(t *testing.T) {
	old := date("2018-06-01T12:00:00")
	for name, test := range map[string]struct {
		specs []windows.Spec
		want  []string
	}{
		"tumbling": {tumbling(minute), []string{"churn 1m 12:00:00 10"}},
		"sliding": {sliding(30*second, 10*second), []string{
			"churn 30s 11:59:50 10", "churn 30s 12:00:00 10", "churn 30s 12:00:10 10"}},
		"both": {[]windows.Spec{{Size: 20 * second, Slide: 10 * second}, {Size: minute}}, []string{
			"churn 20s 12:00:00 10", "churn 20s 12:00:10 10", "churn 1m 12:00:00 10"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, watch("churn", test.specs))
			s.rows(0, "churn", old.Add(10*second), 10, usual)
			s.commit(second)
			s.expect(s.commit(10*second), nil, nil)
			s.end(0, "churn", old.Add(10*second))
			s.end(1, "churn", old.Add(10*second))
			s.expect(s.commit(second), test.want, nil)
			s.expect(s.commit(minute), nil, nil)
		})
	}
}
