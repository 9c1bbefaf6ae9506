package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"tidemark/baseline"
	"tidemark/config"
	"tidemark/monitor"
	"tidemark/processor"
	"tidemark/sinks/alerts"
	"tidemark/windows"
)

const (
	demoEndpoint   = "loans"
	demoRate       = 1000 // records a second
	demoDriftAfter = 5 * time.Second
	demoSigma      = 0.5
	demoTraining   = 20_000 // rows
)

// errAlerted and errOver end a demo that was asked to end.
var (
	errAlerted = errors.New("an alert came")
	errOver    = errors.New("the time is over")
)

func demoCommand() *cobra.Command {
	var d demo
	c := &cobra.Command{
		Use:   "demo",
		Short: "See Tidemark raise an alert, with nothing else installed",
		Long: `Run everything in one process: an embedded Kafka broker, made-up loan applications with a model's answers to them, and
Tidemark. After some seconds the applicants' incomes fall and their debts rise, by half a standard deviation. It runs
until Ctrl-C.`,
		Example: `  tidemark demo
  tidemark demo --exit-on-alert --for 60s
  kcat -b localhost:9092 -t alerts -C       # in another terminal, meanwhile`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			d.out = c.OutOrStdout()
			return d.run(c.Context())
		},
	}
	c.Flags().DurationVar(&d.limit, "for", 0, "end after this `duration`")
	c.Flags().BoolVar(&d.exitOnAlert, "exit-on-alert", false, "end with 0 at the first alert, and with 1 when --for passes without one")
	c.Flags().BoolVar(&d.noDrift, "no-drift", false, "let the applicants stay as they are")
	return c
}

// demo is one run of the demo.
type demo struct {
	limit                time.Duration
	exitOnAlert, noDrift bool
	out                  io.Writer

	config  *config.Config
	largest map[string]monitor.Alert // by feature, the firing alert with the largest score
	seen    int
}

func (d *demo) run(ctx context.Context) error {
	directory, err := os.MkdirTemp("", "tidemark-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	if err := d.configure(directory); err != nil {
		return err
	}
	monitors, err := loadMonitors(d.config.Monitors)
	if err != nil {
		return err
	}
	log := newLog(slog.LevelWarn)
	broker, err := startBroker(ctx, d.config.Processor.Kafka.Brokers[0], "", log, nil)
	if err != nil {
		return err
	}
	defer broker.Close()
	if err := createTopics(ctx, &d.config.Processor); err != nil {
		return err
	}
	registry, state := newRegistry(), &readiness{}
	server, err := startServer(d.config.HTTP.Listen, registry, state, log)
	if err != nil {
		return err
	}
	defer server.Close()
	d.greet(server.Addr)

	if d.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.limit, errOver)
		defer cancel()
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error {
		return startRoles(running, d.config, monitors, configuredRoles(d.config), registry, state, log)
	})
	group.Go(func() error { return d.produce(running) })
	group.Go(func() error { return d.watch(running) })
	err = group.Wait()
	if err != nil && !errors.Is(err, errAlerted) && ctx.Err() == nil {
		return err
	}
	return d.end(errors.Is(context.Cause(ctx), errOver))
}

// configure builds the baseline from the traffic of the time before, and the configuration of the run.
func (d *demo) configure(directory string) error {
	training := filepath.Join(directory, "training.csv")
	file, err := os.Create(training)
	if err != nil {
		return err
	}
	if err := newTraffic(1).csv(file, demoTraining); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	b, err := baseline.Build([]string{training}, baseline.Roles{Predictions: []string{"default_probability"}}, time.Now())
	if err != nil {
		return err
	}
	if err := b.Calibrate([]string{training}); err != nil {
		return err
	}
	if err := b.Save(directory); err != nil {
		return err
	}
	m := monitor.DefaultConfig()
	m.Name, m.Baseline = demoEndpoint, directory
	m.Windows = []windows.Spec{{Size: 3 * time.Second, Slide: time.Second}}
	m.AllowedLateness = time.Second
	m.Complete()
	p := processor.DefaultConfig()
	p.Instance = "demo"
	p.Topics.Partitions = 4
	p.Kafka = processor.KafkaConfig{Broker: "embedded", Brokers: []string{freeAddress("localhost:9092")}}
	p.Complete()
	d.config = &config.Config{Processor: p, Monitors: []monitor.Config{m}, HTTP: config.HTTP{Listen: freeAddress(config.DefaultListen)}}
	d.largest = map[string]monitor.Alert{}
	return nil
}

// freeAddress returns the address, or one with a free port when something listens there.
func freeAddress(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	for _, try := range []string{address, net.JoinHostPort(host, "0")} {
		if listener, err := net.Listen("tcp", try); err == nil {
			defer listener.Close()
			_, port, _ := net.SplitHostPort(listener.Addr().String())
			return net.JoinHostPort(host, port)
		}
	}
	return address
}

func (d *demo) greet(http string) {
	broker := d.config.Processor.Kafka.Brokers[0]
	fmt.Fprintf(d.out, "Embedded Kafka broker on %s: captures on topic %q, alerts on topic %q. Metrics on http://%s/metrics\n",
		broker, d.config.Processor.Capture[0].Topic, d.config.Processor.Topics.Alerts, http)
	what := fmt.Sprintf("after %v, incomes fall and debts rise by %v standard deviations", demoDriftAfter, demoSigma)
	if d.noDrift {
		what = "nothing drifts"
	}
	fmt.Fprintf(d.out, "%d loan applications a second with 12 features and a prediction; %s.\n", demoRate, what)
	fmt.Fprintf(d.out, "They are compared with %d training rows. Alerts are for %s expected. Windows are 3s, sliding by 1s.\n\n", demoTraining, d.config.Monitors[0].Budget.String())
}

// produce publishes the traffic at its rate.
func (d *demo) produce(ctx context.Context) error {
	client, err := dial(&d.config.Processor, kgo.DefaultProduceTopic(d.config.Processor.Capture[0].Topic))
	if err != nil {
		return err
	}
	defer client.Close()
	t := newTraffic(2)
	start, sent := time.Now(), 0
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			if !d.noDrift && now.Sub(start) > demoDriftAfter {
				t.drift(demoSigma)
			}
			for due := int(now.Sub(start).Seconds() * demoRate); sent < due; sent++ {
				id := fmt.Sprintf("application-%d", sent)
				record := &kgo.Record{Key: []byte(id), Value: t.record(time.Now(), id)}
				client.Produce(ctx, record, nil)
			}
		}
	}
}

// watch prints reports and alerts as any reader of the topics would see them.
func (d *demo) watch(ctx context.Context) error {
	topics := d.config.Processor.Topics
	client, err := dial(&d.config.Processor, kgo.ConsumeTopics(topics.Reports, topics.Alerts),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		fired := false
		for iterator := fetches.RecordIter(); !iterator.Done(); {
			r := iterator.Next()
			if r.Topic == topics.Reports {
				if err := d.report(r.Value); err != nil {
					return err
				}
				continue
			}
			a, err := alerts.Decode(r)
			if err != nil {
				return err
			}
			fired = d.alert(a) || fired
		}
		if fired && d.exitOnAlert {
			return errAlerted
		}
	}
}
