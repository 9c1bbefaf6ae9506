package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// startBroker starts the embedded broker on a loopback address. It is for trying things out and for tests, not for
// production: one node, nothing replicated. With a data directory its log survives a restart; stop is called while there is
// still room for what is under way.
func startBroker(ctx context.Context, address, data string, log *slog.Logger, stop context.CancelCauseFunc) (*kfake.Cluster, error) {
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
		if err := checkRoom(data); err != nil {
			return nil, err
		}
		options = append(options, kfake.DataDir(data), kfake.SyncWrites(), kfake.WithLogger(diskFaults{data}))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return nil, fmt.Errorf("embedded broker on %s: %w", address, err)
	}
	go keepBrokerSmall(ctx, cluster, log)
	if data != "" {
		go watchRoom(ctx, data, stop)
	}
	return cluster, nil
}

// leastRoom is what the embedded broker needs on its disk: it writes less than that in the time that stopping takes.
const leastRoom = 32 << 20

// noRoom is the error of a disk that has less.
type noRoom struct {
	data string
	free uint64
}

// Error says what to do.
func (n noRoom) Error() string {
	return fmt.Sprintf("embedded broker: there are %d MiB left on the disk of %s, and it needs %d: make room there and start again", n.free>>20, n.data, leastRoom>>20)
}

func checkRoom(data string) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(data, &disk); err != nil {
		return fmt.Errorf("embedded broker: look at the disk of %s: %w", data, err)
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < leastRoom {
		return noRoom{data, free}
	}
	return nil
}

// watchRoom stops the process before the disk is full.
func watchRoom(ctx context.Context, data string, stop context.CancelCauseFunc) {
	every(ctx, time.Second, func() {
		if err := checkRoom(data); err != nil {
			stop(err) // which ends ctx
		}
	})
}

// diskFaults is a log of the broker, of which only one thing matters: that its data cannot be written. The broker would
// go on all the same, and acknowledge what it does not keep; so that ends the process at once, as a crash does.
type diskFaults struct{ data string }

// Logf looks for an error of the file system.
func (d diskFaults) Logf(level kfake.LogLevel, _ string, arguments ...any) {
	if level > kfake.LogLevelWarn {
		return
	}
	for _, a := range arguments {
		err, _ := a.(error)
		if fault := (*fs.PathError)(nil); errors.As(err, &fault) {
			fmt.Fprintf(os.Stderr, "tidemark: embedded broker: its data in %s cannot be written, and what was published in this moment is lost: mend the disk and start again: %v\n", d.data, fault)
			os.Exit(exitFailed)
		}
	}
}

// keepBrokerSmall applies retention and compaction, which the embedded broker does only when asked.
func keepBrokerSmall(ctx context.Context, cluster *kfake.Cluster, log *slog.Logger) {
	every(ctx, time.Minute, func() {
		log.Debug("applying retention and compaction")
		cluster.ApplyRetention()
		cluster.Compact()
	})
}

// every does something at intervals until the context ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}
