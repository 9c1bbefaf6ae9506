package monitor

import (
	"bytes"

	"tidemark/profile"
	"tidemark/windows"
)

type seriesKey struct{ variant, layout string }

// series is the panes of one variant in one layout.
type series struct {
	layout *profile.Layout // nil when no monitor has it: then the panes only say that rows were there
	panes  windows.Panes[*pane]
	blocks map[blocksKey]*blocks
}

// pane keeps its rows as encoded profiles, which are small when rows are few, and merges them when a window closes.
type pane struct {
	parts   [][]byte
	rows    int64
	ranges  []Range
	first   int64 // offset of the first delta that is not saved yet, or -1
	through int64 // deltas before this offset are in the pane
	saved   int64 // after a restart: deltas before this offset are in what was saved
}

func (s *series) add(d PaneDelta, offset int64, scratch scratch) error {
	p, ok := s.panes.Get(d.Start)
	if !ok {
		p = &pane{first: -1}
		s.panes.Put(d.Start, p)
	}
	if p.first < 0 {
		p.first = offset
	}
	if s.layout != nil {
		p.parts = append(p.parts, bytes.Clone(d.Profile)) // d shares the memory of a whole fetch
	}
	for _, b := range s.blocks {
		b.change(d.Start)
	}
	p.rows += d.Rows
	p.ranges = mergeRanges(p.ranges, d.Ranges)
	p.through = offset + 1
	if len(p.parts) >= maxParts {
		return p.compact(s.layout, scratch.take)
	}
	return nil
}

// maxParts bounds the parts of a pane, one a commit, that a window has to merge.
const maxParts = 16

// compact merges the parts of a pane into one, by way of an empty profile of the layout that it is given when there are several.
func (p *pane) compact(layout *profile.Layout, empty func(*profile.Layout) *profile.Profile) error {
	if len(p.parts) < 2 {
		return nil
	}
	whole := empty(layout)
	for _, part := range p.parts {
		if err := whole.MergeEncoded(part); err != nil {
			return err
		}
	}
	p.parts = [][]byte{whole.Append(nil)}
	return nil
}
