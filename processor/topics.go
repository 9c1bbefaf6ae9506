package processor

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
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
		Topic{t.Alerts, 1, map[string]string{"cleanup.policy": "delete", "retention.ms": ms(90 * day), "max.message.bytes": large}},
		Topic{t.Late, 1, map[string]string{"cleanup.policy": "delete", "retention.ms": ms(7 * day), "max.message.bytes": large}},
		Topic{t.DeadLetters, 1, map[string]string{"cleanup.policy": "delete", "retention.ms": ms(14 * day), "max.message.bytes": large}},
	)
}

// CreateTopics makes the topics that are not there, waits until the brokers know them, and returns their names.
func (c *Config) CreateTopics(ctx context.Context, client *kgo.Client) (created []string, err error) {
	admin := kadm.NewClient(client)
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
			return created, Advised(fmt.Errorf("create topic %q: %w", t.Name, err))
		default:
			created = append(created, t.Name)
		}
	}
	return created, awaitTopics(ctx, client, created)
}

// awaitTopics waits until the brokers know new topics: they hear of them a moment after the controller made them.
func awaitTopics(ctx context.Context, client *kgo.Client, names []string) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for len(names) > 0 {
		topics, err := lookUp(ctx, client, names...)
		if err != nil {
			return err
		}
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return topics[name].Err == nil && len(topics[name].Partitions) > 0 })
		if len(names) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the brokers to know topic %q: %w", names[0], ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}

// CheckTopics compares the topics with what is needed and returns a sentence for each difference.
func (c *Config) CheckTopics(ctx context.Context, client *kgo.Client) (faults []string, err error) {
	var names []string
	needed := c.Needed()
	for _, t := range needed {
		names = append(names, t.Name)
	}
	details, err := lookUp(ctx, client, names...)
	if err != nil {
		return nil, err
	}
	var there []string
	for _, name := range names {
		if c.topicError(details, name) == nil {
			there = append(there, name)
		}
	}
	configs := kadm.ResourceConfigs{}
	if len(there) > 0 {
		if configs, err = kadm.NewClient(client).DescribeTopicConfigs(ctx, there...); err != nil {
			return nil, fmt.Errorf("describe topics: %w", err)
		}
	}
	for _, t := range needed {
		if err := c.topicError(details, t.Name); err != nil {
			faults = append(faults, err.Error())
			continue
		}
		fixed := t.Name == c.Topics.Panes || t.Name == c.Topics.State
		if n := int32(len(details[t.Name].Partitions)); fixed && n != t.Partitions {
			faults = append(faults, fmt.Sprintf("%s: has %d partitions, the configuration says %d: they are fixed for life; set topics.partitions to %d", t.Name, n, t.Partitions, n))
		}
		faults = append(faults, c.differences(t, configs)...)
	}
	return faults, nil
}

// differences names the settings without which Tidemark would not work as it says.
func (c *Config) differences(t Topic, configs kadm.ResourceConfigs) (faults []string) {
	config, err := configs.On(t.Name, nil)
	if errors.Is(config.Err, kerr.TopicAuthorizationFailed) {
		return []string{fmt.Sprintf("%s: its settings may not be read: %s", t.Name, c.grant("DescribeConfigs", "--topic "+t.Name))}
	}
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

// lookUp asks for topics and what may be done with them.
func lookUp(ctx context.Context, client *kgo.Client, names ...string) (kadm.TopicDetails, error) {
	request := kmsg.NewPtrMetadataRequest()
	request.IncludeTopicAuthorizedOperations = true
	for _, name := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		request.Topics = append(request.Topics, topic)
	}
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return nil, lost{fmt.Errorf("look up topics: %w", err)}
	}
	topics := kadm.TopicDetails{}
	for _, t := range response.Topics {
		if t.Topic == nil {
			continue
		}
		detail := kadm.TopicDetail{
			Topic: *t.Topic, ID: t.TopicID, Err: kerr.ErrorForCode(t.ErrorCode),
			Partitions: kadm.PartitionDetails{}, AuthorizedOperations: kadm.DecodeACLOperations(t.AuthorizedOperations),
		}
		for _, p := range t.Partitions {
			detail.Partitions[p.Partition] = kadm.PartitionDetail{Topic: *t.Topic, Partition: p.Partition}
		}
		topics[*t.Topic] = detail
	}
	return topics, nil
}

// errNoTopic says that a topic is missing.
var errNoTopic = errors.New("is not there")

// topicError says what to do about a topic that cannot be used, if anything.
func (c *Config) topicError(topics kadm.TopicDetails, name string) error {
	t, found := topics[name]
	switch err := t.Err; {
	case !found, errors.Is(err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("topic %q %w: run `tidemark topics create`", name, errNoTopic)
	case err == nil:
		return nil
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return fmt.Errorf("topic %q: the right Describe is missing, and so are Read and Write: %s", name, c.grant("Describe", "--topic "+name))
	case kerr.IsRetriable(err):
		return lost{fmt.Errorf("look up topic %q: %w", name, err)}
	default:
		return fmt.Errorf("look up topic %q: %w", name, err)
	}
}

// topicID is a topic's id as Kafka's tools write it.
func topicID(id kadm.TopicID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }
