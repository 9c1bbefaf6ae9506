package monitor

import (
	"encoding/json"
	"fmt"
	"time"

	"tidemark/windows"
)

// Health is what a reader of captures or the archive tells of its own work. It is a record of the first partition of the
// panes topic, so that whoever evaluates that partition raises the alerts on it: once, and again the same from the log.
type Health struct {
	Version  int    `json:"version"`
	Instance string `json:"instance"`
	// Archive: the archive tells it. It gives Behind alone, of all of its partitions.
	Archive bool      `json:"archive,omitempty"`
	Behind  []Behind  `json:"behind,omitempty"`
	Losses  []Loss    `json:"losses,omitempty"`
	Traffic []Traffic `json:"traffic,omitempty"`
	Paused  []string  `json:"paused,omitempty"` // topics that are not read, as too much of them were dead letters
}

// Behind is how far the reading of a source is behind, or its archive. A reader names the sources with unread records.
type Behind struct {
	Source windows.Source `json:"source"`
	// Since is when the last record that was read had been appended; for the archive, when it should have put what waits,
	// or, if nothing does, the present.
	Since windows.Time `json:"since"`
	// AtRisk: the topic's retention may soon delete what is unread.
	AtRisk bool `json:"at_risk,omitempty"`
}

// Loss is records [Start, End) of a source that can no longer be read.
type Loss struct {
	Source windows.Source `json:"source"`
	Start  int64          `json:"start"`
	End    int64          `json:"end"`
	Why    string         `json:"why"`
}

// Why records are lost.
const (
	LostRetention  = "retention"  // the topic's retention deleted them before they were read
	LostTruncation = "truncation" // the brokers lost them after they had acknowledged them
	LostUnsent     = "unsent"     // alerts that the topic's retention deleted before they were sent on
)

// Traffic is how much of an endpoint's rows became dead letters since the report before; or, with no endpoint, how many
// of a topic's records did that name none. What had no dead letter within the last minute is left out.
type Traffic struct {
	Endpoint string `json:"endpoint,omitempty"`
	Topic    string `json:"topic,omitempty"`
	Read     int64  `json:"read"`
	Dead     int64  `json:"dead"`
}

const healthVersion = 1

// Append writes the report behind b.
func (h *Health) Append(b []byte) ([]byte, error) {
	h.Version = healthVersion
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode health: %w", err)
	}
	return append(b, text...), nil
}

// DecodeHealth reads what Append wrote.
func DecodeHealth(b []byte) (h Health, err error) {
	if err := json.Unmarshal(b, &h); err != nil {
		return h, fmt.Errorf("decode health: %w", err)
	}
	if h.Version != healthVersion {
		return h, fmt.Errorf("decode health: version %d, this program reads version %d", h.Version, healthVersion)
	}
	return h, nil
}

// What makes a system alert.
const (
	DeadPeriod    = time.Minute      // over which dead letters are counted
	DeadShare     = 0.5              // of what was read, that may be dead letters
	DeadLeast     = 1000             // read in the period, without which no share says anything
	LagLimit      = 5 * time.Minute  // that reading may be behind
	ArchiveLimit  = 10 * time.Minute // that records may wait longer than they should for the archive
	LossPeriod    = 10 * time.Minute // without another loss, until an alert of one is over
	healthLease   = 30 * time.Second // that a reader's word holds without being renewed
	archiveForgot = 24 * time.Hour   // that the archive's does
)

// The rules of system alerts.
const (
	RuleDeadLetters = "dead_letters" // an endpoint, or a topic, has too many
	RulePaused      = "paused"       // a topic is not read, as its dead letters have spent their quota
	RuleLag         = "lag"          // a topic's reading is behind
	RuleRetention   = "retention"    // what is unread may soon be deleted
	RuleLost        = "lost"         // records of a partition can no longer be read
	RuleArchive     = "archive"      // a topic's archive is behind
)

// SystemRules is every rule of system alerts.
var SystemRules = []string{RuleDeadLetters, RulePaused, RuleLag, RuleRetention, RuleLost, RuleArchive}
