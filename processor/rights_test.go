package processor

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/monitor"
)

// Rights that are taken away, and a login that is refused while Tidemark runs, end it with a word on what to do: trying
// again would never end.
func TestRightsAreTakenAway(t *testing.T) {
	for _, c := range []struct {
		request kmsg.Key
		err     *kerr.Error
		advice  string
	}{
		{kmsg.Produce, kerr.TopicAuthorizationFailed, "`tidemark check --connect` lists those that are missing"},
		{kmsg.Fetch, kerr.TopicAuthorizationFailed, "`tidemark check --connect` lists those that are missing"},
		{kmsg.Heartbeat, kerr.GroupAuthorizationFailed, "the right Read on the consumer groups"},
		{kmsg.TxnOffsetCommit, kerr.GroupAuthorizationFailed, "the right Read on the consumer groups"},
		{kmsg.EndTxn, kerr.TransactionalIDAuthorizationFailed, "the right Write on the transactional ids"},
	} {
		t.Run(c.request.Name(), func(t *testing.T) {
			inWorld(t, []*monitor.Monitor{watch(t, "churn", time.Minute)}, func(w *world) {
				p := w.start("one")
				w.live("churn", 30*time.Second, 0, 0, 1, 2)
				w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{c.request}, Err: c.err, Count: -1})
				ended := make(chan error, 1)
				go func() { ended <- p.group.Wait() }()
				select {
				case err := <-ended:
					if err == nil || !strings.Contains(err.Error(), c.err.Message) || !strings.Contains(err.Error(), c.advice) {
						t.Errorf("ended with %v, want %s and %q", err, c.err.Message, c.advice)
					}
				case <-time.After(5 * time.Minute):
					t.Errorf("it goes on after 5 minutes of %s", c.err.Message)
					p.end()
				}
			})
		})
	}
}

// A new cluster has no coordinators before somebody asks for one: that is no fault of the rights.
func TestRightsWaitForCoordinators(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		for _, key := range []kmsg.Key{kmsg.AddOffsetsToTxn, kmsg.OffsetFetch} {
			w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: kerr.CoordinatorNotAvailable, Count: 40})
		}
		faults, err := w.config.CheckRights(w.t.Context(), w.client, []string{"ingest", "archive"})
		if err != nil || len(faults) > 0 {
			t.Errorf("faults %q, %v", faults, err)
		}
		w.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.AddOffsetsToTxn}, Err: kerr.CoordinatorNotAvailable, Count: -1})
		ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
		defer cancel()
		if _, err := w.config.CheckRights(ctx, w.client, []string{"ingest"}); err == nil {
			t.Error("no error when there never is a coordinator")
		}
	})
}
