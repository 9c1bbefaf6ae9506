package processor

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/windows"
)

// Backtest drives ingest's and evaluate's decisions over captures of the past. Its clock is the timestamps of the records: each
// second of theirs ends with a commit, and a partition without a record for a while is idle, as the broker would have said.
// Several sets of monitors can be compared in one reading; they must have the same baselines and windows.
type Backtest struct {
	intake  *Intake
	sources []windows.Source
	counts  map[string]int32 // partitions, by topic
	shards  []*monitor.Shard
	outputs []monitor.Output
	visit   func(set int, out *monitor.Output)

	now, committed time.Time // zero before the first record
	offset         int64     // of the next delta in the log that there would be
	latest         map[string]map[windows.Source]windows.Time
	rows           map[string]map[windows.Time]int64 // by endpoint and pane, until no alert can end before them
	passed         map[string]int64                  // by endpoint, of earlier panes
	counted        BacktestCounts
}

// BacktestCounts is what became of the rows that were read.
type BacktestCounts struct {
	Rows        int64            `json:"rows"`
	Late        int64            `json:"late"`        // in no window, or not in all
	Dead        map[string]int64 `json:"dead"`        // by reason
	Unmonitored map[string]int64 `json:"unmonitored"` // by endpoint
}

// NewBacktest returns a backtest of captures from the sources. visit is told what each set of monitors decided, after each commit
// in which any decided something.
func NewBacktest(c *Config, sources []windows.Source, sets [][]*monitor.Monitor, visit func(set int, out *monitor.Output)) *Backtest {
	b := &Backtest{
		intake: NewIntake(c, sets[0]), sources: sources, counts: map[string]int32{},
		outputs: make([]monitor.Output, len(sets)), visit: visit,
		latest: map[string]map[windows.Source]windows.Time{}, rows: map[string]map[windows.Time]int64{}, passed: map[string]int64{},
		counted: BacktestCounts{Dead: map[string]int64{}, Unmonitored: map[string]int64{}},
	}
	for _, set := range sets {
		b.shards = append(b.shards, monitor.NewShard(set))
	}
	for _, s := range sources {
		b.counts[s.Topic] = max(b.counts[s.Topic], s.Partition+1)
	}
	return b
}

// Counts is what became of the rows so far.
func (b *Backtest) Counts() BacktestCounts { return b.counted }

// RowsBefore is how many rows of an endpoint lie before the end of an alert's window, while visit is told of the alert.
func (b *Backtest) RowsBefore(endpoint string, end windows.Time) int64 {
	n := b.passed[endpoint]
	for start, rows := range b.rows[endpoint] {
		if start < end {
			n += rows
		}
	}
	return n
}

// Read takes in the next record. Records come in the order of their timestamps; one that goes back is taken in late, and does
// not turn the clock back.
func (b *Backtest) Read(r *kgo.Record) error {
	at := r.Timestamp
	if at.Before(b.now) {
		at = b.now
	}
	if b.now.IsZero() {
		b.committed = at
	}
	if err := b.wait(at); err != nil {
		return err
	}
	if !b.intake.Polled() && at.Sub(b.committed) > backtestCommit {
		b.committed = at // the clock strode up to here; a second from now is the next commit
	}
	b.now = at
	b.intake.Read(windows.Source{Topic: r.Topic, Partition: r.Partition}, []*kgo.Record{r}, r.Offset+1, at)
	if b.intake.fold.full() {
		return b.commit(at)
	}
	return nil
}

// backtestCommit is the time between two commits while there are records.
const backtestCommit = time.Second

// wait lets time pass. Where nothing is read the clock strides: to where silence is proof, and then to four times the time.
func (b *Backtest) wait(until time.Time) error {
	for {
		step := backtestCommit
		if !b.intake.Polled() {
			step = max(windows.IdleTimeout, 3*b.committed.Sub(b.now))
		}
		next := b.committed.Add(step)
		if next.After(until) {
			return nil
		}
		if err := b.commit(next); err != nil {
			return err
		}
	}
}

