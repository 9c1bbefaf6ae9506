package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// startBroker starts the embedded broker on a loopback address. It is for trying things out and for tests, not for
// production: one node, nothing replicated. With a data directory its log survives a restart.
func startBroker(ctx context.Context, address, data string, log *slog.Logger) (*kfake.Cluster, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: address %q: %w", address, err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: address %q: the port must be a number", address)
	}
	options := []kfake.Opt{
		kfake.NumBrokers(1), kfake.Ports(number), kfake.ClusterID("tidemark-embedded"),
		kfake.BrokerConfigs(map[string]string{"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000"}),
	}
	if data != "" {
		if err := os.MkdirAll(data, 0o755); err != nil {
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
		options = append(options, kfake.DataDir(data), kfake.SyncWrites())
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return nil, fmt.Errorf("embedded broker on %s: %w", address, err)
	}
	go keepBrokerSmall(ctx, cluster, log)
	return cluster, nil
}

// keepBrokerSmall applies retention and compaction, which the embedded broker does only when asked.
func keepBrokerSmall(ctx context.Context, cluster *kfake.Cluster, log *slog.Logger) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			log.Debug("applying retention and compaction")
			cluster.ApplyRetention()
			cluster.Compact()
		}
	}
}
