// Command bench measures Tidemark on a real cluster: the processor time, the memory and the rate of a whole process,
// and whether what it computed is right. docs/performance.md has what it found.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{Use: "bench", Short: "Measure Tidemark on a cluster", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(referenceCommand(), latencyCommand(), encodingsCommand(), pollCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func referenceCommand() *cobra.Command {
	o := options{}
	c := &cobra.Command{
		Use:   "reference",
		Short: "Run the reference job and compare its windows",
		Long: `Load a topic of 8 partitions with captures, if it is not there, and then in turn poll and discard them, and run
Tidemark's ingest and evaluate on them with exactly-once, each in a process of its own. Every run's windows are
compared with those that brute force finds: counts exactly, moments to 1e-9.

The captures are those of the reference job: 20 numbers with 1 % empty, 5 categories, a score, 1 ms of event time a
record with 2 s of jitter, and a shift of three features after three fifths. With --captures, --training and
--expected they come from files instead.`,
		Example: `  bench reference --brokers localhost:9092 --tidemark bin/tidemark
  bench reference --brokers localhost:9092 --tidemark bin/tidemark --archive small --pairs 3`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.self = []string{os.Args[0], "poll"}
			o.out = c.OutOrStdout()
			return o.reference(c.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&o.brokers, "brokers", "localhost:9092", "bootstrap `broker`")
	f.StringVar(&o.tidemark, "tidemark", "bin/tidemark", "`program` to measure")
	f.StringVar(&o.dir, "dir", "", "`directory` for baselines, configurations and archives (default a temporary one)")
	f.IntVar(&o.pairs, "pairs", 5, "pairs of polling and running")
	f.IntVar(&o.work.records, "records", 2_000_000, "captured rows")
	f.IntVar(&o.work.features, "features", 20, "numeric features")
	f.IntVar(&o.work.endpoints, "endpoints", 1, "endpoints that take turns")
	f.IntVar(&o.work.rate, "rate", 1000, "records a second of event time, of all endpoints together")
	f.IntVar(&o.work.arrowRows, "arrow", 0, "`rows` of an Arrow IPC capture; 0 is one SageMaker capture for each row, which is also what is polled")
	f.DurationVar(&o.window.Size, "size", minute, "size of the windows")
	f.DurationVar(&o.window.Slide, "slide", minute/6, "slide of the windows")
	f.StringVar(&o.archive, "archive", "", "also archive, with the `codec` fast or small")
	f.BoolVar(&o.budget, "budget", false, "an alarm budget as the drift policy, in place of thresholds")
	f.IntVar(&o.processes, "processes", 1, "processes that share the work; with several, one is measured too, in the same way")
	f.BoolVar(&o.ingest, "ingest", false, "run the role ingest alone, so that no window closes")
	f.StringVar(&o.captures, "captures", "", "captures from a zstd-compressed `file` of a record a line")
	f.StringVar(&o.training, "training", "", "training data from a CSV `file`")
	f.StringVar(&o.expected, "expected", "", "expected windows from a gzip-compressed JSON `file`")
	f.StringVar(&o.profile, "cpuprofile", "", "`file` for a processor profile of the last run")
	return c
}

func latencyCommand() *cobra.Command {
	o := options{processes: 1, work: workload{features: 20, endpoints: 1}}
	var last time.Duration
	c := &cobra.Command{
		Use:   "latency",
		Short: "Send captures at a steady rate and time the reports and alerts",
		Long: `Send captures of now at a steady rate to a topic of 8 partitions, which Tidemark reads, and print how long after the
record that closed a window its report and its alerts were read, committed: the record is the last one of the first
records, in each partition, of an event time by which the window and its lateness have passed. Three features move
every 15 seconds, so that there are alerts.`,
		Example: "  bench latency --brokers localhost:9092 --tidemark bin/tidemark --rate 50000 --for 2m",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.out = c.OutOrStdout()
			return o.latency(c.Context(), last)
		},
	}
	f := c.Flags()
	f.StringVar(&o.brokers, "brokers", "localhost:9092", "bootstrap `broker`")
	f.StringVar(&o.tidemark, "tidemark", "bin/tidemark", "`program` to measure")
	f.IntVar(&o.work.rate, "rate", 50_000, "records a second")
	f.DurationVar(&last, "for", time.Minute, "how long to measure")
	f.DurationVar(&o.window.Size, "size", 10*time.Second, "size of the windows")
	f.DurationVar(&o.window.Slide, "slide", time.Second, "slide of the windows")
	return c
}

func pollCommand() *cobra.Command {
	var brokers, topic string
	c := &cobra.Command{
		Use:    "poll",
		Short:  "Poll and discard a topic's records: the least that any consumer must do",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return pollAll(c.Context(), brokers, topic, c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&brokers, "brokers", "localhost:9092", "bootstrap `broker`")
	c.Flags().StringVar(&topic, "topic", "", "topic to poll")
	return c
}
