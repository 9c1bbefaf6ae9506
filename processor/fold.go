package processor

import (
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/windows"
)

const (
	maxBatchRows = 1000     // rows that are folded at once, and so are those of an Arrow record of that many: their columns stay in the processor's cache
	maxOpenBytes = 32 << 20 // of profiles kept open; the rest waits encoded
	maxPending   = 64 << 20
)

// fold turns records into pane deltas. It keeps nothing from one commit to the next but its buffers.
type fold struct {
	monitors []*monitor.Monitor
	topics   map[string]CaptureConfig
	topic    CaptureConfig // of the last record
	skew     time.Duration
	sole     string // the endpoint of records that name none, when all monitors watch the same

	parser    capture.Parser
	names     names
	routes    map[routeKey]*route
	route     *route // the last record's
	sources   sources
	targets   map[targetKey]*target
	waiting   map[*baseline.Baseline]*waiting
	unfolded  []*waiting // that have rows
	endpoints map[string]*endpointDelta
	changed   []*endpointDelta     // since the last commit
	layouts   map[string]*counting // by the layout's ID
	open      []*openPane          // that have a profile
	touched   []*openPane          // scratch of sortRows
	spare     []*openPane          // closed ones, to use again
	opened    int                  // bytes of open profiles
	pending   int                  // bytes of encoded profiles
	encoded   []byte               // scratch of encode

	counts foldCounts
}

// endpointDelta is what came for an endpoint since the last commit.
type endpointDelta struct {
	name     string
	changed  bool
	panes    []monitor.PaneDelta
	progress []windows.Progress // by the place of the source; without one where nothing came
}

// foldCounts is what happened to the rows since the last commit.
type foldCounts struct {
	rows        int64
	unmonitored map[string]int64 // by endpoint
	dead        map[capture.Reason]int64
	failed      map[culprit]*failures
	extra       int64
	undecoded   int64
	skewed      int64
}

func newFold(c *Config, monitors []*monitor.Monitor) *fold {
	f := &fold{
		monitors: monitors, topics: map[string]CaptureConfig{}, skew: c.MaxFutureSkew,
		names: names{}, routes: map[routeKey]*route{}, route: &route{}, sources: sources{places: map[windows.Source]int{}},
		targets: map[targetKey]*target{}, waiting: map[*baseline.Baseline]*waiting{}, endpoints: map[string]*endpointDelta{}, layouts: map[string]*counting{},
	}
	for _, t := range c.Capture {
		f.topics[t.Topic] = t
	}
	f.sole = soleEndpoint(monitors)
	f.counts.reset()
	return f
}

func (c *foldCounts) reset() {
	*c = foldCounts{unmonitored: map[string]int64{}, dead: map[capture.Reason]int64{}, failed: map[culprit]*failures{}}
}

// reset forgets what was folded since the last commit.
func (f *fold) reset() {
	for _, t := range f.targets {
		clear(t.panes)
		t.latest = nil
	}
	for _, w := range f.unfolded {
		w.empty()
	}
	for _, p := range f.open {
		f.recycle(p)
	}
	for _, d := range f.changed {
		*d = endpointDelta{name: d.name}
	}
	f.open, f.opened, f.unfolded, f.changed, f.pending = f.open[:0], 0, f.unfolded[:0], f.changed[:0], 0
	f.counts.reset()
}

// add takes in a record. It returns why the record is a dead letter, if it is.
func (f *fold) add(r *kgo.Record, now windows.Time) *capture.Error {
	endpoint, variant, watermark := f.names.headers(r)
	if watermark != nil {
		return f.punctuate(r, endpoint, watermark)
	}
	record, err := f.parser.Parse(r.Value)
	if err != nil {
		f.counts.rows++
		return f.dead(asError(err), 1, first(endpoint, f.topics[r.Topic].Endpoint, f.sole), r)
	}
	rows := int64(record.Rows())
	if f.topic.Topic != r.Topic {
		f.topic = f.topics[r.Topic]
	}
	topic := &f.topic
	endpoint = first(endpoint, record.Endpoint, topic.Endpoint, f.sole)
	variant = first(variant, record.Variant, topic.Variant)
	if endpoint == "" {
		f.counts.rows += rows
		return f.dead(&capture.Error{Reason: capture.ReasonEndpoint, Field: "endpoint", Detail: "the record names none: set the header \"endpoint\", or endpoint for the topic in the configuration"}, rows, "", r)
	}
	if !record.HasTime {
		record.Time = r.Timestamp.UnixMilli()
	}
	to := f.routeOf(endpoint, variant)
	if to == nil {
		f.counts.rows += rows
		f.counts.unmonitored[endpoint] += rows
		return nil
	}
	var failed *capture.Error
	for _, t := range to.targets {
		w := t.waiting
		before := w.batch.Rows()
		if err := record.Append(w.batch); err != nil {
			f.counts.rows += rows
			failed = f.dead(asError(err), rows, endpoint, r)
			continue
		}
		after := w.batch.Rows()
		f.counts.rows += int64(after - before)
		if before == 0 && after > 0 {
			f.unfolded = append(f.unfolded, w)
		}
		w.came(t, r, before)
		if after >= maxBatchRows && w.worth(someRows) || after >= maxWaiting {
			f.foldRows(someRows)
		}
	}
	if failed == nil {
		f.progress(r, to.delta, record, now)
	}
	return failed
}

