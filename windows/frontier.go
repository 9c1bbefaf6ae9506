package windows

import (
	"math"
	"slices"
	"time"
)

// Progress is how far an endpoint's traffic has come in one source.
type Progress struct {
	Source    Source `json:"source"`
	EventTime Time   `json:"event_time"` // the largest seen
	Appended  Time   `json:"appended"`   // append time of the endpoint's last record
	// Ended: a replay said that no more of it will come. Later traffic takes that back.
	Ended bool `json:"ended,omitempty"`
}

const (
	// Settle is how long after an endpoint's first record none of its windows close: until then it is not known
	// in which partitions its traffic is.
	Settle = 5 * time.Second
	// SettleLag is how long a new endpoint also waits for partitions with unread records, in which it may be.
	SettleLag = 30 * time.Second
	// Quiet is how far a source's other traffic may go on without the endpoint before the source holds it no longer
	// by the endpoint's last record there, but by how far the source was read.
	Quiet = 30 * time.Second
	// IdleTimeout is how far behind the clock the frontier of live traffic follows when all of its sources are idle.
	IdleTimeout = 5 * time.Second
	// LiveRange is how near to the clock an endpoint's frontier must be for its traffic to be live: the frontier of
	// a replay of last year does not follow the clock.
	LiveRange = 10 * time.Minute
)

// Frontier tracks the event time up to which an endpoint's records have been read: the minimum, over the sources
// that have had records of the endpoint, of the largest event time seen in each. A watermark is the frontier less
// the allowed lateness. Its only clock is the append time of the log, so reading the log again gives the same.
type Frontier struct {
	longest time.Duration // longest window: what an ended replay needs to be moved on by
	since   Time          // append time of the endpoint's first record
	value   Time
	sources map[Source]Progress
}

// NewFrontier returns the frontier of an endpoint whose longest window, plus lateness, is given.
func NewFrontier(longest time.Duration) *Frontier {
	return &Frontier{longest: longest, since: Never, value: Never, sources: map[Source]Progress{}}
}

// Value is the frontier. It never goes back.
func (f *Frontier) Value() Time { return f.value }

// Observe takes in progress that was appended to the log at a moment.
func (f *Frontier) Observe(p Progress, at Time) {
	if f.since == Never {
		f.since = at
	}
	if known, ok := f.sources[p.Source]; ok {
		p.EventTime = max(p.EventTime, known.EventTime)
		p.Appended = max(p.Appended, known.Appended)
	}
	f.sources[p.Source] = p
}

// Advance moves the frontier to where the sources are at a moment of the log, and returns it.
func (f *Frontier) Advance(partitions *Partitions, at Time) Time {
	if !f.settled(partitions, at) {
		return f.value
	}
	slowest, fastest, active := Time(math.MaxInt64), Never, false
	for source, p := range f.sources {
		if !partitions.exists(source) {
			continue // of a topic that was made again with fewer partitions
		}
		status := partitions.sources[source]
		time, read := p.EventTime, status.read(at)
		if p.Ended {
			time = time.Add(f.longest)
		}
		fastest = max(fastest, time)
		if status.idle(at) || read > p.Appended.Add(Quiet) {
			// Live traffic may be among what is unread. Of a replay this is far ahead and holds nothing.
			time = max(time, read)
		} else {
			active = true
		}
		slowest = min(slowest, time)
	}
	if !active {
		clock := min(slowest, at.Add(-IdleTimeout))
		slowest = min(slowest, fastest)
		if live := max(fastest, f.value).Add(LiveRange) >= at; live {
			slowest = max(slowest, clock)
		}
	}
	f.value = max(f.value, slowest)
	return f.value
}

// settled says whether the endpoint's sources are known well enough to close windows.
func (f *Frontier) settled(partitions *Partitions, at Time) bool {
	if f.since == Never || at < f.since.Add(Settle) {
		return false
	}
	topics := map[string]bool{}
	for source := range f.sources {
		topics[source.Topic] = true
	}
	for topic := range topics {
		if !partitions.complete(topic) {
			return false
		}
	}
	if at >= f.since.Add(SettleLag) {
		return true
	}
	for source, status := range partitions.sources {
		if _, seen := f.sources[source]; !seen && topics[source.Topic] && status.Lag {
			return false
		}
	}
	return true
}

// FrontierState is what a frontier needs to go on after a restart.
type FrontierState struct {
	Since   Time       `json:"since"`
	Value   Time       `json:"value"`
	Sources []Progress `json:"sources"`
}

// State returns the frontier's state.
func (f *Frontier) State() FrontierState {
	s := FrontierState{Since: f.since, Value: f.value}
	for _, p := range f.sources {
		s.Sources = append(s.Sources, p)
	}
	slices.SortFunc(s.Sources, func(a, b Progress) int { return a.Source.Compare(b.Source) })
	return s
}

// Restore replaces the frontier's state.
func (f *Frontier) Restore(s FrontierState) {
	f.since, f.value = s.Since, s.Value
	f.sources = make(map[Source]Progress, len(s.Sources))
	for _, p := range s.Sources {
		f.sources[p.Source] = p
	}
}
