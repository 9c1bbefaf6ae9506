package windows

import (
	"iter"
	"slices"
)

// Panes keeps a value for each pane by the pane's start, in time order.
type Panes[T any] struct {
	entries []entry[T]
}

type entry[T any] struct {
	start Time
	value T
}

func (p *Panes[T]) search(start Time) (int, bool) {
	return slices.BinarySearchFunc(p.entries, start, func(e entry[T], t Time) int { return int(min(max(e.start-t, -1), 1)) })
}

// Get returns the value of the pane that starts at start.
func (p *Panes[T]) Get(start Time) (value T, ok bool) {
	i, ok := p.search(start)
	if ok {
		value = p.entries[i].value
	}
	return value, ok
}

// Put sets the value of the pane that starts at start.
func (p *Panes[T]) Put(start Time, value T) {
	i, ok := p.search(start)
	if ok {
		p.entries[i].value = value
		return
	}
	p.entries = slices.Insert(p.entries, i, entry[T]{start, value})
}

// Within yields the panes that start in w, in time order.
func (p *Panes[T]) Within(w Window) iter.Seq2[Time, T] {
	return func(yield func(Time, T) bool) {
		i, _ := p.search(w.Start)
		for ; i < len(p.entries) && p.entries[i].start < w.End; i++ {
			if !yield(p.entries[i].start, p.entries[i].value) {
				return
			}
		}
	}
}

// All yields every pane in time order.
func (p *Panes[T]) All() iter.Seq2[Time, T] {
	return func(yield func(Time, T) bool) {
		for _, e := range p.entries {
			if !yield(e.start, e.value) {
				return
			}
		}
	}
}

// Span returns the starts of the first and last pane, or false when there is none.
func (p *Panes[T]) Span() (first, last Time, ok bool) {
	if len(p.entries) == 0 {
		return 0, 0, false
	}
	return p.entries[0].start, p.entries[len(p.entries)-1].start, true
}

// Drop forgets the panes for which unneeded is true, from the first on up to one for which it is not.
func (p *Panes[T]) Drop(unneeded func(start Time) bool) {
	n := 0
	for n < len(p.entries) && unneeded(p.entries[n].start) {
		n++
	}
	p.entries = slices.Delete(p.entries, 0, n)
}
