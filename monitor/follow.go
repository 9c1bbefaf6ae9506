package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tidemark/detectors"
	"tidemark/detectors/sequential"
	"tidemark/profile"
	"tidemark/windows"
)

const (
	// keepSequence is for how long, in event time, a detector of a variant without traffic is kept.
	keepSequence = 8 * 24 * time.Hour
	// maxFollowed bounds the variants of an endpoint that a monitor's sequential detectors follow at a time: variants
	// come from producers.
	maxFollowed = 100
)

// sequenceKey names a sequential detector within an endpoint.
type sequenceKey struct {
	Monitor string `json:"monitor"`
	Variant string `json:"variant"`
	Feature string `json:"feature"`
	Rule    string `json:"rule"`
}

func (k sequenceKey) compare(o sequenceKey) int {
	return strings.Compare(k.String(), o.String())
}

// String is a text of which no two keys have the same.
func (k sequenceKey) String() string {
	return strings.Join([]string{escape(k.Monitor), escape(k.Variant), escape(k.Feature), escape(k.Rule)}, "/")
}

// sequence is a detector and what it took.
type sequence struct {
	detector sequential.Sequential
	seen     SequenceReport
	last     windows.Time // start of the last pane
	changed  bool         // since it was last saved
}

// SequenceReport is what a sequential detector took until a window was reported.
type SequenceReport struct {
	Values  int64         `json:"values"`            // panes that it took a value of
	Ignored int64         `json:"ignored,omitempty"` // panes whose value it does not take, such as one over 1
	Drifted *windows.Time `json:"drifted,omitempty"` // start of the latest pane in which it found a change
	Drift   bool          `json:"drift"`             // that pane is in the window
}

// follow gives the i-th monitor's bets and sequential detectors the panes of a variant that the watermark passes, in their
// order.
func (e *endpoint) follow(i int, variant string, passed windows.Window, out *Output) error {
	m := e.monitors[i]
	if b := e.bets[budgetKey{m.Name, variant}]; b != nil && len(b.past) > 1 {
		b.past = b.past[len(b.past)-1:]
	}
	s := e.series[seriesKey{variant, m.Layout().ID()}]
	if s == nil || len(m.Sequential) == 0 && !m.Budget.on() {
		return nil
	}
	admitted := len(m.Sequential) > 0 && e.admit(m, variant)
	for start, p := range s.panes.Within(passed) {
		out.Work += len(m.Layout().Features)
		current := e.scratch.take(m.Layout())
		for _, part := range p.parts {
			if err := current.MergeEncoded(part); err != nil {
				return fmt.Errorf("endpoint %q, variant %q, pane %v: %w", e.name, variant, start, err)
			}
		}
		if m.Budget.on() {
			if err := e.weigh(i, variant, start, current, out); err != nil {
				return err
			}
		}
		if !admitted {
			continue
		}
		for k := range m.Sequential {
			for f := range current.Features {
				if m.Sequential[k].watches(&m.Baseline.Profile.Features[f]) {
					e.take(m, &m.Sequential[k], f, variant, start, p, current, out)
				}
			}
		}
	}
	return nil
}

// admit says whether the variant is followed already, or may be. Detectors that had no traffic for long make room.
func (e *endpoint) admit(m *Monitor, variant string) bool {
	followed := map[string]bool{}
	for key := range e.sequences {
		if key.Monitor == m.Name {
			followed[key.Variant] = true
		}
	}
	return followed[variant] || len(followed) < maxFollowed
}

// forgetSequences drops the detectors of variants that had no traffic for long before the watermark.
func (e *endpoint) forgetSequences(m *Monitor, watermark windows.Time) {
	maps.DeleteFunc(e.sequences, func(key sequenceKey, q *sequence) bool {
		return key.Monitor == m.Name && q.last < watermark.Add(-keepSequence)
	})
}

