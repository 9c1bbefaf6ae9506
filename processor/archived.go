package processor

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/sinks/archive"
	"tidemark/windows"
)

// archived is a partition on its way to the archive.
type archived struct {
	name  windows.Source
	id    archive.ID
	chain *archive.Chain // of the job, while there is one

	records *archive.Records // read and not put; nil until the chain's end is known
	since   time.Time        // when the first of them was read
	whole   time.Time        // from when on records wait: all that were read before are put
	reading bool
	busy    bool             // there is a job
	putting *archive.Records // by the job
	before  time.Time        // when the first of those was read
	retry   time.Time        // when a chain that stopped is opened again
	logEnd  int64            // the last stable offset, as last seen
	gone    bool             // the topic was deleted: what was read of it is put, and nothing more is read
}

// settlement is how a job ended.
type settlement struct {
	partition *archived
	action    archive.Action // to read or to stop
}

// add takes in a record that was read.
func (p *archived) add(r *kgo.Record, now time.Time) {
	if r.Offset < p.records.End {
		return
	}
	_, some := p.records.Oldest()
	if Collect(p.records, r) && !some {
		p.since = now
	}
}

// Collect adds a record that was read to those that wait to be archived. It is false for what an object only passes
// over: a control record, or a punctuation, which is no capture.
func Collect(to *archive.Records, r *kgo.Record) bool {
	endpoint, variant, watermark := names{}.headers(r)
	kept := !r.Attrs.IsControl() && watermark == nil
	if kept {
		to.Add(archive.Record{
			Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Endpoint: endpoint, Variant: variant, Value: r.Value,
		})
	}
	to.Pass(r.Offset+1, r.LeaderEpoch)
	return kept
}

// pass takes in that records cannot be read, as their batch is too large when decompressed: one row stands for them.
func (p *archived) pass(b *kgo.ErrDecompressTooLarge, now time.Time) {
	if _, some := p.records.Oldest(); !some {
		p.since = now
	}
	e := tooLargeBatch(b)
	p.records.Add(archive.Record{Offset: max(b.Offset, p.records.End), Timestamp: now.UnixMilli(), Unreadable: e.Error()})
	p.records.Pass(b.NextOffset, b.Epoch)
}

// start runs a job of the partition, which ends when there are records to read or the chain stops.
func (a *Archive) start(work context.Context, p *archived, job func(ctx context.Context) archive.Action) {
	p.busy = true
	a.jobs.Go(func() {
		if action := job(work); work.Err() == nil {
			a.interrupt(func() { a.settled = append(a.settled, settlement{p, action}) })
		}
	})
}

// open looks for the end of the partition's chain.
func (a *Archive) open(work context.Context, p *archived) {
	a.start(work, p, func(ctx context.Context) archive.Action {
		hint := archive.Hint{}
		committed, err := a.admin.FetchOffsetsForTopics(ctx, a.group, p.name.Topic)
		if at, ok := committed.Lookup(p.name.Topic, p.name.Partition); err == nil && ok && at.Err == nil {
			hint = archive.ParseHint(at.At, at.Metadata)
		}
		return a.perform(ctx, p, p.chain.Open(hint), nil)
	})
}

// place compares the chain with the log again.
func (a *Archive) place(work context.Context, p *archived) {
	a.start(work, p, func(ctx context.Context) archive.Action { return a.perform(ctx, p, p.chain.Place(), nil) })
}

// put makes an object of what was read.
func (a *Archive) put(work context.Context, p *archived) {
	records := p.records
	p.putting, p.before, p.records = records, p.since, a.spare.NewRecords(records.End, records.Epoch)
	a.start(work, p, func(ctx context.Context) archive.Action {
		table, cut, content, err := a.encode(ctx, p, records)
		if err != nil {
			return archive.Action{Do: archive.Stop, Err: err}
		}
		begun := time.Now()
		action := a.perform(ctx, p, cut, content)
		switch last, _ := p.chain.Last(); {
		case ctx.Err() != nil || action.Do != archive.Read:
		case last.Nonce == cut.Info.Nonce:
			a.metrics.put(table, int64(len(content)), time.Since(begun))
		default:
			a.metrics.adoptions.Inc()
			a.log.Info("another process archived these records, going on behind them", "topic", p.name.Topic, "partition", p.name.Partition,
				"start", records.Start, "next", action.Start)
		}
		return action
	})
}

// encode makes a file of records, a few at a time in the process.
func (a *Archive) encode(ctx context.Context, p *archived, records *archive.Records) (*archive.Table, archive.Action, []byte, error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return nil, archive.Action{}, nil, ctx.Err()
	}
	table := archive.Decode(records, a.sources[p.name.Topic])
	cut := p.chain.Cut(records.End, table.Rows, records.Epoch)
	if cut.Do == archive.Stop {
		return nil, cut, nil, cut.Err
	}
	content, err := table.Parquet(cut.Info, a.to.Config().Codec)
	table.Drop()
	if err != nil {
		err = fmt.Errorf("archive %s/%d from offset %d: %w", p.name.Topic, p.name.Partition, records.Start, err)
	}
	return table, cut, content, err
}

