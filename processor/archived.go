package processor

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

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

// settle takes in how jobs ended.
func (a *Archive) settle() {
	a.mu.Lock()
	settled := a.settled
	a.settled = nil
	a.mu.Unlock()
	for _, s := range settled {
		p := s.partition
		if p.putting != nil {
			a.decoders[p.name.Topic].Take(p.putting)
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
		p.records = a.decoders[p.name.Topic].NewRecords(s.action.Start, s.action.Epoch)
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
