package monitor

import (
	"fmt"
	"slices"
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
// block, whole blocks, and the first panes of one. Each is merged once: the whole blocks, one by one and together, when
// a window first holds them, the ends of a block from its last pane backwards, a part at each slide before windows begin
// in it, its beginnings pane after pane as the windows go on ("two stacks": Tangwongsan, Hirzel and Schneider, "Low-Latency Sliding-Window Aggregation
// in Worst-Case Constant Time", DEBS 2017). A slide takes some merges, however many panes a window has, and nothing is
// subtracted, which would cost the range and the last digits of sums.
//
// What is merged with what depends on the clock alone, so that a restart finds the same bits. A block takes the memory
// of one encoded profile, and so do those of a window together; of about one block the ends are kept, one for each pane.
type blocks struct {
	series *series
	length time.Duration
	whole  map[windows.Time]merged // by start

	middle windows.Window // the whole blocks that are kept merged
	merged merged

	ending ends // of the block that windows begin in
	next   ends // of the one after it, as far as they are made

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
		b = &blocks{series: s, length: length, whole: map[windows.Time]merged{}, ending: ends{block: windows.Never}, next: ends{block: windows.Never}, beginning: windows.Never}
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
	if block >= b.middle.Start && block < b.middle.End {
		b.middle, b.merged = windows.Window{}, merged{}
	}
	for _, e := range []*ends{&b.ending, &b.next} {
		if e.block == block {
			*e = ends{block: windows.Never}
		}
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
	if err := b.prepare(w); err != nil {
		return nil, err
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
	if until := w.End.Floor(b.length); at < until {
		m, err := b.between(windows.Window{Start: at, End: until})
		if err == nil {
			err = add(m)
		}
		if err != nil {
			return nil, err
		}
		at = until
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

// between is all panes of some whole blocks. They are the same ones for as many slides as a block has panes.
func (b *blocks) between(w windows.Window) (merged, error) {
	if w.Size() == b.length {
		return b.block(w.Start)
	}
	if b.middle == w {
		return b.merged, nil
	}
	to, ranges := profile.New(b.series.layout), []Range(nil)
	for at := w.Start; at < w.End; at = at.Add(b.length) {
		m, err := b.block(at)
		if err == nil && m.profile != nil {
			err = to.MergeEncoded(m.profile)
		}
		if err != nil {
			return merged{}, err
		}
		ranges = mergeRanges(ranges, m.ranges)
	}
	b.middle, b.merged = w, merged{to.Append(nil), ranges}
	return b.merged, nil
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
	if b.beginning == start && b.until <= w.End { // all but its last panes are merged already, in the same order
		if err := b.begin(start, w.End); err != nil {
			return merged{}, err
		}
		m = merged{b.begun.Append(nil), slices.Clone(b.ranges)}
	} else {
		to := profile.New(b.series.layout)
		ranges, err := b.add(w, to)
		if err != nil {
			return merged{}, err
		}
		m = merged{to.Append(nil), ranges}
	}
	b.whole[start] = m
	return m, nil
}

// ends are the panes of a block from each of some on.
type ends struct {
	block windows.Time
	from  windows.Time // they are those from here on
	first merged       // of them
	by    map[windows.Time]merged
}

// end is the panes of the block from one on.
func (b *blocks) end(block, from windows.Time) (merged, error) {
	if b.ending.block != block {
		b.ending = ends{block: block, from: block.Add(b.length), by: map[windows.Time]merged{}}
		if b.next.block == block {
			b.ending, b.next = b.next, ends{block: windows.Never}
		}
	}
	if err := b.reach(&b.ending, from); err != nil {
		return merged{}, err
	}
	for start := range b.ending.by {
		if start < from {
			delete(b.ending.by, start) // windows only go on
		}
	}
	first, ok := b.series.panes.Next(from)
	if !ok || first >= block.Add(b.length) {
		return merged{}, nil
	}
	return b.ending.by[first], nil
}

// prepare makes, while windows begin in one block, a part of the ends of the next one at each slide: else they were all to be
// made at once, when the first window begins there.
func (b *blocks) prepare(w windows.Window) error {
	block := w.Start.Floor(b.length)
	next := block.Add(b.length)
	until := next.Add(b.length)
	if until > w.End {
		return nil // it is not complete
	}
	if b.next.block != next {
		b.next = ends{block: next, from: until, by: map[windows.Time]merged{}}
	}
	return b.reach(&b.next, until-(w.Start-block))
}

// reach makes the ends from a pane on, from the last pane backwards.
func (b *blocks) reach(e *ends, from windows.Time) error {
	if from >= e.from {
		return nil
	}
	var starts []windows.Time
	for start := range b.series.panes.Within(windows.Window{Start: from, End: e.from}) {
		starts = append(starts, start)
	}
	e.from = from
	if len(starts) == 0 {
		return nil
	}
	to := profile.New(b.series.layout)
	if e.first.profile != nil {
		if err := to.MergeEncoded(e.first.profile); err != nil {
			return err
		}
	}
	for _, start := range slices.Backward(starts) {
		more, err := b.add(windows.Window{Start: start, End: start + 1}, to)
		if err != nil {
			return err
		}
		e.first = merged{to.Append(nil), mergeRanges(slices.Clone(e.first.ranges), more)}
		e.by[start] = e.first
	}
	return nil
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