// perform carries out actions until there are records to read or the chain stops, and leaves a hint for the next
// writer. What fails is done again.
func (a *Archive) perform(ctx context.Context, p *archived, action archive.Action, content []byte) archive.Action {
	for action.Do != archive.Read && action.Do != archive.Stop {
		event, ok := a.repeat(ctx, p, action, content)
		if !ok {
			return action
		}
		if action.Do == archive.Put && action.Info.Gap && !event.Exists {
			a.metrics.lost.Add(float64(action.Info.End - action.Info.Start))
			a.log.Error("Kafka deleted records before they were archived: make the topic's retention longer than the longest stop of the archive",
				"topic", p.name.Topic, "partition", p.name.Partition, "start", action.Info.Start, "end", action.Info.End)
		}
		action = p.chain.Step(event)
	}
	if last, ok := p.chain.Last(); ok && action.Do == archive.Read {
		a.leave(ctx, p, last)
	}
	return action
}

// repeat carries out one action until its outcome is known. It is false when the context ended before.
func (a *Archive) repeat(ctx context.Context, p *archived, action archive.Action, content []byte) (archive.Event, bool) {
	for wait := range backoffs(ctx) {
		event, err := a.once(ctx, p, action, content)
		if err == nil {
			a.recovered(requests[action.Do])
			return event, true
		}
		if ctx.Err() == nil {
			a.failed(requests[action.Do], err)
		}
		wait()
	}
	return archive.Event{}, false
}

func (a *Archive) once(ctx context.Context, p *archived, action archive.Action, content []byte) (archive.Event, error) {
	switch {
	case action.Do == archive.AskLog:
		return a.bounds(ctx, p)
	case action.Do == archive.Put && action.Info.Gap:
		var err error
		if content, err = (&archive.Table{}).Parquet(action.Info, a.to.Config().Codec); err != nil {
			return archive.Event{}, err
		}
	}
	return a.to.Perform(ctx, p.id, action, content)
}

// bounds asks for the partition's first offset and its end.
func (a *Archive) bounds(ctx context.Context, p *archived) (archive.Event, error) {
	starts, err := a.admin.ListStartOffsets(ctx, p.name.Topic)
	if err != nil {
		return archive.Event{}, err
	}
	ends, err := a.admin.ListEndOffsets(ctx, p.name.Topic)
	if err != nil {
		return archive.Event{}, err
	}
	first, behind, err := boundsOf(starts, ends, p.name.Topic, p.name.Partition)
	return archive.Event{Log: archive.Bounds{Start: first, End: behind}}, err
}

// leave commits where the chain ends. That it fails, as after a rebalance, makes no difference but to the next start.
func (a *Archive) leave(ctx context.Context, p *archived, last archive.Info) {
	hint := last.Hint()
	ctx, cancel := context.WithTimeout(ctx, transactionTimeout)
	defer cancel()
	ctx = kgo.PreCommitFnContext(ctx, func(r *kmsg.OffsetCommitRequest) error {
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				r.Topics[i].Partitions[j].Metadata = kmsg.StringPtr(hint.String())
			}
		}
		return nil
	})
	a.members.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{
		p.name.Topic: {p.name.Partition: {Epoch: last.Epoch, Offset: hint.End}},
	}, nil)
}

// settle takes in how jobs ended.
func (a *Archive) settle() {
	a.mu.Lock()
	settled := a.settled
	a.settled = nil
	a.mu.Unlock()
	for _, s := range settled {
		p := s.partition
		if p.putting != nil {
			a.spare.Take(p.putting)
		}
		p.busy, p.putting = false, nil
		if a.partitions[p.name] != p {
			continue // revoked meanwhile
		}
		if p.gone {
			p.records = nil
			continue
		}
		if s.action.Do == archive.Stop {
			a.stop(p, s.action.Err)
			continue
		}
		if p.reading && p.records.Start == s.action.Start {
			continue
		}
		a.unread(p)
		p.retry = time.Time{}
		p.records = a.spare.NewRecords(s.action.Start, s.action.Epoch)
		a.read(p, s.action.Start, s.action.Epoch)
	}
}

// read begins to read a partition from an offset on.
func (a *Archive) read(p *archived, from int64, epoch int32) {
	p.reading = true
	offset := kgo.NewOffset().At(from)
	if epoch >= 0 {
		offset = offset.WithEpoch(epoch)
	}
	a.reader.AddConsumePartitions(map[string]map[int32]kgo.Offset{p.name.Topic: {p.name.Partition: offset}})
}

