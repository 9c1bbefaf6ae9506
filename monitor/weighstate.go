package monitor

import (
	"fmt"
	"maps"
	"slices"

	"tidemark/detectors/budget"
	"tidemark/windows"
)

// SavedBets is the state of the bets of a monitor's alarm budget on one variant.
type SavedBets struct {
	Version  int    `json:"version"`
	Endpoint string `json:"endpoint"`
	budgetKey
	Baseline  string          `json:"baseline"`
	MinEffect float64         `json:"min_effect"`
	Pane      int64           `json:"pane"` // milliseconds
	Bets      int             `json:"bets"` // how many the features have
	Place     int             `json:"place"`
	Last      windows.Time    `json:"last"`
	Unseen    int64           `json:"unseen,omitempty"`
	Effects   map[int]float64 `json:"effects,omitempty"` // by feature with a winning bet
	Pairs     int             `json:"pairs,omitempty"`   // how many pairs of features have a state
	Sums      int             `json:"sums,omitempty"`    // how many sums over features have one
	Size      int             `json:"size"`              // bytes of the states
	States    []byte          `json:"-"`                 // encoded, of all features, of all pairs and of all sums
}

// Key is the key of the saved bets in a compacted topic.
func (s *SavedBets) Key() string { return "bets/" + s.String() + "/" + s.Endpoint }

// Append writes the saved bets behind b: the length of the JSON head as a varint, the head, the states.
func (s *SavedBets) Append(b []byte) ([]byte, error) {
	s.Size = len(s.States)
	b, err := appendHead(b, s)
	if err != nil {
		return nil, fmt.Errorf("encode bets of endpoint %q: %w", s.Endpoint, err)
	}
	return append(b, s.States...), nil
}

// DecodeBets reads what Append wrote. The states share the memory of b.
func DecodeBets(b []byte) (s SavedBets, err error) {
	if s.States, err = cutHead(b, &s); err != nil {
		return s, fmt.Errorf("decode saved bets: %w", err)
	}
	if s.Version != stateVersion {
		return s, fmt.Errorf("decode saved bets: version %d, this program reads version %d", s.Version, stateVersion)
	}
	if len(s.States) != s.Size {
		return s, fmt.Errorf("decode saved bets: %d bytes of states, the head says %d", len(s.States), s.Size)
	}
	return s, nil
}

// Bets returns the bets that changed since the last call.
func (s *Shard) Bets() []SavedBets {
	var changed []SavedBets
	for _, name := range slices.Sorted(maps.Keys(s.endpoints)) {
		e := s.endpoints[name]
		for _, key := range slices.SortedFunc(maps.Keys(e.bets), budgetKey.compare) {
			b := e.bets[key]
			if !b.changed {
				continue
			}
			b.changed = false
			for _, m := range e.monitors {
				if m.Name == key.Monitor {
					changed = append(changed, e.savedBets(m, key, b))
				}
			}
		}
	}
	return changed
}

func (e *endpoint) savedBets(m *Monitor, key budgetKey, b *bets) SavedBets {
	saved := SavedBets{
		Version: stateVersion, Endpoint: e.name, budgetKey: key, Baseline: m.Baseline.ID, MinEffect: m.Budget.MinEffect,
		Pane: e.pane.Milliseconds(), Bets: m.bets(), Place: b.place, Last: b.last, Unseen: b.unseen,
	}
	for f, state := range b.states {
		saved.States = state.Append(saved.States)
		if len(b.past) == 0 {
			continue
		}
		if effect := b.past[len(b.past)-1].features[f].Effect; effect > 0 {
			if saved.Effects == nil {
				saved.Effects = map[int]float64{}
			}
			saved.Effects[f] = effect
		}
	}
	saved.Pairs = len(b.pairs)
	for i := range b.pairs {
		saved.States = b.pairs[i].Append(saved.States)
	}
	saved.Sums = len(b.sums)
	for _, state := range b.sums {
		saved.States = state.Append(saved.States)
	}
	return saved
}

// bets is how many bets stand on the monitor's features.
func (m *Monitor) bets() int {
	n := 0
	for _, t := range m.tables {
		n += t.Bets()
	}
	return n
}

// RestoreBets takes back saved bets. They begin anew with another baseline, least effect, length of panes or number of bets. It must
// come after the endpoint's state.
func (s *Shard) RestoreBets(saved SavedBets) error {
	e := s.endpoint(saved.Endpoint)
	if e == nil {
		return nil
	}
	for _, m := range e.monitors {
		if m.Name != saved.Monitor || !m.Budget.on() || m.Baseline.ID != saved.Baseline || m.Budget.MinEffect != saved.MinEffect ||
			e.pane.Milliseconds() != saved.Pane || m.bets() != saved.Bets {
			continue
		}
		b := &bets{place: saved.Place, last: saved.Last, unseen: saved.Unseen}
		rest := saved.States
		for f := range m.weighed {
			var state *budget.State
			var err error
			if state, rest, err = m.tables[f].Decode(rest); err != nil {
				return fmt.Errorf("bets of monitor %q on %q of endpoint %q: feature %q: %w", saved.Monitor, saved.Variant, saved.Endpoint, m.Layout().Features[f].Name, err)
			}
			b.states = append(b.states, state)
		}
		b.pairs = make([]budget.PairState, len(m.pairs))
		for i := range min(saved.Pairs, len(m.pairs)) { // the baseline's ID says that they are the same
			state, left, err := budget.DecodePair(rest)
			if err != nil {
				return fmt.Errorf("bets of monitor %q on %q of endpoint %q: pair %q: %w", saved.Monitor, saved.Variant, saved.Endpoint, m.pairName(i), err)
			}
			b.pairs[i], rest = *state, left
		}
		for i, table := range m.projections {
			state := table.NewState()
			if i < saved.Sums {
				var err error
				if state, rest, err = table.Decode(rest); err != nil {
					return fmt.Errorf("bets of monitor %q on %q of endpoint %q: %s: %w", saved.Monitor, saved.Variant, saved.Endpoint, m.projectionName(i), err)
				}
			}
			b.sums = append(b.sums, state)
		}
		if b.last != windows.Never {
			panes, share := m.Budget.FalseAlarms.panes(e.pane), e.share(m, b.place)
			standing := standing{end: b.last.Add(e.pane), features: make([]featureStanding, len(m.weighed))}
			for f, state := range b.states {
				r := m.standing(f, m.tables[f], state, share*state.Wealth(), panes, b.last, e.pane)
				r.Effect = saved.Effects[f]
				standing.features[f] = r
			}
			b.past = append(b.past, standing)
		}
		e.bets[saved.budgetKey] = b
	}
	return nil
}
