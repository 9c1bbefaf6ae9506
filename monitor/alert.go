package monitor

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"tidemark/detectors"
	"tidemark/profile"
	"tidemark/windows"
)

// Alert is a transition of a rule on one feature: it began to be over its threshold, or no longer is. A record on
// the alerts topic.
type Alert struct {
	ID        string              `json:"id"`       // the same when the same transition is sent again
	Kind      string              `json:"kind"`     // drift or quality
	State     string              `json:"state"`    // firing or resolved
	Incident  string              `json:"incident"` // ID of the firing that this belongs to
	Monitor   string              `json:"monitor"`
	Endpoint  string              `json:"endpoint"`
	Variant   string              `json:"variant"`
	Segment   string              `json:"segment"`
	Feature   string              `json:"feature"`
	Rule      string              `json:"rule"`
	Score     float64             `json:"score"`
	Threshold float64             `json:"threshold"`
	Window    Window              `json:"window"`
	Since     windows.Time        `json:"since"` // start of the first window over the threshold
	Samples   Samples             `json:"samples"`
	Evidence  Evidence            `json:"evidence"`
	Histogram detectors.Histogram `json:"histogram"`
	Top       []TopFeature        `json:"top_features"`
	Baseline  string              `json:"baseline"`
	Reference *Reference          `json:"reference,omitempty"` // where it is not the whole baseline
	Archive   Archive             `json:"archive"`
	Message   string              `json:"message"`
}

// Samples is how many values were compared.
type Samples struct {
	Reference int64 `json:"reference"`
	Current   int64 `json:"current"`
}

// Evidence is why the state changed: Over of the latest Of windows were over the threshold.
type Evidence struct {
	Over int `json:"over"`
	Of   int `json:"of"`
}

// TopFeature is a feature with one of the window's largest scores of the rule.
type TopFeature struct {
	Feature string  `json:"feature"`
	Rule    string  `json:"rule"`
	Score   float64 `json:"score"`
}

// Archive is where the window's records are: offsets of the capture topic, other records between them.
type Archive struct {
	Topic      string             `json:"topic"`
	Partitions []ArchivePartition `json:"partitions"`
}

// ArchivePartition is the offsets [Start, End) of a partition.
type ArchivePartition struct {
	Topic     string `json:"topic,omitempty"` // where it is not the archive's
	Partition int32  `json:"partition"`
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
}

const (
	firing   = "firing"
	resolved = "resolved"
)

// alertKey names a rule on a feature within an endpoint.
type alertKey struct {
	Monitor string `json:"monitor"`
	Variant string `json:"variant"`
	Size    string `json:"size"`
	Feature string `json:"feature"`
	Rule    string `json:"rule"`
}

// alertState is what a rule on a feature remembers from window to window.
type alertState struct {
	History  uint64       `json:"history"` // latest window in bit 0; set: over the threshold
	Since    windows.Time `json:"since"`
	Incident string       `json:"incident,omitempty"` // set while firing
}

// step takes in whether the latest window was over the threshold and returns the new state if that changed.
func (s *alertState) step(over bool, f For, start windows.Time) (transition string, evidence Evidence) {
	mask := uint64(1)<<f.N - 1
	if f.N == 64 {
		mask = ^uint64(0)
	}
	if over && s.History&mask == 0 {
		s.Since = start
	}
	s.History <<= 1
	if over {
		s.History |= 1
	}
	s.History &= mask
	evidence = Evidence{Over: bits.OnesCount64(s.History), Of: f.N}
	switch active := evidence.Over >= f.M; {
	case active && s.Incident == "":
		return firing, evidence
	case !active && s.Incident != "":
		return resolved, evidence
	}
	return "", evidence
}

