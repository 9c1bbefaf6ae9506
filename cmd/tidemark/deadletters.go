package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/processor"
)

func deadlettersCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "deadletters",
		Short: "Look at captures that could not be used, and replay them",
		Example: `  tidemark deadletters list -c tidemark.yaml
  tidemark deadletters replay -c tidemark.yaml`,
	}
	c.AddCommand(deadlettersListCommand(), deadlettersReplayCommand())
	return c
}

func deadlettersListCommand() *cobra.Command {
	var file string
	var since time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Sum up the dead letters by reason",
		Long: `Print, for each reason and topic, how many captures became dead letters, and of the latest of them where it was and what is
wrong with it. The records themselves are on the dead-letter topic.`,
		Example: `  tidemark deadletters list -c tidemark.yaml --since 24h
  tidemark deadletters list -c tidemark.yaml --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			loaded, err := loadConfig(c, file)
			if err != nil {
				return err
			}
			topic := loaded.Processor.Topics.DeadLetters
			start := kgo.NewOffset().AtStart()
			if since > 0 {
				start = kgo.NewOffset().AfterMilli(time.Now().Add(-since).UnixMilli())
			}
			client, err := dial(&loaded.Processor, kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(start), kgo.ConsumeResetOffset(start),
				kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
			if err != nil {
				return err
			}
			defer client.Close()
			heaps, err := sumDeadLetters(c.Context(), client, topic, since)
			if err != nil {
				return err
			}
			return printDeadLetters(c.OutOrStdout(), heaps, asJSON)
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "tidemark.yaml", "configuration `file`")
	c.Flags().DurationVar(&since, "since", 0, "only dead letters of the last `duration` (default all)")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// deadHeap is the dead letters of one reason from one topic.
type deadHeap struct {
	Reason    string    `json:"reason"`
	Topic     string    `json:"topic"`
	Count     int64     `json:"count"`
	Replayed  int64     `json:"replayed"` // of Count, had been replayed and came back
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"` // of the latest in the topic's partition
	Time      time.Time `json:"time"`   // when the latest became a dead letter
	Message   string    `json:"message"`
}

func sumDeadLetters(ctx context.Context, client *kgo.Client, topic string, since time.Duration) ([]*deadHeap, error) {
	left, err := unread(ctx, kadm.NewClient(client), topic, since)
	if err != nil {
		return nil, err
	}
	heaps := map[[2]string]*deadHeap{}
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := fetches.Err0(); err != nil {
			return nil, fmt.Errorf("read %s: %w", topic, err)
		}
		for iterator := fetches.RecordIter(); !iterator.Done(); {
			r := iterator.Next()
			if end, ok := left[r.Partition]; ok && r.Offset+1 >= end {
				delete(left, r.Partition)
			}
			if r.Attrs.IsControl() {
				continue
			}
			letter, err := processor.ReadDeadLetter(r)
			if err != nil {
				letter = processor.DeadLetter{Reason: "foreign", Topic: topic, Partition: r.Partition, Offset: r.Offset, Message: err.Error()}
			}
			key := [2]string{letter.Reason, letter.Topic}
			h := heaps[key]
			if h == nil {
				h = &deadHeap{Reason: letter.Reason, Topic: letter.Topic}
				heaps[key] = h
			}
			h.Count++
			if letter.Attempts > 0 {
				h.Replayed++
			}
			h.Partition, h.Offset, h.Time, h.Message = letter.Partition, letter.Offset, r.Timestamp.UTC(), letter.Message
		}
	}
	return slices.SortedFunc(maps.Values(heaps), func(a, b *deadHeap) int {
		return strings.Compare(a.Reason+" "+a.Topic, b.Reason+" "+b.Topic)
	}), nil
}

func printDeadLetters(w io.Writer, heaps []*deadHeap, asJSON bool) error {
	if asJSON {
		if heaps == nil {
			heaps = []*deadHeap{}
		}
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(map[string]any{"dead_letters": heaps})
	}
	if len(heaps) == 0 {
		_, err := fmt.Fprintln(w, "No dead letters.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "REASON\tCOUNT\tLATEST\tAT\tMESSAGE")
	for _, h := range heaps {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s/%d:%d\t%s\n", h.Reason, h.Count, h.Time.Format(time.RFC3339), h.Topic, h.Partition, h.Offset, h.Message)
	}
	return table.Flush()
}

func deadlettersReplayCommand() *cobra.Command {
	var file, instance string
	var attempts int
	var asJSON bool
	c := &cobra.Command{
		Use:   "replay",
		Short: "Put dead letters back where they came from",
		Long: `Produce the dead letters to the topics and partitions that they came from, with the key, the value and the headers that they
had, from where the last replay ended. Each is replayed once, also when this is interrupted and begun again. What still cannot be
used comes back as a dead letter that counts its replays in the header tidemark-attempts, and is passed over once there
were as many as --attempts. Rows of windows that have closed are late: the archive has them, alerts do not.`,
		Example: "  tidemark deadletters replay -c tidemark.yaml",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if attempts < 1 {
				return usageError{fmt.Errorf("--attempts is %d: give at least 1", attempts)}
			}
			loaded, err := loadConfig(c, file)
			if err != nil {
				return err
			}
			if instance != "" {
				loaded.Processor.Instance = instance
			}
			done, err := loaded.Processor.Redrive(c.Context(), newLog(slog.LevelWarn), attempts)
			if err != nil {
				return fmt.Errorf("replay dead letters: %w; %d were replayed before", err, done.Replayed)
			}
			if asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(done)
			}
			return printRedriven(c.OutOrStdout(), done, attempts)
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "tidemark.yaml", "configuration `file`")
	c.Flags().StringVar(&instance, "instance", "", "`name` of this process among all that replay (default the configuration's, or the host name)")
	c.Flags().IntVar(&attempts, "attempts", 3, "pass over what was replayed so `many` times")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func printRedriven(w io.Writer, done processor.Redriven, attempts int) error {
	_, err := fmt.Fprintf(w, "%d dead letters replayed\n", done.Replayed)
	for _, rest := range []struct {
		n   int64
		why string
	}{
		{done.GivenUp, fmt.Sprintf("passed over: they were replayed %d times before", attempts)},
		{done.Omitted, "passed over: too large to be kept, they are only in the capture topic and the archive"},
		{done.Foreign, "passed over: not written by Tidemark"},
	} {
		if rest.n > 0 && err == nil {
			_, err = fmt.Fprintf(w, "%d %s\n", rest.n, rest.why)
		}
	}
	return err
}
