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
	Kind      string              `json:"kind"`     // drift, quality or system
	State     string              `json:"state"`    // firing or resolved
	Incident  string              `json:"incident"` // ID of the firing that this belongs to
	Monitor   string              `json:"monitor"`  // "" of a system alert
	Endpoint  string              `json:"endpoint"`
	Variant   string              `json:"variant"`
	Segment   string              `json:"segment"`
	Feature   string              `json:"feature"` // "" of a rule on all columns or on the traffic
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

// Evidence is why the state changed: Over of the latest Of windows were over the threshold. The other figures are
// those of the window's [Score].
type Evidence struct {
	Over      int      `json:"over"`
	Of        int      `json:"of"`
	Expected  *float64 `json:"expected,omitempty"`
	PValue    *float64 `json:"p_value,omitempty"`
	Alpha     float64  `json:"alpha,omitempty"`
	Corrected *float64 `json:"p_corrected,omitempty"`
	// Of a sequential detector: the figure that the score is, and how many panes it took.
	Value  string `json:"value,omitempty"`
	Values int64  `json:"values,omitempty"`

	Budget *BudgetEvidence `json:"budget,omitempty"`
	Joint  *JointEvidence  `json:"joint,omitempty"` // of a pair of features
	// Of a constraint, while it is violated: the description.
	Violation string `json:"violation,omitempty"`
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

func (k alertKey) compare(o alertKey) int {
	return cmp.Or(cmp.Compare(k.Monitor, o.Monitor), cmp.Compare(k.Variant, o.Variant), cmp.Compare(k.Size, o.Size),
		cmp.Compare(k.Feature, o.Feature), cmp.Compare(k.Rule, o.Rule))
}

// alertState is what a rule on a feature remembers from window to window.
type alertState struct {
	History  uint64       `json:"history"` // latest window in bit 0; set: over the threshold
	Since    windows.Time `json:"since"`
	Incident string       `json:"incident,omitempty"` // set while firing
}

// step takes in whether the latest window was over the threshold and returns the new state if that changed.
// It counts the windows over the threshold among those that it looks at.
func (s *alertState) step(over bool, f For, start windows.Time) (transition string, count, of int) {
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
	count = bits.OnesCount64(s.History)
	switch active := count >= f.M; {
	case active && s.Incident == "":
		return firing, count, f.N
	case !active && s.Incident != "":
		return resolved, count, f.N
	}
	return "", count, f.N
}

// raise steps the state of a rule and returns the alert, if its state changed, completed by what the rule remembers.
func raise(states map[alertKey]*alertState, key alertKey, over bool, f For, start windows.Time, alert func(transition string) Alert) []Alert {
	state := states[key]
	if state == nil {
		if !over {
			return nil // a rule that was never over its threshold has nothing to remember
		}
		state = &alertState{}
		states[key] = state
	}
	var alerts []Alert
	if transition, over, of := state.step(over, f, start); transition != "" {
		a := alert(transition)
		a.Since, a.Evidence.Over, a.Evidence.Of = state.Since, over, of
		if transition == firing {
			state.Incident = a.ID
		}
		a.Incident = state.Incident
		a.Message = a.words()
		if transition == resolved {
			state.Incident = ""
		}
		alerts = []Alert{a}
	}
	if state.History == 0 && state.Incident == "" {
		delete(states, key)
	}
	return alerts
}

// alerts steps the rules of a window's report and returns the transitions.
func (m *Monitor) alerts(r *Report, reference, current *profile.Profile, ranges []Range, states map[alertKey]*alertState) []Alert {
	var alerts []Alert
	step := func(rule *rule, feature string, scores map[string]Score, alert func(transition string) Alert) {
		score, defined := scores[rule.Method]
		if !defined || score.Insufficient {
			return
		}
		key := alertKey{m.Name, r.Variant, r.Window.Size, feature, rule.Method}
		alerts = append(alerts, raise(states, key, score.Drift, rule.For, r.Window.Start, alert)...)
	}
	for i, f := range r.Features {
		for k := range m.rules {
			rule := &m.rules[k]
			step(rule, f.Name, f.Scores, func(transition string) Alert {
				return m.alert(r, rule, i, reference, current, ranges, transition)
			})
		}
	}
	for k := range m.columns {
		rule := &m.columns[k]
		step(rule, "", r.Scores, func(transition string) Alert {
			return m.columnAlert(r, rule, current, ranges, transition)
		})
	}
	return alerts
}

// alert is the alert of a rule on the i-th feature.
func (m *Monitor) alert(r *Report, rule *rule, i int, reference, current *profile.Profile, ranges []Range, transition string) Alert {
	f := r.Features[i]
	score := f.Scores[rule.Method]
	return Alert{
		ID:   alertID(r, f.Name, rule.Method, transition),
		Kind: rule.kind, State: transition,
		Monitor: m.Name, Endpoint: r.Endpoint, Variant: r.Variant, Feature: f.Name, Rule: rule.Method,
		Score: score.Score, Threshold: score.Threshold, Window: r.Window,
		Samples:   Samples{reference.Features[i].Captured, current.Features[i].Captured},
		Evidence:  Evidence{Expected: score.Expected, PValue: score.PValue, Alpha: score.Alpha, Corrected: score.Corrected},
		Histogram: detectors.Compare(&reference.Features[i], &current.Features[i]),
		Top:       r.top(rule.Method), Baseline: r.Baseline, Reference: r.Reference.other(), Archive: archiveOf(ranges),
	}
}

// traffic is the alert of a quality rule that is not on one feature, without its score.
func (m *Monitor) traffic(r *Report, rule string, ranges []Range, transition string) Alert {
	return Alert{
		ID:   alertID(r, "", rule, transition),
		Kind: detectors.KindQuality, State: transition,
		Monitor: m.Name, Endpoint: r.Endpoint, Variant: r.Variant, Rule: rule, Window: r.Window,
		Samples:   Samples{m.Baseline.Profile.Rows, r.Rows},
		Histogram: detectors.Histogram{Reference: []float64{}, Current: []float64{}},
		Top:       []TopFeature{}, Baseline: r.Baseline, Archive: archiveOf(ranges),
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
	slices.SortStableFunc(top, byScore)
	return top[:min(len(top), topFeatures)]
}

// byScore orders the largest score first.
func byScore(a, b TopFeature) int { return cmp.Compare(b.Score, a.Score) }

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
