package processor

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Topic is a topic as Tidemark needs it.
type Topic struct {
	Name       string            `json:"name"`
	Partitions int32             `json:"partitions"`
	Config     map[string]string `json:"config"`
}

// Needed returns the topics that Tidemark reads and writes.
func (c *Config) Needed() []Topic {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	const day = 24 * time.Hour
	large := strconv.Itoa(maxBatchBytes)
	var topics []Topic
	for _, t := range c.Capture {
		topics = append(topics, Topic{t.Topic, c.Topics.Partitions, map[string]string{"cleanup.policy": "delete"}})
	}
	t := c.Topics
	return append(topics,
		Topic{t.Panes, t.Partitions, map[string]string{
			"cleanup.policy": "delete", "retention.ms": ms(day), "message.timestamp.type": "LogAppendTime", "max.message.bytes": large}},
		Topic{t.State, t.Partitions, map[string]string{
			"cleanup.policy": "compact", "segment.bytes": strconv.Itoa(64 << 20), "min.cleanable.dirty.ratio": "0.1",
			"max.compaction.lag.ms": ms(10 * time.Minute), "max.message.bytes": large}},
		Topic{t.Reports, t.Partitions, map[string]string{
			"cleanup.policy": "delete", "retention.ms": ms(7 * day), "max.message.bytes": large}},
		Topic{t.Alerts, 1, map[string]string{"cleanup.policy": "delete", "retention.ms": ms(90 * day)}},
		Topic{t.Late, 1, map[string]string{"cleanup.policy": "delete", "retention.ms": ms(7 * day), "max.message.bytes": large}},
		Topic{t.DeadLetters, 1, map[string]string{"cleanup.policy": "delete", "retention.ms": ms(14 * day), "max.message.bytes": large}},
	)
}

// CreateTopics makes the topics that are not there and returns their names.
func (c *Config) CreateTopics(ctx context.Context, admin *kadm.Client) (created []string, err error) {
	replication := c.Topics.Replication
	if replication == 0 {
		replication = -1
	}
	for _, t := range c.Needed() {
		config := make(map[string]*string, len(t.Config))
		for key, value := range t.Config {
			config[key] = kadm.StringPtr(value)
		}
		_, err := admin.CreateTopic(ctx, t.Partitions, replication, config, t.Name)
		switch {
		case errors.Is(err, kerr.TopicAlreadyExists):
		case err != nil:
			return created, fmt.Errorf("create topic %q: %w", t.Name, err)
		default:
			created = append(created, t.Name)
		}
	}
	return created, nil
}

// CheckTopics compares the topics with what is needed and returns a sentence for each difference.
func (c *Config) CheckTopics(ctx context.Context, admin *kadm.Client) (faults []string, err error) {
	var names []string
	needed := c.Needed()
	for _, t := range needed {
		names = append(names, t.Name)
	}
	details, err := admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var there []string
	for _, name := range names {
		if topicError(details, name) == nil {
			there = append(there, name)
		}
	}
	configs := kadm.ResourceConfigs{}
	if len(there) > 0 {
		if configs, err = admin.DescribeTopicConfigs(ctx, there...); err != nil {
			return nil, fmt.Errorf("describe topics: %w", err)
		}
	}
	for _, t := range needed {
		if err := topicError(details, t.Name); err != nil {
			faults = append(faults, err.Error())
			continue
		}
		fixed := t.Name == c.Topics.Panes || t.Name == c.Topics.State
		if n := int32(len(details[t.Name].Partitions)); fixed && n != t.Partitions {
			faults = append(faults, fmt.Sprintf("%s: has %d partitions, the configuration says %d: they are fixed for life; set topics.partitions to %d", t.Name, n, t.Partitions, n))
		}
		faults = append(faults, differences(t, configs)...)
	}
	return faults, nil
}

// differences names the settings without which Tidemark would not work as it says.
func differences(t Topic, configs kadm.ResourceConfigs) (faults []string) {
	config, err := configs.On(t.Name, nil)
	if err != nil || config.Err != nil {
		return []string{fmt.Sprintf("%s: its settings cannot be read: %v", t.Name, errors.Join(err, config.Err))}
	}
	for _, has := range config.Configs {
		want, needed := t.Config[has.Key]
		if !needed || has.Value == nil || (has.Key != "cleanup.policy" && has.Key != "message.timestamp.type") {
			continue
		}
		if *has.Value != want {
			faults = append(faults, fmt.Sprintf("%s: %s is %s and must be %s: kafka-configs --alter --topic %s --add-config %s=%s", t.Name, has.Key, *has.Value, want, t.Name, has.Key, want))
		}
	}
	return faults
}

// topicError says what to do about a topic that cannot be used, if anything.
func topicError(topics kadm.TopicDetails, name string) error {
	t, found := topics[name]
	switch err := t.Err; {
	case !found, errors.Is(err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("topic %q is not there: run `tidemark topics create`", name)
	case err == nil:
		return nil
	case kerr.IsRetriable(err):
		return lost{fmt.Errorf("look up topic %q: %w", name, err)}
	default:
		return fmt.Errorf("look up topic %q: %w", name, err)
	}
}