// dead counts a record that becomes a dead letter, perhaps once for each layout.
func (f *fold) dead(e *capture.Error, rows int64, endpoint string, r *kgo.Record) *capture.Error {
	f.counts.dead[e.Reason] += rows
	c := culprit{endpoint: endpoint}
	if endpoint == "" {
		c.topic = r.Topic
	}
	failed := f.counts.failed[c]
	if failed == nil {
		failed = &failures{topics: map[string]bool{}}
		f.counts.failed[c] = failed
	}
	failed.rows += rows
	failed.records++
	failed.bytes += int64(size(r))
	failed.topics[r.Topic] = true
	return e
}

// punctuate takes in that a replay of an endpoint ended.
func (f *fold) punctuate(r *kgo.Record, endpoint string, watermark []byte) *capture.Error {
	ms, err := strconv.ParseInt(string(watermark), 10, 64)
	if err != nil || endpoint == "" {
		f.counts.rows++
		return f.dead(&capture.Error{Reason: capture.ReasonTime, Field: headerWatermark, Detail: strconv.Quote(string(watermark)) + " must be Unix milliseconds, and the header \"endpoint\" set"}, 1, endpoint, r)
	}
	if len(monitor.Matching(f.monitors, endpoint)) == 0 {
		return nil
	}
	p := f.progressOf(f.delta(endpoint), r)
	p.EventTime, p.Ended = max(p.EventTime, windows.Time(ms)), true
	return nil
}

// progress notes how far the endpoint has come in the record's source. An event time too far ahead of the clock
// is a wrong clock: it counts in its window, but moves nothing on.
func (f *fold) progress(r *kgo.Record, d *endpointDelta, record *capture.Record, now windows.Time) {
	eventTime, some, beyond := record.Latest(int64(now.Add(f.skew)))
	if beyond {
		f.counts.skewed++
	}
	if !some {
		return
	}
	p := f.progressOf(d, r)
	p.EventTime, p.Ended = max(p.EventTime, windows.Time(eventTime)), false
	p.Appended = max(p.Appended, min(windows.At(r.Timestamp), now))
}

func (f *fold) progressOf(d *endpointDelta, r *kgo.Record) *windows.Progress {
	i := f.sources.of(r)
	if i >= len(d.progress) {
		f.change(d)
		d.progress = append(d.progress, make([]windows.Progress, len(f.sources.places)-len(d.progress))...)
	}
	p := &d.progress[i]
	if p.Source.Topic == "" {
		*p = windows.Progress{Source: f.sources.last, EventTime: windows.Never, Appended: windows.Never}
	}
	return p
}

// delta returns that of an endpoint.
func (f *fold) delta(endpoint string) *endpointDelta {
	d := f.endpoints[endpoint]
	if d == nil {
		d = &endpointDelta{name: endpoint}
		f.endpoints[endpoint] = d
	}
	return d
}

// change notes that something came for an endpoint.
func (f *fold) change(d *endpointDelta) {
	if !d.changed {
		d.changed = true
		f.changed = append(f.changed, d)
	}
}

// sources gives the partitions that were read places in a list. Most records come from the partition of the one before.
type sources struct {
	places map[windows.Source]int
	last   windows.Source
	place  int // of the last
}

func (s *sources) of(r *kgo.Record) int {
	if s.last.Partition == r.Partition && s.last.Topic == r.Topic {
		return s.place
	}
	s.last = windows.Source{Topic: r.Topic, Partition: r.Partition}
	place, known := s.places[s.last]
	if !known {
		place = len(s.places)
		s.places[s.last] = place
	}
	s.place = place
	return place
}
