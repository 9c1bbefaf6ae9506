package monitor

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"tidemark/windows"
)

// Delta is what one commit of a reader adds to an endpoint: rows, counted by pane, and how far the endpoint's
// traffic has come in each source.
type Delta struct {
	Version  int                `json:"version"`
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

	// Profile is the encoded profile; the profiles of all panes follow the JSON head of the delta.
	Profile []byte `json:"-"`
}

// Range is the offsets [Start, End) of a source that rows come from; other rows may lie between.
type Range struct {
	Source windows.Source `json:"source"`
	Start  int64          `json:"start"`
	End    int64          `json:"end"`
}

const deltaVersion = 1

// Append writes the delta behind b: the length of the JSON head as a varint, the head, and the profiles.
func (d *Delta) Append(b []byte) ([]byte, error) {
	d.Version = deltaVersion
	for i := range d.Panes {
		d.Panes[i].Size = len(d.Panes[i].Profile)
	}
	head, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode delta of endpoint %q: %w", d.Endpoint, err)
	}
	b = binary.AppendUvarint(b, uint64(len(head)))
	b = append(b, head...)
	for i := range d.Panes {
		b = append(b, d.Panes[i].Profile...)
	}
	return b, nil
}

// DecodeDelta reads what Append wrote. The profiles share the memory of b.
func DecodeDelta(b []byte) (*Delta, error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, fmt.Errorf("decode delta: the head's length does not fit the %d bytes of the record", len(b))
	}
	var d Delta
	if err := json.Unmarshal(b[n:n+int(size)], &d); err != nil {
		return nil, fmt.Errorf("decode delta: %w", err)
	}
	if d.Version != deltaVersion {
		return nil, fmt.Errorf("decode delta: version %d, this program reads version %d", d.Version, deltaVersion)
	}
	rest := b[n+int(size):]
	for i := range d.Panes {
		p := &d.Panes[i]
		if p.Size < 0 || p.Size > len(rest) {
			return nil, fmt.Errorf("decode delta of endpoint %q: pane %v has %d bytes, %d are left", d.Endpoint, p.Start, p.Size, len(rest))
		}
		p.Profile, rest = rest[:p.Size], rest[p.Size:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("decode delta of endpoint %q: %d bytes behind the last pane", d.Endpoint, len(rest))
	}
	return &d, nil
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
