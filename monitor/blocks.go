package monitor

import (
	"fmt"
	"time"

	"tidemark/profile"
	"tidemark/windows"
)

const (
	minBlocked = 16 // panes from which on a window is put together from blocks
	maxBlock   = 60 // panes of a block
)

// blocks puts the windows of one size together without going through all of their panes at each slide. The panes are
// grouped in blocks, aligned as windows are and at most as long as a window. A window is then the last panes of one
// block, whole blocks, and the first panes of one. Each is merged once: the whole blocks when a window first holds
// them, the ends of a block from its last pane backwards when a window first begins in it, its beginnings pane after
// pane as the windows go on ("two stacks": Tangwongsan, Hirzel and Schneider, "Low-Latency Sliding-Window Aggregation
// in Worst-Case Constant Time", DEBS 2017). A slide takes some merges, however many panes a window has, and nothing is
// subtracted, which would cost the range and the last digits of sums.
//
// What is merged with what depends on the clock alone, so that a restart finds the same bits. A block takes the memory
// of one encoded profile; of one block at a time the ends are kept, one for each pane.
type blocks struct {
	series *series
	length time.Duration
	whole  map[windows.Time]merged // by start

	ending windows.Time            // the block whose ends are kept
	ends   map[windows.Time]merged // by their first pane

	beginning windows.Time // the block whose beginning is kept
	until     windows.Time // where the beginning ends
	begun     *profile.Profile
	ranges    []Range
}

// merged is the rows of some panes.
type merged struct {
	profile []byte // encoded
	ranges  []Range
}

// blocksKey names the windows that are put together from the same blocks.
type blocksKey struct {
	monitor string
	size    time.Duration
}

// window adds the rows of a window of a monitor and returns where they come from.
func (s *series) window(monitor string, pane time.Duration, w windows.Window, to *profile.Profile) ([]Range, error) {
	if n := w.Size() / pane; n >= minBlocked && s.layout != nil {
		return s.blocksOf(blocksKey{monitor, w.Size()}, pane*min(n, maxBlock)).merge(w, to)
	}
	return s.merge(w, to)
}

// merge adds the rows of the panes in w.
func (s *series) merge(w windows.Window, to *profile.Profile) (ranges []Range, err error) {
	for start, p := range s.panes.Within(w) {
		for _, part := range p.parts {
			if err := to.MergeEncoded(part); err != nil {
				return nil, fmt.Errorf("pane %v: %w", start, err)
			}
		}
		ranges = mergeRanges(ranges, p.ranges)
	}
	return ranges, nil
}

func (s *series) blocksOf(key blocksKey, length time.Duration) *blocks {
	b := s.blocks[key]
	if b == nil {
		b = &blocks{series: s, length: length, whole: map[windows.Time]merged{}, ending: windows.Never, beginning: windows.Never}
		if s.blocks == nil {
			s.blocks = map[blocksKey]*blocks{}
		}
		s.blocks[key] = b
	}
	return b
}

// change takes in that the rows of a pane are others than before.
func (b *blocks) change(pane windows.Time) {
	block := pane.Floor(b.length)
	delete(b.whole, block)
	if b.ending == block {
		b.ending, b.ends = windows.Never, nil
	}
	if b.beginning == block && pane < b.until {
		b.beginning, b.begun = windows.Never, nil
	}
}

// merge adds the rows of a window, all of whose panes are closed.
func (b *blocks) merge(w windows.Window, to *profile.Profile) (ranges []Range, err error) {
	add := func(m merged) error {
		ranges = mergeRanges(ranges, m.ranges)
		if m.profile == nil {
			return nil
		}
		return to.MergeEncoded(m.profile)
	}
	for start := range b.whole {
		if start < w.Start {
			delete(b.whole, start) // windows only go on
		}
	}
	at := w.Start
	if block := at.Floor(b.length); block != at {
		m, err := b.end(block, at)
		if err == nil {
			err = add(m)
		}
		if err != nil {
			return nil, err
		}
		at = block.Add(b.length)
	}
	for ; at.Add(b.length) <= w.End; at = at.Add(b.length) {
		m, err := b.block(at)
		if err == nil {
			err = add(m)
		}
		if err != nil {
			return nil, err
		}
	}
	if at == w.End {
		return ranges, nil
	}
	if err := b.begin(at, w.End); err != nil {
		return nil, err
	}
	to.Merge(b.begun)
	return mergeRanges(ranges, b.ranges), nil
}

// block is all panes of the block.
func (b *blocks) block(start windows.Time) (merged, error) {
	m, known := b.whole[start]
	if known {
		return m, nil
	}
	w := windows.Window{Start: start, End: start.Add(b.length)}
	if first, ok := b.series.panes.Next(start); !ok || first >= w.End {
		return merged{}, nil
	}
	to := profile.New(b.series.layout)
	ranges, err := b.add(w, to)
	m = merged{to.Append(nil), ranges}
	b.whole[start] = m
	return m, err
}

// end is the panes of the block from one on.
func (b *blocks) end(block, from windows.Time) (merged, error) {
	w := windows.Window{Start: block, End: block.Add(b.length)}
	if b.ending != block {
		b.ending, b.ends = block, map[windows.Time]merged{}
		var starts []windows.Time
		for start := range b.series.panes.Within(w) {
			starts = append(starts, start)
		}
		to, ranges := profile.New(b.series.layout), []Range(nil)
		for i := len(starts) - 1; i >= 0; i-- {
			more, err := b.add(windows.Window{Start: starts[i], End: starts[i] + 1}, to)
			if err != nil {
				return merged{}, err
			}
			ranges = mergeRanges(append([]Range(nil), ranges...), more)
			b.ends[starts[i]] = merged{to.Append(nil), ranges}
		}
	}
	first, ok := b.series.panes.Next(from)
	if !ok || first >= w.End {
		return merged{}, nil
	}
	return b.ends[first], nil
}

// begin makes begun the panes of the block up to a time.
func (b *blocks) begin(block, until windows.Time) error {
	if b.beginning != block || until < b.until {
		b.beginning, b.until, b.ranges = block, block, nil
		b.begun = profile.New(b.series.layout)
	}
	ranges, err := b.add(windows.Window{Start: b.until, End: until}, b.begun)
	b.ranges, b.until = mergeRanges(b.ranges, ranges), until
	return err
}

// add adds the rows of the panes in w, each made one part first: in how many parts its rows came must not matter.
func (b *blocks) add(w windows.Window, to *profile.Profile) ([]Range, error) {
	for start, p := range b.series.panes.Within(w) {
		if err := p.compact(b.series.layout, profile.New); err != nil {
			return nil, fmt.Errorf("pane %v: %w", start, err)
		}
	}
	return b.series.merge(w, to)
}