// unread ends the reading of a partition.
func (a *Archive) unread(p *archived) {
	if p.reading {
		p.reading = false
		a.reader.RemoveConsumePartitions(map[string][]int32{p.name.Topic: {p.name.Partition}})
	}
}

// stop gives a partition's chain up for a while.
func (a *Archive) stop(p *archived, err error) {
	a.unread(p)
	p.records, p.retry = nil, time.Now().Add(archiveRetry)
	a.metrics.stops.Inc()
	a.log.Error("a partition is not archived", "topic", p.name.Topic, "partition", p.name.Partition, "error", err, "again_in", archiveRetry)
}

// cut ends the objects that are due: by size, by age, because reading them cannot go on, or because all that waits is
// too much. While it is too much nothing is read.
func (a *Archive) cut(work context.Context, now time.Time) {
	settings := a.to.Config()
	held, largest := int64(0), (*archived)(nil)
	for _, p := range a.partitions {
		if p.putting != nil {
			held += p.putting.Bytes
		}
		if p.records == nil {
			if !p.busy && !p.retry.IsZero() && now.After(p.retry) {
				p.retry = time.Time{}
				a.open(work, p)
			}
			continue
		}
		held += p.records.Bytes
		_, some := p.records.Oldest()
		switch {
		case p.busy:
		case p.gone && !some:
			p.records = nil
		case !p.reading && p.records.End == p.records.Start:
			a.place(work, p)
		case !p.reading, p.records.Bytes >= int64(settings.Size), some && now.Sub(p.since) >= settings.Every:
			a.put(work, p)
		case some && (largest == nil || p.records.Bytes > largest.records.Bytes):
			largest = p
		}
	}
	if held >= int64(settings.Size) && largest != nil {
		a.put(work, largest)
	}
	full := held >= int64(settings.Size)*3/2
	if full == a.full {
		return
	}
	a.full = full
	if full {
		a.reader.PauseFetchTopics(a.config.captures()...)
	} else {
		a.reader.ResumeFetchTopics(a.config.captures()...)
	}
}

// flush puts what was read, as far as the context's time allows.
func (a *Archive) flush(work context.Context) {
	for {
		a.settle()
		waiting := false
		for _, p := range a.partitions {
			if p.records != nil && !p.busy {
				if _, some := p.records.Oldest(); some {
					a.put(work, p)
				}
			}
			waiting = waiting || p.busy
		}
		if !waiting {
			return
		}
		wait, cancel := context.WithCancel(work)
		a.interruptible(cancel)
		<-wait.Done()
		if work.Err() != nil {
			a.log.Warn("stopped before all that was read was archived: it is read again", "partitions", len(a.partitions))
			return
		}
	}
}

// interruptible lets the next interruption, or one that was, call wake.
func (a *Archive) interruptible(wake context.CancelFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wake = wake
	if len(a.settled) > 0 {
		wake()
	}
}

// trouble is which requests fail, so that it is logged when this begins, seldom while it lasts, and when it ends.
type trouble struct {
	mu            sync.Mutex
	since, logged map[string]time.Time // by request
}

const troubleAgain = 5 * time.Minute

// requests names the actions in metrics and logs.
var requests = map[archive.Do]string{
	archive.ReadHead: "head", archive.WriteHead: "head", archive.Look: "look", archive.List: "list", archive.AskLog: "log", archive.Put: "put",
}

func (a *Archive) failed(request string, err error) {
	a.metrics.failures.WithLabelValues(request).Inc()
	t, now := &a.trouble, time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since == nil {
		t.since, t.logged = map[string]time.Time{}, map[string]time.Time{}
	}
	if t.since[request].IsZero() {
		t.since[request] = now
	}
	if now.Sub(t.logged[request]) >= troubleAgain {
		t.logged[request] = now
		a.log.Error("the archive cannot be written, trying again", "archive", a.to, "request", request, "error", err)
	}
}

func (a *Archive) recovered(request string) {
	t := &a.trouble
	t.mu.Lock()
	defer t.mu.Unlock()
	if since := t.since[request]; !since.IsZero() {
		delete(t.since, request)
		a.log.Info("the archive can be written again", "archive", a.to, "request", request, "after", time.Since(since).Round(time.Second))
	}
}

// backoffs yields until the context ends; the function it yields waits, longer from time to time.
func backoffs(ctx context.Context) iter.Seq[func()] {
	return func(yield func(func()) bool) {
		for d := minBackoff; ctx.Err() == nil; d = min(2*d, maxBackoff) {
			if !yield(func() {
				select {
				case <-ctx.Done():
				case <-time.After(d):
				}
			}) {
				return
			}
		}
	}
}
