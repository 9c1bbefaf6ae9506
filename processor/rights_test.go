package processor

import (
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
