package windows

import (
	"testing"
	"time"
)

// now is the log's clock when the stories begin; live traffic has event times next to it.
var now = date("2026-03-01T12:00:00")

// story drives one frontier with a longest window of a minute and five seconds of lateness.
type story struct {
	*testing.T
	frontier   *Frontier
	partitions Partitions
	at         Time // of the log
}

func newStory(t *testing.T) *story { return &story{T: t, frontier: NewFrontier(65 * second), at: now} }

// after lets time pass in the log.
func (s *story) after(d time.Duration) { s.at = s.at.Add(d) }

// seen is a record of the endpoint in a partition, with an event time, read at once.
func (s *story) seen(partition int32, eventTime Time) {
	s.frontier.Observe(Progress{Source: p(partition), EventTime: eventTime, Appended: s.at}, s.at)
}

// ended is the punctuation of a replay.
func (s *story) ended(partition int32, eventTime Time) {
	s.frontier.Observe(Progress{Source: p(partition), EventTime: eventTime, Appended: Never, Ended: true}, s.at)
}

// report is the vector of a topic of two partitions.
func (s *story) report(status ...Status) { s.partitions.Report(say(2, status...), s.at) }

// again is two reports: the broker was asked in between, so what the second calls idle was read up to now.
func (s *story) again(status ...Status) {
	s.report(status...)
	s.report(status...)
}

// expect advances the frontier and compares it.
func (s *story) expect(want Time) {
	s.Helper()
	if got := s.frontier.Advance(&s.partitions, s.at); got != want || s.frontier.Value() != want {
		s.Errorf("at %v the frontier is %v (value %v), want %v", s.at, got, s.frontier.Value(), want)
	}
}

func (s *story) active(partition int32) Status {
	return Status{Source: p(partition), Appended: s.at}
}
func (s *story) idle(partition int32) Status {
	return Status{Source: p(partition), Appended: now, Idle: true}
}
func (s *story) lagging(partition int32) Status {
	return Status{Source: p(partition), Appended: s.at, Lag: true}
}

func TestFrontierIsTheMinimumOfItsSources(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.seen(1, now.Add(-3*second))
	s.after(Settle)
	s.report(s.active(0), s.active(1))
	s.expect(now.Add(-3 * second))
	s.seen(1, now.Add(second))
	s.expect(now)
	s.seen(0, now.Add(-time.Hour)) // an older record: the source was further already
	s.expect(now)
	s.seen(0, now.Add(4*second))
	s.expect(now.Add(second))
}

func TestFrontierNeverGoesBack(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.after(Settle)
	s.report(s.active(0), s.active(1))
	s.expect(now)
	s.seen(1, now.Add(-time.Hour)) // a new source that is far behind
	s.expect(now)
}

func TestFrontierSettles(t *testing.T) {
	s := newStory(t)
	s.expect(Never) // no record at all
	s.report(s.active(0), s.active(1))
	s.seen(0, now)
	s.after(Settle - time.Millisecond)
	s.expect(Never)
	s.after(time.Millisecond)
	s.expect(now)
}

func TestFrontierWaitsForAllPartitionsOfItsTopics(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.report(s.active(0))
	s.after(time.Hour)
	s.report(s.active(0))
	s.expect(Never)
	s.partitions.Report(Vector{Counts: map[string]int32{"other": 3}}, s.at) // no topic of the endpoint
	s.again(s.idle(1))
	s.expect(now)
}

func TestFrontierWaitsForNewPartition(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.after(Settle)
	s.report(s.active(0), s.active(1))
	s.expect(now)
	s.partitions.Report(say(3), s.at)
	s.seen(0, now.Add(second))
	s.expect(now)
	s.partitions.Report(say(3, Status{Source: p(2)}), s.at)
	s.expect(now.Add(second))
}

func TestNewEndpointWaitsForUnreadPartitions(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.after(Settle)
	s.report(s.active(0), s.lagging(1))
	s.expect(Never)
	s.after(SettleLag - Settle - time.Millisecond)
	s.report(s.active(0), s.lagging(1))
	s.expect(Never)
	s.after(time.Millisecond)
	s.expect(now)
}

func TestNewEndpointDoesNotWaitForOnesReadToTheEnd(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.after(Settle)
	s.report(s.active(0), s.lagging(1))
	s.expect(Never)
	s.after(second)
	s.report(s.active(1))
	s.expect(now)
}

func TestLagOfItsOwnSourceDoesNotKeepANewEndpointFromSettling(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.after(Settle)
	s.report(s.lagging(0), s.active(1))
	s.partitions.Report(Vector{Counts: map[string]int32{"other": 1}, Sources: []Status{{Source: Source{"other", 0}, Lag: true}}}, s.at)
	s.expect(now)
}

func TestIdleSourceHoldsWhereItWasProven(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.seen(1, now)
	s.after(Settle)
	s.report(s.active(0), s.active(1))
	s.expect(now)
	s.seen(0, now.Add(6*second))
	s.expect(now) // 1 is silent, which proves nothing
	s.after(second)
	s.report(s.active(0), s.idle(1)) // the broker was asked after the report before
	s.expect(now.Add(5 * second))
	s.after(second)
	s.report(s.active(0), s.idle(1))
	s.expect(now.Add(6 * second))
}

// A reader asks, is told that nothing is unread, is stopped, and only nine seconds later writes what it heard. What was
// captured meanwhile is not late.
func TestProofIsAsOldAsTheReportBefore(t *testing.T) {
	s := newStory(t)
	s.seen(0, now)
	s.seen(1, now)
	s.after(Settle)
	s.report(s.active(0), s.active(1))
	s.after(9 * second)
	s.seen(0, s.at)
	s.report(s.active(0), s.idle(1))
	s.expect(now.Add(Settle))
	s.seen(1, now.Add(Settle+second)) // read at last
	s.report(s.active(0), s.active(1))
	s.expect(now.Add(Settle + second))
}

// Of a replay a proof holds nothing, but it does not hold for ever either.
func TestProofLapses(t *testing.T) {
	s := newStory(t)
	old := date("2018-06-01T00:00:00")
	s.seen(0, old)
	s.seen(1, old)
	s.after(Settle)
	s.again(s.active(0), s.idle(1))
	s.after(Lease)
	s.seen(0, old.Add(minute))
	s.expect(old.Add(minute)) // the lease's last millisecond
	s.after(time.Millisecond)
	s.seen(0, old.Add(2*minute))
	s.expect(old.Add(minute)) // it lapsed: 1 holds again
	s.again(s.idle(1))
	s.expect(old.Add(2 * minute))
}
