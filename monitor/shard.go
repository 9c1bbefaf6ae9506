package monitor

import (
	"maps"
	"math"
	"slices"

	"tidemark/profile"
	"tidemark/windows"
)

// Shard is all endpoints of one partition of the panes topic. One goroutine owns it.
type Shard struct {
	monitors   []*Monitor
	partitions windows.Partitions
	endpoints  map[string]*endpoint
	system     system

	at  windows.Time // when the last vector was appended
	due []string     // the endpoints whose windows it may close, those that were not looked at yet

	scratch scratch
}

// scratch is an empty profile of each layout, for what is looked at and not kept: a profile takes some time to make.
type scratch map[*profile.Layout]*profile.Profile

func (s scratch) take(layout *profile.Layout) *profile.Profile {
	p := s[layout]
	if p == nil {
		p = profile.New(layout)
		s[layout] = p
	}
	p.Reset()
	p.Joint = nil // not counted, until something is merged in that was
	return p
}

// Output is what a step of a shard has to say.
type Output struct {
	Reports []Report
	Alerts  []Alert
	Late    []Delta
	Windows []SavedWindow // to keep: later windows are compared with them
	Panes   []SavedPane   // to keep: no delta is expected for them, but later windows need them
	Work    int           // how much was done for it: about the columns that were looked at
}

// NewShard returns a shard without endpoints.
func NewShard(monitors []*Monitor) *Shard {
	return &Shard{monitors: monitors, endpoints: map[string]*endpoint{}, system: newSystem(), scratch: scratch{}}
}

// Add takes in a delta that was appended to the log at a moment. It closes no window: a commit has several deltas,
// and the vector that ends it comes after them. An error means that the log holds what this program cannot have
// written; the shard must not be used any more.
func (s *Shard) Add(d *Delta, offset int64, at windows.Time, out *Output) error {
	e := s.endpoint(d.Endpoint)
	if e == nil {
		out.Late = append(out.Late, unwatched(d)...)
		return nil
	}
	late, err := e.add(d, offset)
	if err != nil {
		return err
	}
	out.Late = append(out.Late, late...)
	for _, p := range d.Sources {
		e.frontier.Observe(p, at)
	}
	return nil
}

// MissedMonitor is what a delta missed for whose endpoint there is no monitor: the reader had another configuration.
const MissedMonitor = "monitor"

func unwatched(d *Delta) []Delta {
	var late []Delta
	for _, p := range d.Panes {
		late = append(late, Delta{Endpoint: d.Endpoint, Panes: []PaneDelta{p}, Missed: MissedMonitor})
	}
	return late
}

// endpoint returns the endpoint of that name, or nil when no monitor watches it.
func (s *Shard) endpoint(name string) *endpoint {
	e := s.endpoints[name]
	if e == nil {
		e = newEndpoint(name, s.monitors)
		e.scratch = s.scratch
		if len(e.monitors) == 0 {
			return nil
		}
		s.endpoints[name] = e
	}
	return e
}

// Tick takes in the vector that ends a commit and closes the windows that all sources have passed. For
// errors see Add.
func (s *Shard) Tick(v windows.Vector, at windows.Time, out *Output) error {
	s.Report(v, at)
	return s.Close(math.MaxInt, out)
}

// Report takes in the vector that ends a commit: [Shard.Close] then closes the windows that all sources have passed.
func (s *Shard) Report(v windows.Vector, at windows.Time) {
	s.partitions.Report(v, at)
	s.at, s.due = at, s.Endpoints()
}

// ReplayFrom is the offset that the log has to be read from, with [Shard.Replay], to rebuild what is not saved.
func (s *Shard) ReplayFrom(next int64) int64 {
	from := next
	for _, e := range s.endpoints {
		from = min(from, e.replayFrom(next))
	}
	return from
}

// Owns says whether the endpoint is one of the shard's.
func (s *Shard) Owns(endpoint string) bool { return s.endpoints[endpoint] != nil }

// Endpoints returns the names of the shard's endpoints, in order.
func (s *Shard) Endpoints() []string { return slices.Sorted(maps.Keys(s.endpoints)) }

// Firing is a rule whose alert is firing.
type Firing struct{ Monitor, Endpoint, Variant, Size, Feature, Rule string }

// Firing returns the rules whose alerts are firing.
func (s *Shard) Firing() []Firing {
	var all []Firing
	for _, name := range s.Endpoints() {
		for k, state := range s.endpoints[name].alerts {
			if state.Incident != "" {
				all = append(all, Firing{k.Monitor, name, k.Variant, k.Size, k.Feature, k.Rule})
			}
		}
	}
	return all
}