// take gives a detector the value of a feature in a pane, and steps its alert.
func (e *endpoint) take(m *Monitor, config *Sequence, f int, variant string, start windows.Time, p *pane, current *profile.Profile, out *Output) {
	value, defined := config.valueOf(&current.Features[f])
	if !defined {
		return
	}
	key := sequenceKey{m.Name, variant, current.Features[f].Layout.Name, config.rule()}
	q := e.sequences[key]
	if q == nil {
		detector, err := config.detector()
		if err != nil {
			return // the configuration was not checked
		}
		q = &sequence{detector: detector}
		e.sequences[key] = q
	}
	q.last, q.changed = start, true
	level := q.detector.Update(value)
	if level == sequential.Ignored {
		q.seen.Ignored++
		return
	}
	q.seen.Values++
	if level == sequential.Drift {
		q.seen.Drifted = &start
	}
	w := windows.Window{Start: start, End: start.Add(e.pane)}
	r := Report{Monitor: m.Name, Endpoint: e.name, Variant: variant, Window: Window{w, windows.FormatDuration(e.pane)}, Rows: current.Rows, Baseline: m.Baseline.ID}
	alert := alertKey{m.Name, variant, r.Window.Size, key.Feature, key.Rule}
	out.Alerts = append(out.Alerts, raise(e.alerts, alert, level == sequential.Drift, config.For, start, func(transition string) Alert {
		reference := &m.Baseline.Profile.Features[f]
		a := m.traffic(&r, key.Rule, p.ranges, transition)
		a.ID, a.Kind, a.Feature, a.Score = alertID(&r, key.Feature, key.Rule, transition), detectors.KindDrift, key.Feature, value
		a.Samples = Samples{reference.Captured, current.Features[f].Captured}
		a.Histogram = detectors.Compare(reference, &current.Features[f])
		a.Evidence.Value, a.Evidence.Values = config.Value, q.seen.Values
		return a
	})...)
}

// sequenceReports adds to a window's report what the sequential detectors took.
func (e *endpoint) sequenceReports(m *Monitor, r *Report) {
	for k := range m.Sequential {
		for i := range r.Features {
			q := e.sequences[sequenceKey{m.Name, r.Variant, r.Features[i].Name, m.Sequential[k].rule()}]
			if q == nil || !m.Sequential[k].watches(&m.Baseline.Profile.Features[i]) {
				continue
			}
			seen := q.seen
			if d := seen.Drifted; d != nil {
				seen.Drift = *d >= r.Window.Start && *d < r.Window.End
				r.Drift = r.Drift || seen.Drift
			}
			if r.Features[i].Sequential == nil {
				r.Features[i].Sequential = map[string]SequenceReport{}
			}
			r.Features[i].Sequential[m.Sequential[k].rule()] = seen
		}
	}
}

// SavedSequence is the state of a sequential detector.
type SavedSequence struct {
	Version  int    `json:"version"`
	Endpoint string `json:"endpoint"`
	sequenceKey
	Last  windows.Time   `json:"last"`
	Seen  SequenceReport `json:"seen"`
	State []byte         `json:"state"`
}

// Key is the key of the saved detector in a compacted topic.
func (q *SavedSequence) Key() string { return "sequence/" + q.String() + "/" + q.Endpoint }

// Sequences returns the sequential detectors that took a value since the last call.
func (s *Shard) Sequences() ([]SavedSequence, error) {
	var changed []SavedSequence
	for _, name := range slices.Sorted(maps.Keys(s.endpoints)) {
		e := s.endpoints[name]
		for _, key := range slices.SortedFunc(maps.Keys(e.sequences), sequenceKey.compare) {
			q := e.sequences[key]
			if !q.changed {
				continue
			}
			q.changed = false
			state, err := q.detector.MarshalBinary()
			if err != nil {
				return nil, fmt.Errorf("encode detector %v of endpoint %q: %w", key, name, err)
			}
			changed = append(changed, SavedSequence{stateVersion, name, key, q.last, q.seen, state})
		}
	}
	return changed, nil
}

// RestoreSequence takes back the state of a sequential detector. One whose settings changed, or that was removed from
// the configuration, begins anew.
func (s *Shard) RestoreSequence(saved SavedSequence) error {
	if saved.Version != stateVersion {
		return fmt.Errorf("detector %v of endpoint %q has version %d, this program reads version %d", saved.sequenceKey, saved.Endpoint, saved.Version, stateVersion)
	}
	e := s.endpoint(saved.Endpoint)
	if e == nil {
		return nil
	}
	for _, m := range e.monitors {
		for k := range m.Sequential {
			q := &m.Sequential[k]
			if m.Name != saved.Monitor || q.rule() != saved.Rule || q.Feature != "*" && q.Feature != saved.Feature {
				continue
			}
			detector, err := q.detector()
			if err == nil && detector.UnmarshalBinary(saved.State) == nil {
				e.sequences[saved.sequenceKey] = &sequence{detector: detector, seen: saved.Seen, last: saved.Last}
			}
		}
	}
	return nil
}
