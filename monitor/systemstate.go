package monitor

import (
	"fmt"
	"maps"
	"slices"

	"tidemark/windows"
)

// SavedSystem is what a shard knows of Tidemark's own work.
type SavedSystem struct {
	Version int                             `json:"version"`
	Alerts  []SavedAlert                    `json:"alerts,omitempty"`
	Traffic []savedTraffic                  `json:"traffic,omitempty"`
	Behind  []behind                        `json:"behind,omitempty"`
	Archive []behind                        `json:"archive,omitempty"`
	Paused  map[string]windows.Time         `json:"paused,omitempty"`
	Losses  map[windows.Source]windows.Time `json:"losses,omitempty"`
}

type savedTraffic struct {
	trafficKey
	deadCount
}

// System returns that state, if it changed since the last call.
func (s *Shard) System() (saved SavedSystem, changed bool) {
	y := &s.system
	if !y.dirty {
		return SavedSystem{}, false
	}
	y.dirty = false
	saved = SavedSystem{Version: stateVersion, Paused: maps.Clone(y.paused), Losses: maps.Clone(y.losses)}
	for _, key := range slices.SortedFunc(maps.Keys(y.alerts), alertKey.compare) {
		saved.Alerts = append(saved.Alerts, SavedAlert{key, *y.alerts[key]})
	}
	for _, key := range slices.SortedFunc(maps.Keys(y.traffic), trafficKey.compare) {
		saved.Traffic = append(saved.Traffic, savedTraffic{key, *y.traffic[key]})
	}
	for _, source := range sortedSources(y.behind) {
		saved.Behind = append(saved.Behind, y.behind[source])
	}
	for _, source := range sortedSources(y.archive) {
		saved.Archive = append(saved.Archive, y.archive[source])
	}
	return saved, true
}

// RestoreSystem takes back what System returned.
func (s *Shard) RestoreSystem(saved SavedSystem) error {
	if saved.Version != stateVersion {
		return fmt.Errorf("state of the system alerts has version %d, this program reads version %d", saved.Version, stateVersion)
	}
	y := newSystem()
	for _, a := range saved.Alerts {
		y.alerts[a.alertKey] = &a.alertState
	}
	for _, t := range saved.Traffic {
		y.traffic[t.trafficKey] = &t.deadCount
	}
	for _, b := range saved.Behind {
		y.behind[b.Source] = b
	}
	for _, b := range saved.Archive {
		y.archive[b.Source] = b
	}
	maps.Copy(y.paused, saved.Paused)
	maps.Copy(y.losses, saved.Losses)
	s.system = y
	return nil
}
