package processor

import (
	"fmt"
	"time"

	"tidemark/sinks/archive"
)

// KafkaConfig says where the brokers are and how to reach them.
type KafkaConfig struct {
	Brokers []string `yaml:"brokers"`
	// Broker "embedded" starts a broker inside the process, for trying things out: it listens on the first of
	// Brokers and keeps its log in Data.
	Broker string     `yaml:"broker"`
	Data   string     `yaml:"data"`
	TLS    TLSConfig  `yaml:"tls"`
	SASL   SASLConfig `yaml:"sasl"`
}

// CaptureConfig is one topic with captures.
type CaptureConfig struct {
	Topic    string `yaml:"topic"`
	Endpoint string `yaml:"endpoint"` // of records that do not say
	Variant  string `yaml:"variant"`  // of records that do not say; "default" by default
}

// TopicsConfig names Tidemark's own topics.
type TopicsConfig struct {
	Panes       string `yaml:"panes"`
	State       string `yaml:"state"`
	Reports     string `yaml:"reports"`
	Alerts      string `yaml:"alerts"`
	Late        string `yaml:"late"`
	DeadLetters string `yaml:"deadletters"`
	// Partitions of Panes and State, fixed for the life of the installation, and of new capture topics.
	Partitions int32 `yaml:"partitions"`
	// Replication of new topics; 0 leaves it to the broker.
	Replication int16 `yaml:"replication"`
}

// DeadLettersConfig bounds what an endpoint may leave on the dead-letter topic.
type DeadLettersConfig struct {
	// Quota is how much of an endpoint, or of a topic's records that name none, goes to the dead letters while most of
	// what comes is of no use. Then the topics that it comes from are not read until Tidemark is restarted.
	Quota archive.Size `yaml:"quota"`
}

// Config is what the roles need to know besides the monitors.
type Config struct {
	Kafka         KafkaConfig       `yaml:"kafka"`
	Capture       []CaptureConfig   `yaml:"capture"`
	Topics        TopicsConfig      `yaml:"topics"`
	DeadLetters   DeadLettersConfig `yaml:"dead_letters"`
	Instance      string            `yaml:"instance"`
	MaxFutureSkew time.Duration     `yaml:"max_future_skew"`
}

// DefaultConfig is the configuration of which nothing is given yet.
func DefaultConfig() Config {
	return Config{
		MaxFutureSkew: 5 * time.Minute, DeadLetters: DeadLettersConfig{Quota: 256 << 20},
		Topics: TopicsConfig{
			Panes: "tidemark.panes", State: "tidemark.state", Reports: "tidemark.reports", Alerts: "alerts",
			Late: "tidemark.late", DeadLetters: "tidemark.deadletters", Partitions: 8,
		},
	}
}

// Complete fills in what was left out.
func (c *Config) Complete() {
	if c.Kafka.Broker == "embedded" {
		if len(c.Kafka.Brokers) == 0 {
			c.Kafka.Brokers = []string{"localhost:9092"}
		}
		if c.Kafka.Data == "" {
			c.Kafka.Data = "tidemark-data/broker"
		}
	}
	if len(c.Capture) == 0 {
		c.Capture = []CaptureConfig{{Topic: "capture"}}
	}
	for i := range c.Capture {
		if c.Capture[i].Variant == "" {
			c.Capture[i].Variant = "default"
		}
	}
}

// Check reports every fault of a completed configuration with the path of its field.
func (c *Config) Check(fault func(path, message string)) {
	switch c.Kafka.Broker {
	case "", "embedded":
	default:
		fault("kafka.broker", fmt.Sprintf("is %q: the only value is \"embedded\"; list other brokers under brokers", c.Kafka.Broker))
	}
	if len(c.Kafka.Brokers) == 0 {
		fault("kafka.brokers", "is missing: list the bootstrap brokers, such as [localhost:9092], or set broker: embedded")
	}
	c.Kafka.checkSecurity(fault)
	seen := map[string]bool{}
	for i, t := range c.Capture {
		path := fmt.Sprintf("capture[%d].topic", i)
		if t.Topic == "" {
			fault(path, "is missing: name the topic that producers capture to")
		}
		if seen[t.Topic] {
			fault(path, fmt.Sprintf("%q appears twice: give each topic once", t.Topic))
		}
		seen[t.Topic] = true
	}
	if c.Topics.Partitions < 1 {
		fault("topics.partitions", fmt.Sprintf("is %d: give at least 1", c.Topics.Partitions))
	}
	if c.DeadLetters.Quota < 1<<20 {
		fault("dead_letters.quota", fmt.Sprintf("is %d bytes: give at least 1MiB", c.DeadLetters.Quota))
	}
	if c.MaxFutureSkew < 0 {
		fault("max_future_skew", fmt.Sprintf("is %v: give zero or a positive duration", c.MaxFutureSkew))
	}
}

// captures returns the names of the capture topics.
func (c *Config) captures() []string {
	var names []string
	for _, t := range c.Capture {
		names = append(names, t.Topic)
	}
	return names
}
