package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidemark/windows"
)

// SavedEndpoint is the state of an endpoint apart from its panes.
type SavedEndpoint struct {
	Version  int                     `json:"version"`
	Endpoint string                  `json:"endpoint"`
	Frontier windows.FrontierState   `json:"frontier"`
	Closed   map[string]windows.Time `json:"closed"` // by monitor
	Whole    map[string]windows.Time `json:"whole"`  // by monitor
	Alerts   []SavedAlert            `json:"alerts,omitempty"`
}

// SavedAlert is what a rule on a feature remembers.
type SavedAlert struct {
	alertKey
	alertState
}

// SavedPane is a pane that no delta is expected for any more.
type SavedPane struct {
	Version  int       `json:"version"`
	Slot     int64     `json:"-"` // the pane's place in the ring of its series
	Endpoint string    `json:"endpoint"`
	Pane     PaneDelta `json:"pane"`
	Through  int64     `json:"through"` // deltas before this offset of the log are in the pane
}

const stateVersion = 1

func (e *endpoint) saved(key seriesKey, start windows.Time, p *pane) SavedPane {
	d := PaneDelta{
		Variant: key.variant, Layout: key.layout, Start: start, Length: e.pane.Milliseconds(),
		Rows: p.rows, Ranges: p.ranges,
	}
	if len(p.parts) > 0 {
		d.Profile = p.parts[0] // compact left one
	}
	index := int64(start.Floor(e.pane)) / e.pane.Milliseconds()
	return SavedPane{Version: stateVersion, Slot: floorMod(index, e.ring()), Endpoint: e.name, Pane: d, Through: p.through}
}

// ring is the number of slots that the saved panes of a series need: those of the longest window, and as many for
// panes ahead of it.
func (e *endpoint) ring() int64 {
	longest := int64(1)
	for _, m := range e.monitors {
		for _, spec := range m.Windows {
			longest = max(longest, int64(spec.Size/e.pane))
		}
	}
	return 2 * longest
}

func floorMod(a, n int64) int64 { return (a%n + n) % n }

// Changes returns the states of the endpoints that changed since the last call.
func (s *Shard) Changes() []SavedEndpoint {
	var changed []SavedEndpoint
	for _, name := range slices.Sorted(maps.Keys(s.endpoints)) {
		if e := s.endpoints[name]; e.dirty {
			changed = append(changed, e.state())
			e.dirty = false
		}
	}
	return changed
}

func (e *endpoint) state() SavedEndpoint {
	saved := SavedEndpoint{
		Version: stateVersion, Endpoint: e.name, Frontier: e.frontier.State(),
		Closed: map[string]windows.Time{}, Whole: map[string]windows.Time{},
	}
	for i, m := range e.monitors {
		saved.Closed[m.Name], saved.Whole[m.Name] = e.closed[i], e.whole[i]
	}
	for key, state := range e.alerts {
		saved.Alerts = append(saved.Alerts, SavedAlert{key, *state})
	}
	slices.SortFunc(saved.Alerts, func(a, b SavedAlert) int { return a.compare(b.alertKey) })
	return saved
}

// Partitions returns the status of the capture partitions, to save.
func (s *Shard) Partitions() windows.Vector { return s.partitions.Snapshot() }

// RestorePartitions takes back what Partitions returned.
func (s *Shard) RestorePartitions(v windows.Vector) { s.partitions.Restore(v) }

// Restore takes back the state of an endpoint. It must come before the endpoint's panes.
func (s *Shard) Restore(saved SavedEndpoint) error {
	if saved.Version != stateVersion {
		return fmt.Errorf("state of endpoint %q has version %d, this program reads version %d", saved.Endpoint, saved.Version, stateVersion)
	}
	e := s.endpoint(saved.Endpoint)
	if e == nil {
		return nil // its monitor was removed from the configuration
	}
	e.frontier.Restore(saved.Frontier)
	for i, m := range e.monitors {
		closed, known := saved.Closed[m.Name]
		if !known && saved.Frontier.Value != windows.Never {
			closed, known = saved.Frontier.Value.Add(-m.AllowedLateness), true // a new monitor starts here
		}
		if known {
			e.closed[i], e.whole[i] = closed, closed
		}
		if whole, saved := saved.Whole[m.Name]; saved {
			e.whole[i] = whole
		}
	}
	for _, a := range saved.Alerts {
		state := a.alertState
		e.alerts[a.alertKey] = &state
	}
	return nil
}

// RestorePane takes back a saved pane, unless no window needs it any more or a later save of it is there.
func (s *Shard) RestorePane(saved SavedPane) {
	e := s.endpoint(saved.Endpoint)
	if e == nil || saved.Pane.length() != e.pane || !e.needed(seriesKey{saved.Pane.Variant, saved.Pane.Layout}, saved.Pane.Start) {
		return
	}
	series := e.seriesOf(saved.Pane.Variant, saved.Pane.Layout)
	if known, ok := series.panes.Get(saved.Pane.Start); ok && known.through >= saved.Through {
		return
	}
	series.panes.Put(saved.Pane.Start, &pane{
		parts: [][]byte{saved.Pane.Profile}, rows: saved.Pane.Rows, ranges: saved.Pane.Ranges,
		first: -1, through: saved.Through, saved: saved.Through,
	})
}

// Replay takes in a delta that was decided on before the restart: it rebuilds panes and says nothing.
func (s *Shard) Replay(d *Delta, offset int64) error {
	e := s.endpoint(d.Endpoint)
	if e == nil {
		return nil
	}
	for _, p := range d.Panes {
		if missed := e.fit(&p); missed != "" && missed != MissedSome {
			continue
		}
		series := e.seriesOf(p.Variant, p.Layout)
		if known, ok := series.panes.Get(p.Start); ok && offset < known.saved {
			continue
		}
		if err := series.add(p, offset, e.scratch); err != nil {
			return err
		}
	}
	return nil
}

// Key is the key of the saved pane in a compacted topic: a place in a ring, so that panes need no tombstones.
func (p *SavedPane) Key() string {
	return fmt.Sprintf("pane/%d/%s/%s/%s", p.Slot, p.Pane.Layout, escape(p.Pane.Variant), p.Endpoint)
}

// Key is the key of the endpoint's state in a compacted topic.
func (e *SavedEndpoint) Key() string { return "endpoint/" + e.Endpoint }

func escape(variant string) string {
	return strings.ReplaceAll(strings.ReplaceAll(variant, "%", "%25"), "/", "%2F")
}

// Append writes the saved pane behind b: the length of the JSON head as a varint, the head, the profile.
func (p *SavedPane) Append(b []byte) ([]byte, error) {
	p.Pane.Size = len(p.Pane.Profile)
	b, err := p.appendHead(b)
	if err != nil {
		return nil, fmt.Errorf("encode pane of endpoint %q: %w", p.Endpoint, err)
	}
	return append(b, p.Pane.Profile...), nil
}

// DecodePane reads what Append wrote. The profile shares the memory of b.
func DecodePane(b []byte) (p SavedPane, err error) {
	profile, err := cutHead(b, &p)
	if err != nil {
		return p, fmt.Errorf("decode saved pane: %w", err)
	}
	if p.Version != stateVersion {
		return p, fmt.Errorf("decode saved pane: version %d, this program reads version %d", p.Version, stateVersion)
	}
	p.Pane.Profile = profile
	if len(p.Pane.Profile) != p.Pane.Size {
		return p, fmt.Errorf("decode saved pane: %d bytes of profile, the head says %d", len(p.Pane.Profile), p.Pane.Size)
	}
	return p, nil
}
