package monitor

import (
	"maps"
	"slices"
	"strings"
	"time"

	"tidemark/windows"
)

// KindSystem is the kind of alerts on Tidemark's own work.
const KindSystem = "system"

// system is what the reports on Tidemark's own work amount to. Its only clock is the append time of the log.
type system struct {
	alerts  map[alertKey]*alertState
	traffic map[trafficKey]*deadCount
	behind  map[windows.Source]behind
	archive map[windows.Source]behind
	paused  map[string]windows.Time         // by topic: when it was last said
	losses  map[windows.Source]windows.Time // when the last was found
	dirty   bool
}

type trafficKey struct {
	Endpoint string `json:"endpoint,omitempty"`
	Topic    string `json:"topic,omitempty"`
}

// name tells an endpoint from a topic of that name.
func (k trafficKey) name() string {
	if k.Topic != "" {
		return "topic " + k.Topic
	}
	return "endpoint " + k.Endpoint
}

func (k trafficKey) compare(o trafficKey) int { return strings.Compare(k.name(), o.name()) }

type deadCount struct {
	Since windows.Time `json:"since"`
	Read  int64        `json:"read"`
	Dead  int64        `json:"dead"`
}

type behind struct {
	Behind
	At windows.Time `json:"at"` // when it was said
}

func newSystem() system {
	return system{
		alerts: map[alertKey]*alertState{}, traffic: map[trafficKey]*deadCount{}, behind: map[windows.Source]behind{},
		archive: map[windows.Source]behind{}, paused: map[string]windows.Time{}, losses: map[windows.Source]windows.Time{},
	}
}

// Health takes in a report that was appended to the log at a moment.
func (s *Shard) Health(h Health, at windows.Time, out *Output) {
	y := &s.system
	y.dirty = true
	if h.Archive {
		for _, b := range h.Behind {
			y.archive[b.Source] = behind{b, at}
		}
		y.judgeArchive(at, out)
		return
	}
	y.judgeLosses(h.Losses, at, out)
	y.judgeTraffic(h.Traffic, at, out)
	for _, topic := range h.Paused {
		y.paused[topic] = at
	}
	y.judgePaused(at, out)
	for _, b := range h.Behind {
		y.behind[b.Source] = behind{b, at}
	}
	maps.DeleteFunc(y.behind, func(_ windows.Source, b behind) bool { return at > b.At.Add(healthLease) })
	y.judgeBehind(RuleLag, at, out)
	y.judgeBehind(RuleRetention, at, out)
	y.judgeArchive(at, out)
}

// raise steps a rule on an endpoint, a topic or a partition, and puts out the alert if its state changes. Alerts that
// are not on an endpoint carry the topic and the offsets in their archive.
func (y *system) raise(rule, name string, period time.Duration, over bool, window windows.Window, of Alert, out *Output) {
	size := windows.FormatDuration(period)
	of.Kind, of.Rule, of.Window = KindSystem, rule, Window{window, size}
	of.Histogram.Reference, of.Histogram.Current, of.Top = []float64{}, []float64{}, []TopFeature{}
	if of.Archive.Partitions == nil {
		of.Archive.Partitions = []ArchivePartition{}
	}
	key := alertKey{Size: size, Feature: name, Rule: rule}
	out.Alerts = append(out.Alerts, raise(y.alerts, key, over, For{1, 1}, window.Start, func(transition string) Alert {
		a := of
		a.State, a.ID = transition, alertID(&Report{Endpoint: of.Endpoint, Window: a.Window}, name, rule, transition)
		return a
	})...)
}

// judgeLosses raises an alert for each partition that lost records, until none were lost for a while.
func (y *system) judgeLosses(losses []Loss, at windows.Time, out *Output) {
	step := func(l Loss, over bool) {
		y.raise(RuleLost, l.Source.String(), LossPeriod, over, windows.Window{Start: y.losses[l.Source], End: at}, Alert{
			Score: float64(l.End - l.Start), Evidence: Evidence{Value: l.Why},
			Archive: Archive{Topic: l.Source.Topic, Partitions: []ArchivePartition{{Partition: l.Source.Partition, Start: l.Start, End: l.End}}},
		}, out)
	}
	for _, l := range losses {
		y.losses[l.Source] = at
		step(l, true)
	}
	for _, source := range sortedSources(y.losses) {
		if at > y.losses[source].Add(LossPeriod) {
			step(Loss{Source: source}, false)
			delete(y.losses, source)
		}
	}
}

