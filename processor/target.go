package processor

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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
}

type targetKey struct{ endpoint, variant, layout string }

// target is rows of one endpoint and variant, decoded for one layout and not folded yet.
type target struct {
	targetKey
	pane    time.Duration
	layout  *profile.Layout
	count   *counting
	pairs   bool // are counted: a monitor looks at them
	batch   *capture.Batch
	offsets []int64 // per row
	runs    []run
	panes   map[windows.Time]*openPane
}

// run is rows of the batch that come from one source, from first on to the next run.
type run struct {
	source windows.Source
	first  int
}

// counting is what all targets of a layout share.
type counting struct {
	counter *profile.Counter
	bytes   int // that a profile takes
	free    []*profile.Profile
}

// targetsOf returns a target for each layout in which an endpoint's variant is counted. What nobody watches is not kept:
// producers name as many endpoints as they like.
func (f *fold) targetsOf(endpoint, variant string) []*target {
	key := routeKey{endpoint, variant}
	if f.route.routeKey == key && len(f.route.targets) > 0 {
		return f.route.targets
	}
	targets := f.routes[key]
	if targets == nil {
		if targets = f.findTargets(endpoint, variant); len(targets) > 0 {
			f.routes[key] = targets
		}
	}
	f.route = route{key, targets}
	return targets
}

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
				batch: capture.NewBatch(m.Baseline.Schema), panes: map[windows.Time]*openPane{},
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

// came notes where the rows of the batch from before on come from.
func (t *target) came(r *kgo.Record, before int) {
	if n := len(t.runs); n == 0 || t.runs[n-1].source.Partition != r.Partition || t.runs[n-1].source.Topic != r.Topic {
		t.runs = append(t.runs, run{windows.Source{Topic: r.Topic, Partition: r.Partition}, before})
	}
	for range t.batch.Rows() - before {
		t.offsets = append(t.offsets, r.Offset)
	}
}

// empty forgets the rows that are not folded yet.
func (t *target) empty() {
	t.batch.Reset()
	t.offsets, t.runs = t.offsets[:0], t.runs[:0]
}
