package monitor

import (
	"time"

	"tidemark/windows"
)

// Delta is what one commit of a reader adds to an endpoint: rows, counted by pane, and how far the endpoint's
// traffic has come in each source.
type Delta struct {
	Endpoint string             `json:"endpoint"`
	Sources  []windows.Progress `json:"sources,omitempty"`
	Panes    []PaneDelta        `json:"panes,omitempty"`
	// Missed says, on the late topic, whether some or all windows of the pane were closed already, or why the
	// pane could not be used: "layout", "pane" or "monitor".
	Missed string `json:"missed,omitempty"`
}

// PaneDelta is rows of one variant in one pane.
type PaneDelta struct {
	Variant string       `json:"variant"`
	Layout  string       `json:"layout"`
	Start   windows.Time `json:"start"`
	Length  int64        `json:"length"` // milliseconds
	Rows    int64        `json:"rows"`
	Ranges  []Range      `json:"ranges,omitempty"`
	Size    int          `json:"size"` // bytes of the encoded profile

	// Profile is the encoded profile. It is not in the head of a delta or a saved pane, but behind it.
	Profile []byte `json:"-"`
}

// Range is the offsets [Start, End) of a source that rows come from; other rows may lie between.
type Range struct {
	Source windows.Source `json:"source"`
	Start  int64          `json:"start"`
	End    int64          `json:"end"`
}

func (p *PaneDelta) length() time.Duration { return time.Duration(p.Length) * time.Millisecond }

// mergeRanges widens the ranges by others.
func mergeRanges(ranges, others []Range) []Range {
next:
	for _, o := range others {
		for i := range ranges {
			if r := &ranges[i]; r.Source == o.Source {
				r.Start, r.End = min(r.Start, o.Start), max(r.End, o.End)
				continue next
			}
		}
		ranges = append(ranges, o)
	}
	return ranges
}
