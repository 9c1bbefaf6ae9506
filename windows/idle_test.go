package windows

import (
	"testing"
	"time"
)

func TestClockMovesLiveTrafficWhenAllIsIdle(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.seen(1, now.Add(-2*second))
	s.after(6 * second)
	s.again(s.idle(0), s.active(1))
	s.expect(now.Add(-2 * second))
	s.again(s.idle(0), s.idle(1))
	s.expect(now.Add(6*second - IdleTimeout))
	s.after(5 * second)
	s.expect(now.Add(6 * second)) // nobody asked since
	s.after(5 * second)
	s.expect(now.Add(6 * second))
	s.again(s.idle(0), s.idle(1))
	s.expect(now.Add(16*second - IdleTimeout))
}

// An hourly window closes though nothing comes for most of the hour: what must be near to the clock is the frontier,
// which follows it, not the last record.
func TestClockMovesOnForHours(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	for range 2 * 60 {
		s.after(minute)
		s.again(s.idle(0), s.idle(1))
		s.expect(s.at.Add(-IdleTimeout))
	}
}

func TestClockDoesNotMoveAReplay(t *testing.T) {
	for _, test := range []struct {
		behind time.Duration
		live   bool
	}{
		{LiveRange, true},
		{LiveRange + time.Millisecond, false},
		{8 * 365 * day, false},
	} {
		s := newStory(t)
		s.after(10 * second)
		last := s.at.Add(-test.behind)
		s.frontier.Observe(Progress{Source: p(0), EventTime: last, Appended: now}, now)
		s.again(s.idle(0), s.idle(1))
		want := last
		if test.live {
			want = s.at.Add(-IdleTimeout)
		}
		s.expect(want)
	}
}

func TestIdleReplayIsWhereItsFurthestSourceIs(t *testing.T) {
	s := newStory(t)
	old := date("2018-06-01T00:00:00")
	s.seen(0, old)
	s.seen(1, old.Add(time.Hour))
	s.after(10 * second)
	s.again(s.idle(0), s.active(1))
	s.expect(old.Add(time.Hour))
	s.again(s.idle(0), s.idle(1))
	s.expect(old.Add(time.Hour))
}

func TestQuietSourceIsLeftOutAfterThirtySeconds(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.seen(1, now)
	s.after(Quiet)
	s.seen(0, now.Add(Quiet))
	s.report(s.active(0), s.active(1)) // 1 was read up to exactly 30 s after the endpoint's last record there
	s.expect(now)
	s.after(time.Millisecond)
	s.report(s.active(1))
	s.expect(now.Add(Quiet))
}

// The endpoint's next record in a quiet partition may be among the unread ones there.
func TestQuietSourceWithABacklogHoldsWhereItWasReadTo(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.seen(1, now)
	s.after(time.Hour)
	s.seen(1, s.at)
	read := now.Add(minute)
	s.report(Status{Source: p(0), Appended: read, Lag: true}, s.active(1))
	s.expect(read)
	s.report(Status{Source: p(0), Appended: read, Lag: true}, s.idle(1))
	s.expect(read)
	s.report(s.active(0))
	s.expect(s.at)
}

func TestQuietSourceDoesNotMoveAReplay(t *testing.T) {
	s := newStory(t)
	old := date("2018-06-01T00:00:00")
	s.seen(0, old)
	s.seen(1, old.Add(minute))
	s.after(time.Hour)
	s.report(s.active(0), s.active(1))
	s.expect(old.Add(minute)) // all are quiet
	s.seen(1, old.Add(time.Hour))
	s.expect(old.Add(time.Hour))
}

func TestClockMovesAQuietLiveEndpoint(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	for range 60 {
		s.after(minute)
		s.report(s.active(0), s.active(1))
		s.expect(s.at.Add(-IdleTimeout))
	}
}

func TestEndedReplayMovesByItsLongestWindow(t *testing.T) {
	s := newStory(t)
	old := date("2018-06-01T00:00:00")
	s.seen(0, old)
	s.seen(1, old.Add(second))
	s.after(Settle)
	s.report(s.active(0), s.active(1))
	s.expect(old)
	s.ended(0, old)
	s.expect(old.Add(second)) // 1 has not ended
	s.ended(1, old.Add(2*second))
	s.expect(old.Add(65 * second))
	s.ended(0, old.Add(2*second))
	s.expect(old.Add(67 * second))
}

func TestLaterTrafficTakesTheEndBack(t *testing.T) {
	s := newStory(t)
	old := date("2018-06-01T00:00:00")
	s.seen(0, old)
	s.after(Settle)
	s.report(s.active(0), s.active(1))
	s.ended(0, old)
	s.seen(0, old.Add(second))
	s.expect(old.Add(second))
	s.ended(0, old)
	s.expect(old.Add(66 * second))
	s.seen(0, old.Add(70*second))
	s.expect(old.Add(70 * second))
}

func TestEndOfAReplayInAPartitionThatHadNoneOfIt(t *testing.T) {
	s := newStory(t)
	old := date("2018-06-01T00:00:00")
	s.seen(0, old)
	s.ended(0, old)
	s.ended(1, old)
	s.after(Settle)
	s.report(s.active(0), s.active(1))
	s.expect(old.Add(65 * second))
}
