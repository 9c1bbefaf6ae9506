package processor

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestClientIsNotToldOfTheContext: producing ends with its context, but the client goes on under one that is not done.
func TestClientIsNotToldOfTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	told, closed, ended := make(chan context.Context, 1), make(chan struct{}), make(chan struct{})
	err := produce(ctx, func(ctx context.Context, _ ...*kgo.Record) kgo.ProduceResults {
		defer close(ended)
		told <- ctx
		cancel()
		<-closed
		return nil
	}, []*kgo.Record{{Topic: "panes"}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("produce: %v, want that the context was cancelled", err)
	}
	if err := (<-told).Err(); err != nil {
		t.Errorf("the client's context: %v", err)
	}
	close(closed)
	<-ended
}