// alerts steps the rules of a window's report and returns the transitions.
func (m *Monitor) alerts(r *Report, reference, current *profile.Profile, ranges []Range, states map[alertKey]*alertState) []Alert {
	var alerts []Alert
	for i, f := range r.Features {
		for _, rule := range m.rules {
			score, defined := f.Scores[rule.Method]
			if !defined || score.Insufficient {
				continue
			}
			key := alertKey{m.Name, r.Variant, r.Window.Size, f.Name, rule.Method}
			state := states[key]
			if state == nil {
				if !score.Drift {
					continue // a rule that was never over its threshold has nothing to remember
				}
				state = &alertState{}
				states[key] = state
			}
			transition, evidence := state.step(score.Drift, rule.For, r.Window.Start)
			if transition != "" {
				a := m.alert(r, rule, i, reference, current, ranges, transition)
				a.Since, a.Evidence = state.Since, evidence
				if transition == firing {
					state.Incident = a.ID
				}
				a.Incident = state.Incident
				a.Message = a.words()
				if transition == resolved {
					state.Incident = ""
				}
				alerts = append(alerts, a)
			}
			if state.History == 0 && state.Incident == "" {
				delete(states, key)
			}
		}
	}
	return alerts
}

func (m *Monitor) alert(r *Report, rule rule, i int, reference, current *profile.Profile, ranges []Range, transition string) Alert {
	f := r.Features[i]
	var other *Reference
	if r.Reference.Kind != ReferenceBaseline {
		other = &r.Reference
	}
	return Alert{
		ID:   alertID(r, f.Name, rule.Method, transition),
		Kind: rule.kind, State: transition,
		Monitor: m.Name, Endpoint: r.Endpoint, Variant: r.Variant, Feature: f.Name, Rule: rule.Method,
		Score: f.Scores[rule.Method].Score, Threshold: rule.Threshold, Window: r.Window,
		Samples:   Samples{reference.Features[i].Captured, current.Features[i].Captured},
		Histogram: detectors.Compare(&reference.Features[i], &current.Features[i]),
		Top:       r.top(rule.Method), Baseline: r.Baseline, Reference: other, Archive: archiveOf(ranges),
	}
}

// alertID is the first 128 bits of the SHA-256 of what makes a transition one of its kind.
func alertID(r *Report, feature, rule, state string) string {
	h := sha256.New()
	for _, part := range []string{r.Monitor, r.Endpoint, r.Variant, "", feature, rule, r.Window.Size, r.Window.End.String(), state} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

const topFeatures = 3

// top returns the features with the largest scores of a rule.
func (r *Report) top(rule string) []TopFeature {
	var top []TopFeature
	for _, f := range r.Features {
		if score, ok := f.Scores[rule]; ok {
			top = append(top, TopFeature{f.Name, rule, score.Score})
		}
	}
	slices.SortStableFunc(top, func(a, b TopFeature) int { return cmp.Compare(b.Score, a.Score) })
	return top[:min(len(top), topFeatures)]
}

func archiveOf(ranges []Range) Archive {
	ranges = slices.Clone(ranges)
	slices.SortFunc(ranges, func(a, b Range) int {
		return cmp.Or(strings.Compare(a.Source.Topic, b.Source.Topic), cmp.Compare(a.Source.Partition, b.Source.Partition))
	})
	archive := Archive{Partitions: []ArchivePartition{}}
	for _, r := range ranges {
		p := ArchivePartition{Partition: r.Source.Partition, Start: r.Start, End: r.End}
		if archive.Topic == "" {
			archive.Topic = r.Source.Topic
		}
		if r.Source.Topic != archive.Topic {
			p.Topic = r.Source.Topic
		}
		archive.Partitions = append(archive.Partitions, p)
	}
	return archive
}

// words says in a sentence what the alert's fields say.
func (a *Alert) words() string {
	where := a.Endpoint
	if a.Variant != "default" {
		where += "/" + a.Variant
	}
	window := fmt.Sprintf("in the %s window to %s", a.Window.Size, a.Window.End)
	if a.State == resolved {
		return fmt.Sprintf("%s of %s on %s is %.3g %s, no longer over %g", a.Rule, a.Feature, where, a.Score, window, a.Threshold)
	}
	return fmt.Sprintf("%s of %s on %s is %.3g, over %g, %s (%d values, %d %s)",
		a.Rule, a.Feature, where, a.Score, a.Threshold, window, a.Samples.Current, a.Samples.Reference, a.Reference.words())
}
