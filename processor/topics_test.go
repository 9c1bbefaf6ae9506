package processor

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
)

func TestTopics(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		ctx := context.Background()
		admin := kadm.NewClient(w.client)
		if created, err := w.config.CreateTopics(ctx, w.client); err != nil || len(created) != 0 {
			t.Errorf("making them again: %v, %v", created, err)
		}
		if faults, err := w.config.CheckTopics(ctx, w.client); err != nil || len(faults) != 0 {
			t.Errorf("faults %v, %v", faults, err)
		}
		panes, err := admin.DescribeTopicConfigs(ctx, w.config.Topics.Panes)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, c := range panes[0].Configs {
			got[c.Key] = c.MaybeValue()
		}
		if got["message.timestamp.type"] != "LogAppendTime" || got["cleanup.policy"] != "delete" || got["retention.ms"] != "86400000" {
			t.Errorf("panes topic has %v", got)
		}

		if _, err := admin.DeleteTopics(ctx, w.config.Topics.Alerts); err != nil {
			t.Fatal(err)
		}
		policy := "delete"
		if _, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "cleanup.policy", Value: &policy}}, w.config.Topics.State); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute) // the client keeps what it knows of topics for some seconds
		c := w.config
		c.Topics.Partitions = 7
		faults, err := c.CheckTopics(ctx, w.client)
		if err != nil {
			t.Fatal(err)
		}
		var short []string
		for _, f := range faults {
			short = append(short, strings.Join(strings.Fields(f)[:4], " "))
		}
		want := []string{
			"tidemark.panes: has 3 partitions,",
			"tidemark.state: has 3 partitions,",
			"tidemark.state: cleanup.policy is delete",
			`topic "alerts" is not`,
		}
		if diff := cmp.Diff(want, short); diff != "" {
			t.Errorf("faults %v: %s", faults, diff)
		}
	})
}

func TestRolesNeedTheirTopics(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		if _, err := kadm.NewClient(w.client).DeleteTopics(context.Background(), w.config.Topics.Panes); err != nil {
			t.Fatal(err)
		}
		err := w.start("one").group.Wait()
		if err == nil || !strings.Contains(err.Error(), `topic "tidemark.panes" is not there: run `) {
			t.Errorf("without the panes topic the process ends with %v", err)
		}
	})
	inWorld(t, nil, func(w *world) {
		w.config.Topics.Partitions = 5
		err := w.start("one").group.Wait()
		if err == nil || !strings.Contains(err.Error(), "has 3 partitions and topics.partitions is 5") {
			t.Errorf("with another number of partitions the process ends with %v", err)
		}
	})
}
