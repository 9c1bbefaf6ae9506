package processor

import (
	"context"
	"iter"
	"sync"
	"time"

	"tidemark/sinks/archive"
)

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
