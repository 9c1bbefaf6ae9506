package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/sinks/alerts"
)

func alertsCommand() *cobra.Command {
	var file string
	var since time.Duration
	var follow, asJSON bool
	c := &cobra.Command{
		Use:   "alerts",
		Short: "Print alerts",
		Long: `Print the alerts that were committed, oldest first. Without --follow it ends at the last one. The exit code is 0
whether there are alerts or not.`,
		Example: `  tidemark alerts -c tidemark.yaml --since 24h
  tidemark alerts -c tidemark.yaml --follow --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			loaded, err := loadConfig(c, file)
			if err != nil {
				return err
			}
			start := kgo.NewOffset().AtStart()
			if since > 0 {
				start = kgo.NewOffset().AfterMilli(time.Now().Add(-since).UnixMilli())
			}
			client, err := dial(&loaded.Processor,
				kgo.ConsumeTopics(loaded.Processor.Topics.Alerts), kgo.ConsumeStartOffset(start), kgo.ConsumeResetOffset(start),
				kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
			if err != nil {
				return err
			}
			defer client.Close()
			return printAlerts(c.Context(), client, loaded.Processor.Topics.Alerts, c.OutOrStdout(), since, follow, asJSON)
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "tidemark.yaml", "configuration `file`")
	c.Flags().DurationVar(&since, "since", 0, "only alerts of the last `duration` (default all)")
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on with new alerts until Ctrl-C")
	c.Flags().BoolVar(&asJSON, "json", false, "print each alert as a line of JSON")
	return c
}

func printAlerts(ctx context.Context, client *kgo.Client, topic string, w io.Writer, since time.Duration, follow, asJSON bool) error {
	left, err := unread(ctx, kadm.NewClient(client), topic, since)
	if err != nil {
		return err
	}
	for follow || len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("read %s: %w", topic, err)
		}
		for iterator := fetches.RecordIter(); !iterator.Done(); {
			r := iterator.Next()
			if end, ok := left[r.Partition]; ok && r.Offset+1 >= end {
				delete(left, r.Partition)
			}
			if r.Attrs.IsControl() {
				continue
			}
			a, err := alerts.Decode(r)
			if err != nil {
				return err
			}
			if err := printAlert(w, a, r.Value, asJSON); err != nil {
				return err
			}
		}
	}
	return nil
}

// unread returns the committed end of the partitions that hold anything to read.
func unread(ctx context.Context, admin *kadm.Client, topic string, since time.Duration) (map[int32]int64, error) {
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("list the ends of %s: %w", topic, err)
	}
	starts, err := admin.ListStartOffsets(ctx, topic)
	if since > 0 && err == nil {
		starts, err = admin.ListOffsetsAfterMilli(ctx, time.Now().Add(-since).UnixMilli(), topic)
	}
	if err != nil {
		return nil, fmt.Errorf("list the starts of %s: %w", topic, err)
	}
	left := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if end.Err != nil {
			err = fmt.Errorf("topic %q: %w: run `tidemark topics create`", topic, end.Err)
		}
		if start, ok := starts.Lookup(topic, end.Partition); ok && start.Err == nil && start.Offset < end.Offset {
			left[end.Partition] = end.Offset
		}
	})
	return left, err
}

func printAlert(w io.Writer, a *monitor.Alert, value []byte, asJSON bool) error {
	if asJSON {
		_, err := fmt.Fprintf(w, "%s\n", json.RawMessage(value))
		return err
	}
	_, err := fmt.Fprintf(w, "%s  %-8s  %s\n", a.Window.End.Time().Format(time.RFC3339), a.State, a.Message)
	return err
}
