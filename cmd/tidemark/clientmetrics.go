package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// clientMetrics are the metrics of a role's Kafka clients. A role has one for its session, and others at times to
// restore with. Each would register the same metrics again, so the first is the owner until it closes; what the
// others send and fetch counts too. All of a role's clients are made and closed by one goroutine.
type clientMetrics struct {
	*kprom.Metrics
	owner *kgo.Client
}

func newClientMetrics(registry prometheus.Registerer, role string) *clientMetrics {
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{"role": role}, registry)
	return &clientMetrics{Metrics: kprom.NewMetrics("tidemark_kafka", kprom.Registerer(labelled))}
}

// OnNewClient registers the metrics for the owner.
func (m *clientMetrics) OnNewClient(client *kgo.Client) {
	if m.owner == nil {
		m.owner = client
		m.Metrics.OnNewClient(client)
	}
}

// OnClientClosed takes the metrics back when the owner closes.
func (m *clientMetrics) OnClientClosed(client *kgo.Client) {
	if m.owner == client {
		m.owner = nil
		m.Metrics.OnClientClosed(client)
	}
}

// OnFetchBatchRead counts nothing, where kprom makes labels for each batch that was read: what comes from each broker is
// counted as well, and what a role reads of a topic.
func (m *clientMetrics) OnFetchBatchRead(kgo.BrokerMetadata, string, int32, kgo.FetchBatchMetrics) {}