// judgeTraffic raises an alert when most of what was read in a minute, up to now, were dead letters, and ends it with the
// first minute in which they were not.
func (y *system) judgeTraffic(traffic []Traffic, at windows.Time, out *Output) {
	step := func(key trafficKey, c *deadCount, over bool) {
		share := 0.0
		if c.Read > 0 {
			share = float64(c.Dead) / float64(c.Read)
		}
		y.raise(RuleDeadLetters, key.name(), DeadPeriod, over, windows.Window{Start: c.Since, End: at}, Alert{
			Endpoint: key.Endpoint, Score: share, Threshold: DeadShare, Samples: Samples{Current: c.Read}, Archive: Archive{Topic: key.Topic},
		}, out)
	}
	for _, key := range slices.SortedFunc(maps.Keys(y.traffic), trafficKey.compare) {
		if c := y.traffic[key]; at >= c.Since.Add(DeadPeriod) {
			if !c.over() {
				step(key, c, false)
			}
			delete(y.traffic, key)
			if y.firing(RuleDeadLetters, key.name()) {
				y.traffic[key] = &deadCount{Since: at}
			}
		}
	}
	for _, t := range traffic {
		key := trafficKey{t.Endpoint, t.Topic}
		c := y.traffic[key]
		if c == nil {
			c = &deadCount{Since: at}
			y.traffic[key] = c
		}
		c.Read += t.Read
		c.Dead += t.Dead
		if c.over() {
			step(key, c, true)
		}
	}
}

func (c *deadCount) over() bool {
	return c.Read >= DeadLeast && float64(c.Dead) > DeadShare*float64(c.Read)
}

// judgePaused raises an alert while some reader has paused a topic.
func (y *system) judgePaused(at windows.Time, out *Output) {
	for _, topic := range slices.Sorted(maps.Keys(y.paused)) {
		over := at <= y.paused[topic].Add(healthLease)
		y.raise(RulePaused, topic, healthLease, over, windows.Window{Start: y.paused[topic], End: at}, Alert{Score: 1, Archive: Archive{Topic: topic}}, out)
		if !over {
			delete(y.paused, topic)
		}
	}
}

// judgeBehind raises alerts on the topics whose reading is far behind, or in danger of being overtaken by retention.
func (y *system) judgeBehind(rule string, at windows.Time, out *Output) {
	y.judgeTopics(rule, LagLimit, y.behind, at, func(b behind) bool {
		if rule == RuleRetention {
			return b.AtRisk
		}
		return at > b.Since.Add(LagLimit)
	}, out)
}

// judgeArchive raises alerts on the topics whose archive is behind. A partition that the archive has not spoken of for a
// day is one that it no longer keeps.
func (y *system) judgeArchive(at windows.Time, out *Output) {
	maps.DeleteFunc(y.archive, func(_ windows.Source, b behind) bool { return at > b.At.Add(archiveForgot) })
	y.judgeTopics(RuleArchive, ArchiveLimit, y.archive, at, func(b behind) bool { return at > b.Since.Add(ArchiveLimit) }, out)
}

// judgeTopics steps a rule on each topic: it is over when some partition is. The alert is about the one that is the
// furthest behind.
func (y *system) judgeTopics(rule string, limit time.Duration, sources map[windows.Source]behind, at windows.Time, over func(behind) bool, out *Output) {
	worst := map[string]*behind{}
	for key := range y.alerts {
		if key.Rule == rule { // it may be over
			worst[key.Feature] = nil
		}
	}
	for _, source := range sortedSources(sources) {
		b := sources[source]
		if w := worst[source.Topic]; over(b) && (w == nil || b.Since < w.Since) {
			worst[source.Topic] = &b
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(worst)) {
		a := Alert{Archive: Archive{Topic: topic}}
		if rule != RuleRetention {
			a.Threshold = limit.Seconds()
		}
		since := at
		if w := worst[topic]; w != nil {
			since = w.Since
			a.Archive.Partitions = []ArchivePartition{{Partition: w.Source.Partition}}
		}
		a.Score = float64(at-since) / 1000
		y.raise(rule, topic, limit, worst[topic] != nil, windows.Window{Start: since, End: at}, a, out)
	}
}

func sortedSources[V any](m map[windows.Source]V) []windows.Source {
	return slices.SortedFunc(maps.Keys(m), windows.Source.Compare)
}

func (y *system) firing(rule, name string) bool {
	for key := range y.alerts {
		if key.Rule == rule && key.Feature == name {
			return true
		}
	}
	return false
}

// SystemFiring is a rule on Tidemark's own work whose alert is firing, and the endpoint, topic or partition that it is on.
type SystemFiring struct{ Rule, Subject string }

// SystemFiring returns those of the shard, in order.
func (s *Shard) SystemFiring() []SystemFiring {
	var all []SystemFiring
	for _, key := range slices.SortedFunc(maps.Keys(s.system.alerts), alertKey.compare) {
		all = append(all, SystemFiring{key.Rule, key.Feature})
	}
	return all
}

// Subject is what a system alert is on: an endpoint, a topic or a partition.
func (a *Alert) Subject() string {
	switch a.Rule {
	case RuleDeadLetters:
		return trafficKey{a.Endpoint, a.Archive.Topic}.name()
	case RuleLost:
		return windows.Source{Topic: a.Archive.Topic, Partition: a.Archive.Partitions[0].Partition}.String()
	}
	return a.Archive.Topic
}
