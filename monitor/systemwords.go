package monitor

import (
	"fmt"
	"time"

	"tidemark/windows"
)

// systemWords says in a sentence what a system alert's fields say.
func (a *Alert) systemWords() string {
	on := a.Endpoint
	if on == "" {
		on = "topic " + a.Archive.Topic
	}
	place := a.Archive.Topic
	if len(a.Archive.Partitions) > 0 {
		place = windows.Source{Topic: place, Partition: a.Archive.Partitions[0].Partition}.String()
	}
	long := windows.FormatDuration(time.Duration(a.Score) * time.Second)
	if a.State == resolved {
		switch a.Rule {
		case RuleDeadLetters:
			return fmt.Sprintf("%.0f%% of what came for %s in a minute were dead letters, no longer over %.0f%%", 100*a.Score, on, 100*a.Threshold)
		case RulePaused:
			return fmt.Sprintf("topic %s is read again", a.Archive.Topic)
		case RuleLag:
			return fmt.Sprintf("the reading of topic %s is no longer behind", a.Archive.Topic)
		case RuleRetention:
			return fmt.Sprintf("the reading of topic %s is no longer in danger of being overtaken by its retention", a.Archive.Topic)
		case RuleLost:
			return fmt.Sprintf("%s has lost no more records for %s", place, a.Window.Size)
		}
		return fmt.Sprintf("the archive of topic %s is no longer behind", a.Archive.Topic)
	}
	switch a.Rule {
	case RuleDeadLetters:
		return fmt.Sprintf("%.0f%% of what came for %s since %s are dead letters, over %.0f%% (%d read): see `tidemark deadletters list`",
			100*a.Score, on, a.Window.Start, 100*a.Threshold, a.Samples.Current)
	case RulePaused:
		return fmt.Sprintf("topic %s is not read any more, as its dead letters have spent their quota: mend what sends them, then restart Tidemark, with a larger dead_letters.quota if what waits needs it", a.Archive.Topic)
	case RuleLag:
		return fmt.Sprintf("the reading of %s is %s behind: its windows and alerts come late; start more processes", place, long)
	case RuleRetention:
		return fmt.Sprintf("the reading of %s is %s behind, and the topic's retention is about to delete what is unread: raise retention.ms or start more processes", place, long)
	case RuleLost:
		p := a.Archive.Partitions[0]
		switch a.Evidence.Value {
		case LostTruncation:
			return fmt.Sprintf("the brokers lost the offsets [%d, %d) of %s, which they had acknowledged; later records have their offsets", p.Start, p.End, place)
		case LostUnsent:
			return fmt.Sprintf("Kafka deleted the offsets [%d, %d) of %s before these alerts were sent on: make its retention longer than the receiver is ever down", p.Start, p.End, place)
		}
		return fmt.Sprintf("Kafka deleted the offsets [%d, %d) of %s before they were read, so that windows lack their rows: make its retention longer than the longest stop", p.Start, p.End, place)
	}
	return fmt.Sprintf("records of %s should have been archived %s ago, over %s: see whether the archive's store can be written", place, long, windows.FormatDuration(ArchiveLimit))
}
