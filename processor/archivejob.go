package processor

import (
	"context"
	"fmt"
	"time"

	"tidemark/sinks/archive"
)

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
	p.putting, p.before, p.records = records, p.since, a.decoders[p.name.Topic].NewRecords(records.End, records.Epoch)
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
	var encoder *archive.Encoder
	select {
	case encoder = <-a.encoders:
		defer func() { a.encoders <- encoder }()
	case <-ctx.Done():
		return nil, archive.Action{}, nil, ctx.Err()
	}
	table := records.Table()
	cut := p.chain.Cut(records.End, table.Rows, records.Epoch)
	if cut.Do == archive.Stop {
		return nil, cut, nil, cut.Err
	}
	content, err := encoder.Parquet(table, cut.Info)
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
		first, behind, err := bounds(ctx, a.admin, p.name)
		return archive.Event{Log: archive.Bounds{Start: first, End: behind}}, err
	case action.Do == archive.Put && action.Info.Gap:
		var err error
		if content, err = (&archive.Table{}).Parquet(action.Info, a.to.Config().Codec); err != nil {
			return archive.Event{}, err
		}
	}
	return a.to.Perform(ctx, p.id, action, content)
}
