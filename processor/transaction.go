package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// commitContext is that of a commit: what was read is committed even when asked to stop, as far as stopping may take.
func commitContext(ctx context.Context) (context.Context, context.CancelFunc) {
	commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTimeout)
	asked := context.AfterFunc(ctx, func() { time.AfterFunc(stopTimeout, cancel) })
	return commit, func() {
		asked()
		cancel()
	}
}

// transact produces the records in one transaction together with the session's consumed offsets. When it did not
// commit, nothing was written and the session reads again from its committed offsets.
func (c *Config) transact(ctx context.Context, session *kgo.GroupTransactSession, records []*kgo.Record) (committed bool, err error) {
	if err := session.Begin(); err != nil {
		return false, lost{fmt.Errorf("begin transaction: %w", err)}
	}
	try := kgo.TryCommit
	if err := produce(ctx, session.ProduceSync, records); err != nil {
		if c.loses(ctx, err) {
			return false, lost{err}
		}
		try = kgo.TryAbort
	}
	if committed, err = session.End(ctx, try); err != nil {
		return false, lost{fmt.Errorf("end transaction: %w", err)}
	}
	return committed, nil
}

// loses says that a session cannot go on after an error of producing: to abort and to read again would not help.
func (c *Config) loses(ctx context.Context, err error) bool {
	return c.fenced(err) != nil || final(err) || ctx.Err() != nil || tooLarge(err)
}

// produce writes records and returns the first error, with the record's topic. A client goes on for ever with records
// that it has sent and whose fate it does not know, whatever becomes of the context: so this does not wait for it. Nor is
// the client told of the context: when it is done, and the client needs a new producer id for such records, it asks for one
// under that context, in vain, again and again without a pause. The caller ends the session anyway.
func produce(ctx context.Context, with func(context.Context, ...*kgo.Record) kgo.ProduceResults, records []*kgo.Record) error {
	done := make(chan kgo.ProduceResults, 1)
	go func() { done <- with(context.WithoutCancel(ctx), records...) }() // ends with the session at the latest
	var results kgo.ProduceResults
	select {
	case results = <-done:
	case <-ctx.Done():
		return fmt.Errorf("produce to topic %q: %w", records[0].Topic, ctx.Err())
	}
	for _, r := range results {
		if r.Err == nil {
			continue
		}
		if tooLarge(r.Err) {
			return fmt.Errorf("produce a record of %d bytes to topic %q, which does not take it: raise its max.message.bytes to %d: %w", size(r.Record), r.Record.Topic, maxBatchBytes, r.Err)
		}
		return fmt.Errorf("produce to topic %q: %w", r.Record.Topic, r.Err)
	}
	return nil
}

func tooLarge(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}
