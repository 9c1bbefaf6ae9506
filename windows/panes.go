package windows

import (
	"cmp"
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
	return slices.BinarySearchFunc(p.entries, start, func(e entry[T], t Time) int { return cmp.Compare(e.start, t) })
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

// Next returns the start of the first pane that does not start before from, or false when there is none.
func (p *Panes[T]) Next(from Time) (start Time, ok bool) {
	i, _ := p.search(from)
	if i == len(p.entries) {
		return 0, false
	}
	return p.entries[i].start, true
}

// Drop forgets the panes for which unneeded is true, from the first on up to one for which it is not.
func (p *Panes[T]) Drop(unneeded func(start Time) bool) {
	n := 0
	for n < len(p.entries) && unneeded(p.entries[n].start) {
		n++
	}
	p.entries = slices.Delete(p.entries, 0, n)
}
