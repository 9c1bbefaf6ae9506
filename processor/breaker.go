package processor

import (
	"maps"
	"slices"
	"strings"
	"time"

	"tidemark/monitor"
)

// breaker watches the dead letters of each endpoint, and of the records of each topic that name none. Most of them being
// dead letters is told at once, and goes on; only when these have spent a quota of bytes are the topics that they come
// from not read any more, so that one producer gone wrong neither loses its records nor fills the brokers' disks.
type breaker struct {
	quota   int64
	tallies map[culprit]*tally
	spent   map[string]bool // topics
}

// culprit is an endpoint, or a topic whose records name none.
type culprit struct{ endpoint, topic string }

func (c culprit) compare(o culprit) int {
	if c.endpoint != o.endpoint {
		return strings.Compare(c.endpoint, o.endpoint)
	}
	return strings.Compare(c.topic, o.topic)
}

// failures are a culprit's dead letters since the last commit.
type failures struct {
	rows, records, bytes int64
	topics               map[string]bool
}

// tally is a culprit's latest minute, from its first dead letter on.
type tally struct {
	since, last time.Time // when it began, and when the last dead letter came
	read, dead  int64
	open        bool  // most were dead letters in this minute or the one before
	bytes       int64 // of dead letters while it is open
}

func newBreaker(quota int64) *breaker {
	return &breaker{quota: quota, tallies: map[culprit]*tally{}, spent: map[string]bool{}}
}

// traffic returns what a commit tells: of every culprit with dead letters in the last minute. read is how many rows of
// each endpoint, and records of each topic, there were in all.
func (b *breaker) traffic(failed map[culprit]*failures, read map[culprit]int64) []monitor.Traffic {
	names := maps.Clone(failed)
	for c := range b.tallies {
		if names[c] == nil {
			names[c] = &failures{}
		}
	}
	var traffic []monitor.Traffic
	for _, c := range slices.SortedFunc(maps.Keys(names), culprit.compare) {
		t := monitor.Traffic{Endpoint: c.endpoint, Topic: c.topic, Read: read[c], Dead: names[c].rows}
		if c.endpoint == "" {
			t.Dead = names[c].records
		}
		if t.Read > 0 || t.Dead > 0 {
			traffic = append(traffic, t)
		}
	}
	return traffic
}

// committed takes in what a commit told.
func (b *breaker) committed(traffic []monitor.Traffic, failed map[culprit]*failures, now time.Time) {
	for c, t := range b.tallies {
		if now.Sub(t.since) < monitor.DeadPeriod {
			continue
		}
		if t.open = t.over(); !t.open && now.Sub(t.last) >= monitor.DeadPeriod {
			delete(b.tallies, c)
			continue
		}
		t.since, t.read, t.dead = now, 0, 0
	}
	for _, told := range traffic {
		c := culprit{told.Endpoint, told.Topic}
		t := b.tallies[c]
		if t == nil {
			t = &tally{since: now}
			b.tallies[c] = t
		}
		t.read += told.Read
		t.dead += told.Dead
		t.open = t.open || t.over()
		f := failed[c]
		switch {
		case f == nil:
		case !t.open:
			t.last, t.bytes = now, 0
		default:
			t.last = now
			if t.bytes += f.bytes; t.bytes > b.quota {
				maps.Copy(b.spent, f.topics)
			}
		}
	}
}

func (t *tally) over() bool {
	return t.read >= monitor.DeadLeast && float64(t.dead) > monitor.DeadShare*float64(t.read)
}

// paused returns the topics that are not to be read.
func (b *breaker) paused() []string { return slices.Sorted(maps.Keys(b.spent)) }