// End closes the windows that are open, as the end of a replay does.
func (b *Backtest) End() error {
	if b.now.IsZero() {
		return nil
	}
	end := b.now.Add(windows.Settle + backtestCommit)
	if err := b.wait(end); err != nil {
		return err
	}
	for _, endpoint := range slices.Sorted(maps.Keys(b.latest)) {
		for source, ms := range b.latest[endpoint] {
			b.intake.Read(source, []*kgo.Record{{
				Topic: source.Topic, Partition: source.Partition, Offset: b.intake.source(source, end).position, Timestamp: end,
				Headers: []kgo.RecordHeader{{Key: headerEndpoint, Value: []byte(endpoint)}, {Key: headerWatermark, Value: strconv.AppendInt(nil, int64(ms), 10)}},
			}}, 0, end)
		}
	}
	return b.commit(end)
}

// commit is what a commit of ingest and one of evaluate do at a moment.
func (b *Backtest) commit(at time.Time) error {
	b.committed = at
	log := windows.At(at)
	committed, ends := map[windows.Source]int64{}, map[windows.Source]int64{}
	for _, s := range b.sources {
		committed[s] = 0
	}
	b.intake.Own(committed, at)
	for _, s := range b.sources { // what was not read yet has not been written yet
		ends[s] = b.intake.sources[s].position
	}
	if b.intake.Polled() {
		for _, d := range b.intake.fold.deltas() {
			if err := b.add(d, log); err != nil {
				return err
			}
		}
		b.count()
		b.intake.Forget(false)
	}
	vector := windows.Vector{Counts: b.counts, Sources: b.intake.Status(1, ends, at)}
	for i, shard := range b.shards {
		if err := shard.Tick(vector, log, &b.outputs[i]); err != nil {
			return err
		}
	}
	b.tell()
	return nil
}

// add hands a delta to each shard, by way of its encoding: shards keep parts of what they are given.
func (b *Backtest) add(d *monitor.Delta, at windows.Time) error {
	value := d.Append(nil)
	latest := b.latest[d.Endpoint]
	if latest == nil {
		latest = map[windows.Source]windows.Time{}
		b.latest[d.Endpoint], b.rows[d.Endpoint] = latest, map[windows.Time]int64{}
	}
	for _, p := range d.Sources {
		if before, ok := latest[p.Source]; !ok || before < p.EventTime {
			latest[p.Source] = p.EventTime
		}
	}
	layouts := map[string]string{} // by variant: each row once, in however many layouts it was counted
	for _, p := range d.Panes {
		if layouts[p.Variant] == "" {
			layouts[p.Variant] = p.Layout
		}
		if layouts[p.Variant] == p.Layout {
			b.rows[d.Endpoint][p.Start] += p.Rows
		}
	}
	for i, shard := range b.shards {
		copied, err := monitor.DecodeDelta(bytes.Clone(value))
		if err != nil {
			return err
		}
		if err := shard.Add(copied, b.offset, at, &b.outputs[i]); err != nil {
			return err
		}
	}
	b.offset++
	return nil
}

func (b *Backtest) count() {
	c := &b.intake.fold.counts
	b.counted.Rows += c.rows
	for reason, n := range c.dead {
		b.counted.Dead[string(reason)] += n
	}
	for endpoint, n := range c.unmonitored {
		b.counted.Unmonitored[endpoint] += n
	}
}

// tell passes on what was decided, and then adds up the panes that no later alert ends in.
func (b *Backtest) tell() {
	for _, late := range b.outputs[0].Late {
		b.counted.Late += late.Panes[0].Rows
	}
	closed := map[string]windows.Time{}
	for i := range b.outputs {
		out := &b.outputs[i]
		for _, r := range out.Reports {
			if end, ok := closed[r.Endpoint]; !ok || r.Window.End < end {
				closed[r.Endpoint] = r.Window.End
			}
		}
		if len(out.Reports)+len(out.Alerts) > 0 {
			b.visit(i, out)
		}
		*out = monitor.Output{}
	}
	for endpoint, end := range closed {
		for start, rows := range b.rows[endpoint] {
			if start < end {
				b.passed[endpoint] += rows
				delete(b.rows[endpoint], start)
			}
		}
	}
}
