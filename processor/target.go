package processor

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/profile"
	"tidemark/windows"
)

type routeKey struct{ endpoint, variant string }

// route is where the rows of an endpoint's variant go.
type route struct {
	routeKey
	targets []*target
	delta   *endpointDelta
}

type targetKey struct{ endpoint, variant, layout string }

// target is the open panes of one endpoint and variant in one layout.
type target struct {
	targetKey
	pane    time.Duration
	layout  *profile.Layout
	count   *counting
	waiting *waiting
	pairs   bool // are counted: a monitor looks at them
	panes   map[windows.Time]*openPane
	latest  *openPane // that a row was in, or nil
	waits   bool      // some of the waiting rows are its
}

// waiting is the decoded rows that are not counted yet, of all targets of a baseline. In columns of each target's own, the cells of
// rows that follow each other would be all over the memory.
type waiting struct {
	batch   *capture.Batch
	offsets []int64 // per row
	runs    []run
	targets int // that have rows here
}

// run is rows of the batch that go to one target and come from one source, from first on to the next run.
type run struct {
	target *target
	source windows.Source
	first  int
}

// counting is what all targets of a layout share.
type counting struct {
	counter *profile.Counter
	bytes   int // that a profile takes
	free    []*profile.Profile
}

// routeOf returns where the rows of an endpoint's variant go, or nil when nobody watches it. That is not kept: producers name as
// many endpoints as they like.
func (f *fold) routeOf(endpoint, variant string) *route {
	if f.route.endpoint == endpoint && f.route.variant == variant {
		return f.route
	}
	key := routeKey{endpoint, variant}
	to := f.routes[key]
	if to == nil {
		targets := f.findTargets(endpoint, variant)
		if len(targets) == 0 {
			return nil
		}
		to = &route{key, targets, f.delta(endpoint)}
		f.routes[key] = to
	}
	f.route = to
	return to
}

// findTargets returns a target for each layout in which an endpoint's variant is counted.
func (f *fold) findTargets(endpoint, variant string) []*target {
	var targets []*target
	var monitors []*monitor.Monitor
next:
	for _, m := range f.monitors {
		if !m.Watches(endpoint, variant) {
			continue
		}
		layout := m.Layout()
		for _, t := range targets {
			if t.layout.ID() == layout.ID() {
				t.pairs = t.pairs || m.CountsPairs()
				continue next
			}
		}
		key := targetKey{endpoint, variant, layout.ID()}
		t := f.targets[key]
		if t == nil {
			if monitors == nil {
				monitors = monitor.Matching(f.monitors, endpoint)
			}
			t = &target{
				targetKey: key, pane: monitor.PaneLength(monitors), layout: layout, count: f.countingOf(layout),
				waiting: f.waitingOf(m.Baseline), panes: map[windows.Time]*openPane{},
			}
			f.targets[key] = t
		}
		t.pairs = t.pairs || m.CountsPairs()
		targets = append(targets, t)
	}
	return targets
}

func (f *fold) countingOf(layout *profile.Layout) *counting {
	c := f.layouts[layout.ID()]
	if c == nil {
		c = &counting{counter: profile.NewCounter(layout), bytes: profile.New(layout).Bytes()}
		f.layouts[layout.ID()] = c
	}
	return c
}

func (f *fold) waitingOf(b *baseline.Baseline) *waiting {
	w := f.waiting[b]
	if w == nil {
		w = &waiting{batch: capture.NewBatch(b.Schema)}
		f.waiting[b] = w
	}
	return w
}

// came notes where the rows of the batch from before on come from and where they go.
func (w *waiting) came(t *target, r *kgo.Record, before int) {
	rows := w.batch.Rows() - before
	if rows == 0 {
		return
	}
	if n := len(w.runs); n == 0 || w.runs[n-1].target != t || w.runs[n-1].source.Partition != r.Partition || w.runs[n-1].source.Topic != r.Topic {
		w.runs = append(w.runs, run{t, windows.Source{Topic: r.Topic, Partition: r.Partition}, before})
		if !t.waits {
			t.waits = true
			w.targets++
		}
	}
	for range rows {
		w.offsets = append(w.offsets, r.Offset)
	}
}

// worth says whether each target has so many rows, on average, that it is worth it to open their profiles.
func (w *waiting) worth(least int) bool { return w.batch.Rows() >= least*w.targets }

// empty forgets the rows.
func (w *waiting) empty() {
	for i := range w.runs {
		w.runs[i].target.waits = false
	}
	w.batch.Reset()
	w.offsets, w.runs, w.targets = w.offsets[:0], w.runs[:0], 0
}
