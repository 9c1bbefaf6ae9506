package main

import (
	"compress/gzip"
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"

	"tidemark/windows"
)

// window is what brute force finds in a window, by its start in Unix milliseconds.
type window struct {
	Count    int64             `json:"count"`
	Features map[string]*found `json:"features"`

	ahead bool // of the topic's slowest partition: it closes if that has been silent for long enough before the run ends
}

// found is a column in a window: a number or a category.
type found struct {
	Count   int64   `json:"count"`
	Missing int64   `json:"nulls"`
	Mean    float64 `json:"mean"`
	StdDev  float64 `json:"std"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
	Hist    []int64 `json:"hist"`

	Counts map[string]int64 `json:"counts"`
}

// bruteForce goes through all rows twice: the second time for the squares around the mean. It knows no panes. A window closes
// when the topic's slowest partition has passed its end and the lateness; those that need not close are marked.
func (w *workload) bruteForce(spec windows.Spec, edges map[string][]float64, place func(i int) int) (map[int64]*window, error) {
	names := w.names()
	size, step := spec.Size.Milliseconds(), spec.Step().Milliseconds()
	all, passed := map[int64]*window{}, [partitions]int64{}
	// each calls visit with each window that is there and holds a moment.
	each := func(at int64, visit func(f *window)) {
		for start := at - at%step; start > at-size; start -= step {
			if f := all[start]; f != nil {
				visit(f)
			}
		}
	}
	err := w.each(func(i int, r *row) error {
		p := place(i)
		passed[p] = max(passed[p], r.time)
		for start := r.time - r.time%step; start > r.time-size; start -= step {
			if all[start] == nil {
				all[start] = newWindow(names)
			}
		}
		each(r.time, func(f *window) { f.add(r, names, edges) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	frontier := slices.Min(passed[:]) - lateness.Milliseconds()
	for start, f := range all {
		f.ahead = start+size > frontier
		for _, n := range f.Features {
			n.Mean /= float64(n.Count)
		}
	}
	err = w.each(func(_ int, r *row) error {
		each(r.time, func(f *window) { f.square(r, names) })
		return nil
	})
	for _, f := range all {
		for _, n := range f.Features {
			n.StdDev = math.Sqrt(n.StdDev / float64(n.Count))
		}
	}
	return all, err
}

// closing is how many windows of all endpoints close whenever the run ends. It counts no rows.
func (w *workload) closing(spec windows.Spec, place func(i int) int) (n int, err error) {
	size, step := spec.Size.Milliseconds(), spec.Step().Milliseconds()
	passed := make([]map[int]int64, w.endpoints)      // by partition
	starts := make([]map[int64]struct{}, w.endpoints) // of the windows that have rows
	for e := range w.endpoints {
		passed[e], starts[e] = map[int]int64{}, map[int64]struct{}{}
	}
	err = w.each(func(i int, r *row) error {
		e, p := i%w.endpoints, place(i)
		passed[e][p] = max(passed[e][p], r.time)
		for start := r.time - r.time%step; start > r.time-size; start -= step {
			starts[e][start] = struct{}{}
		}
		return nil
	})
	for e, all := range starts {
		if len(all) == 0 {
			continue
		}
		frontier := slices.Min(slices.Collect(maps.Values(passed[e]))) - lateness.Milliseconds()
		for start := range all {
			if start+size <= frontier {
				n++
			}
		}
	}
	return n, err
}

// sure is how many windows close whenever the run ends.
func sure(all map[int64]*window) (n int) {
	for _, f := range all {
		if !f.ahead {
			n++
		}
	}
	return n
}

const bins = 20

func newWindow(names []string) *window {
	f := &window{Features: map[string]*found{}}
	for _, name := range names {
		f.Features[name] = &found{Min: math.Inf(1), Max: math.Inf(-1), Hist: make([]int64, bins), Counts: map[string]int64{}}
	}
	return f
}

func (f *window) add(r *row, names []string, edges map[string][]float64) {
	f.Count++
	for j, x := range r.numbers {
		f.Features[names[j]].add(x, r.empty[j], edges[names[j]])
	}
	f.Features["score"].add(r.score, false, edges["score"])
	for j, k := range r.category {
		c := f.Features[categories[j].name]
		c.Count++
		c.Counts[categories[j].values[k]]++
	}
}

func (f *window) square(r *row, names []string) {
	for j, x := range r.numbers {
		if !r.empty[j] {
			f.Features[names[j]].square(x)
		}
	}
	f.Features["score"].square(r.score)
}

func (n *found) add(x float64, empty bool, edges []float64) {
	if empty {
		n.Missing++
		return
	}
	n.Count++
	n.Mean += x
	n.Min, n.Max = min(n.Min, x), max(n.Max, x)
	n.Hist[sort.Search(len(edges), func(i int) bool { return edges[i] > x })]++
}

func (n *found) square(x float64) { n.StdDev += (x - n.Mean) * (x - n.Mean) }

// readExpected reads windows that another program found.
func readExpected(name string) (map[int64]*window, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var read map[string]*window
	if err := json.NewDecoder(z).Decode(&read); err != nil {
		return nil, err
	}
	all := map[int64]*window{}
	for key, f := range read {
		start, err := strconv.ParseInt(key, 10, 64)
		if err != nil {
			return nil, err
		}
		all[start] = f
	}
	return all, nil
}
