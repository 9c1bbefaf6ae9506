package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"tidemark/baseline"
	"tidemark/config"
	"tidemark/monitor"
	"tidemark/processor"
	"tidemark/sinks/archive"
	"tidemark/sinks/webhook"
)

// configuredRoles are the roles that a process has when none is named.
func configuredRoles(c *config.Config) []string {
	var roles []string
	for _, role := range processor.Roles {
		if lacking(c, role) == "" {
			roles = append(roles, role)
		}
	}
	return roles
}

// lacking is what the configuration lacks for a role, or "".
func lacking(c *config.Config, role string) string {
	switch {
	case role == "archive" && !c.Archive.Enabled():
		return "archive.url"
	case role == "notify" && c.Webhook.URL == "":
		return "webhook.url"
	}
	return ""
}

func runCommand() *cobra.Command {
	var file, instance string
	var only []string
	c := &cobra.Command{
		Use:   "run",
		Short: "Watch the captures of a cluster",
		Long: `Read captures, close windows and publish reports and alerts, until SIGTERM or Ctrl-C. By default one process has all
roles that are configured; more processes share the partitions. A process is known by its --instance: give each of a
host another one.`,
		Example: `  tidemark run -c tidemark.yaml
  tidemark run -c tidemark.yaml --role ingest --instance ingest-2`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			loaded, err := loadConfig(c, file)
			if err != nil {
				return err
			}
			if instance != "" {
				loaded.Processor.Instance = instance
			}
			for _, role := range only {
				if !slices.Contains(processor.Roles, role) {
					return usageError{fmt.Errorf("--role %q is not known: use one of %v", role, processor.Roles)}
				}
				if setting := lacking(loaded, role); setting != "" {
					return usageError{fmt.Errorf("--role %s has nothing to do: give %s in %s", role, setting, file)}
				}
			}
			if len(only) == 0 {
				only = configuredRoles(loaded)
			}
			return runRoles(c.Context(), loaded, only, newLog(slog.LevelInfo))
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "tidemark.yaml", "configuration `file`")
	c.Flags().StringVar(&instance, "instance", "", "`name` of this process among all of them (default the configuration's, or the host name)")
	c.Flags().StringSliceVar(&only, "role", nil, "`role` to run: ingest, evaluate, archive or notify; may be repeated (default all that are configured)")
	return c
}

// loadConfig loads the file; its faults go to standard error.
func loadConfig(c *cobra.Command, file string) (*config.Config, error) {
	loaded, err := config.Load(file, os.LookupEnv)
	if err != nil {
		var faults *config.Faults
		if errors.As(err, &faults) {
			fmt.Fprintf(c.ErrOrStderr(), "%v\n\n", faults)
		}
		return nil, checkFailure(file, err)
	}
	return loaded, nil
}

// loadMonitors loads the baselines of the configured monitors.
func loadMonitors(configs []monitor.Config) ([]*monitor.Monitor, error) {
	var monitors []*monitor.Monitor
	loaded := map[string]*baseline.Baseline{}
	for _, c := range configs {
		b := loaded[c.Baseline]
		if b == nil {
			var err error
			if b, err = baseline.Load(c.Baseline); err != nil {
				return nil, usageError{fmt.Errorf("monitor %q: %w", c.Name, err)}
			}
			loaded[c.Baseline] = b
		}
		if err := c.CheckBaseline(b); err != nil {
			return nil, usageError{err}
		}
		m := monitor.New(c, b)
		if c.Constraints != "" {
			constraints, err := baseline.ReadConstraints(c.Constraints)
			if err == nil {
				err = m.Constrain(constraints)
			}
			if err != nil {
				return nil, usageError{err}
			}
		}
		monitors = append(monitors, m)
	}
	return monitors, nil
}

// runRoles runs the roles until the context ends or one fails.
func runRoles(ctx context.Context, c *config.Config, roles []string, log *slog.Logger) error {
	monitors, err := loadMonitors(c.Monitors)
	if err != nil {
		return err
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	if c.Processor.Kafka.Broker == "embedded" {
		broker, err := startBroker(ctx, c.Processor.Kafka.Brokers[0], c.Processor.Kafka.Data, log, fail)
		if err != nil {
			return err
		}
		defer broker.Close()
		if err := createTopics(ctx, &c.Processor); err != nil {
			return err
		}
	}
	registry := newRegistry()
	state := &readiness{}
	server, err := startServer(c.HTTP.Listen, registry, state, log)
	if err != nil {
		return err
	}
	defer server.Close()
	registry.MustRegister(newBaselineAges(monitors, time.Now))
	for _, warning := range reviewWarnings(monitors, time.Now()) {
		log.Warn(warning)
	}
	log.Info("started", "version", version, "instance", c.Processor.Instance, "brokers", c.Processor.Kafka.Brokers,
		"monitors", len(monitors), "http", server.Addr)
	ended := make(chan error, 1)
	go func() { ended <- startRoles(ctx, c, monitors, roles, registry, state, log) }()
	err = waitStopped(ctx, ended, log)
	log.Info("stopped")
	if full := (noRoom{}); errors.As(context.Cause(ctx), &full) {
		return full
	}
	return err
}

// stopLimit is how long the roles may take once they are asked to stop. They need less, but a client of the brokers does
// not give up a connection that is being made; what was not committed by then is read again.
const stopLimit = 8 * time.Second

// waitStopped waits for the roles to end.
func waitStopped(ctx context.Context, ended <-chan error, log *slog.Logger) error {
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(stopLimit):
		log.Warn("stopping without an answer of the brokers or the store: what was not committed is read again")
		return nil
	}
}

// startRoles runs roles on a registry and reports their readiness to state.
func startRoles(ctx context.Context, c *config.Config, monitors []*monitor.Monitor, roles []string, registry prometheus.Registerer, state *readiness, log *slog.Logger) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, role := range roles {
		ready := func(bool) {}
		if role == "ingest" || role == "evaluate" || len(roles) == 1 { // a store or receiver in trouble does not make the others unready
			ready = state.role(role)
		}
		hooks := kgo.WithHooks(newClientMetrics(registry, role))
		switch role {
		case "ingest":
			group.Go(func() error {
				return processor.NewIngest(&c.Processor, monitors, ready, log, registry, hooks).Run(ctx)
			})
		case "evaluate":
			group.Go(func() error {
				return processor.NewEvaluate(&c.Processor, monitors, ready, log, registry, hooks).Run(ctx)
			})
		case "archive":
			group.Go(func() error {
				to, err := archive.Open(ctx, c.Archive)
				if err != nil {
					return err
				}
				return processor.NewArchive(&c.Processor, to, monitors, ready, log, registry, hooks).Run(ctx)
			})
		case "notify":
			group.Go(func() error {
				return processor.NewNotify(&c.Processor, webhook.New(c.Webhook, nil), ready, log, registry, hooks).Run(ctx)
			})
		}
	}
	return group.Wait()
}

func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tidemark_build_info", Help: "1, labelled by the version of the program.", ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	registry.MustRegister(info)
	return registry
}

// createTopics makes the topics that are not there yet.
func createTopics(ctx context.Context, c *processor.Config) error {
	client, err := dial(c)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err = c.CreateTopics(ctx, client)
	return err
}

// dial returns a plain client of the configured cluster.
func dial(c *processor.Config, options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(append(c.Kafka.Options(), kgo.ClientID("tidemark")), options...)...)
}
