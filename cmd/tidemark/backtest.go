package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/config"
	"tidemark/monitor"
	"tidemark/processor"
	"tidemark/sinks/archive"
	"tidemark/windows"
)

// backtestOptions are the flags of backtest.
type backtestOptions struct {
	config, endpoint, variant string
	rate                      float64
	json                      bool
	svg                       string
}

func backtestCommand() *cobra.Command {
	var o backtestOptions
	c := &cobra.Command{
		Use:   "backtest [SRC...]",
		Short: "Say what would have fired over captures of the past",
		Long: `Drive the configured monitors over an archive, or over files, as tidemark run would have been by the stream, and say what
would have fired. SRC is the archive's URL or directory, by default the configuration's; or files: CSV (.csv, .csv.gz) and
Parquet with the columns of the baseline, or captures (.jsonl, .jsonl.gz), in the order of time. No Kafka is needed, and
nothing is written. The clock is the records' timestamps in an archive, and the event times in files.

Where monitors have an alarm budget, it is also said what other budgets and other least effects would have done.

The exit code is 3 when anything would have fired.`,
		Example: `  tidemark backtest -c tidemark.yaml
  tidemark backtest s3://bucket/captures --svg backtest.svg
  tidemark backtest july.parquet august.parquet --endpoint churn --json`,
		RunE: func(c *cobra.Command, sources []string) error {
			loaded, err := loadConfig(c, o.config)
			if err != nil {
				return err
			}
			return o.run(c.Context(), loaded, sources, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	flags := c.Flags()
	flags.StringVarP(&o.config, "config", "c", "tidemark.yaml", "configuration `file`")
	flags.StringVar(&o.endpoint, "endpoint", "", "endpoint `name` of files (default that of the only monitor)")
	flags.StringVar(&o.variant, "variant", "", "variant `name` of files")
	flags.Float64Var(&o.rate, "rate", 0, "`rows` a second of files that do not say when their rows were")
	flags.BoolVar(&o.json, "json", false, "print the result as JSON")
	flags.StringVar(&o.svg, "svg", "", "`file` to draw the result to, as SVG")
	return c
}

func (o *backtestOptions) run(ctx context.Context, c *config.Config, sources []string, w, progress io.Writer) error {
	monitors, err := loadMonitors(c.Monitors)
	if err != nil {
		return err
	}
	h := &history{monitors: monitors, processor: &c.Processor, progress: newProgress(progress)}
	read, err := o.source(ctx, c, h, sources)
	if err != nil {
		return err
	}
	defer h.progress.done()
	if err := read(); err != nil {
		return err
	}
	result, err := h.end()
	if err != nil {
		return err
	}
	if o.svg != "" {
		if err := result.draw(o.svg); err != nil {
			return err
		}
	}
	h.progress.done()
	if o.json {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(result)
	} else {
		err = result.print(w)
	}
	if err == nil && result.Alarms > 0 {
		return errFound
	}
	return err
}

// source returns what reads the archive or the files into the history.
func (o *backtestOptions) source(ctx context.Context, c *config.Config, h *history, sources []string) (func() error, error) {
	from := c.Archive
	if len(sources) > 0 {
		from.URL = sources[0]
	}
	directory, local := from.Directory()
	info, err := os.Stat(directory)
	switch {
	case len(sources) == 0 && !c.Archive.Enabled():
		return nil, usageError{errors.New("name an archive or files: the configuration has no archive")}
	case local && (err != nil || !info.IsDir()):
		return o.files(c, h, sources)
	case len(sources) > 1:
		return nil, usageError{fmt.Errorf("%s is an archive: give one archive, or files", sources[0])}
	case o.endpoint != "" || o.variant != "" || o.rate != 0:
		return nil, usageError{errors.New("--endpoint, --variant and --rate are for files: an archive says itself")}
	}
	return h.archive(ctx, from)
}

// files returns what reads files.
func (o *backtestOptions) files(c *config.Config, h *history, files []string) (func() error, error) {
	b, err := o.meaning(h.monitors)
	if err != nil {
		return nil, err
	}
	if o.rate < 0 {
		return nil, usageError{fmt.Errorf("--rate %v: give a positive number of rows a second", o.rate)}
	}
	h.begin([]windows.Source{{Topic: c.Processor.Capture[0].Topic}})
	untimed := 0
	timed := captureReader{baseline: b, now: func() time.Time {
		at := time.UnixMilli(0)
		if o.rate > 0 {
			at = at.Add(time.Duration(float64(untimed) / o.rate * float64(time.Second)))
		}
		untimed++
		return at
	}}
	headers := []kgo.RecordHeader{{Key: "endpoint", Value: []byte(o.endpoint)}}
	if o.variant != "" {
		headers = append(headers, kgo.RecordHeader{Key: "variant", Value: []byte(o.variant)})
	}
	return func() error {
		for _, file := range files {
			err := timed.each(file, func(r replayed) error {
				if untimed > 0 && o.rate == 0 {
					return usageError{errors.New("its rows have no time: say with --rate how many came in a second")}
				}
				return h.read(&kgo.Record{Topic: c.Processor.Capture[0].Topic, Offset: h.records, Timestamp: r.time, Value: r.value, Headers: headers})
			})
			if err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(file), err)
			}
		}
		return nil
	}, nil
}

// meaning is the baseline that says what the columns of files are: that of the first monitor of the endpoint.
func (o *backtestOptions) meaning(monitors []*monitor.Monitor) (*baseline.Baseline, error) {
	var names []string
	for _, m := range monitors {
		if o.endpoint == "" && len(monitors) == 1 && m.Match.Endpoint != "*" {
			o.endpoint = m.Match.Endpoint
		}
		names = append(names, m.Match.Endpoint)
	}
	if o.endpoint == "" {
		return nil, usageError{errors.New("--endpoint is needed: the configuration has several monitors")}
	}
	matching := monitor.Matching(monitors, o.endpoint)
	if len(matching) == 0 {
		return nil, usageError{fmt.Errorf("--endpoint %s: no monitor watches it (they watch %s)", o.endpoint, strings.Join(names, ", "))}
	}
	return matching[0].Baseline, nil
}

// history is captures of the past on their way through the monitors.
type history struct {
	processor *processor.Config
	monitors  []*monitor.Monitor
	backtest  *processor.Backtest
	tallies   []*tally // by set of monitors; the first are the configured ones
	records   int64
	progress  *progress
}

// begin makes ready for records of the sources.
func (h *history) begin(sources []windows.Source) {
	sets := [][]*monitor.Monitor{h.monitors}
	for _, point := range sweepPoints() {
		if monitors := point.monitors(h.monitors); len(monitors) > 0 {
			sets = append(sets, monitors)
		}
	}
	for range sets {
		h.tallies = append(h.tallies, newTally())
	}
	h.backtest = processor.NewBacktest(h.processor, sources, sets, func(set int, out *monitor.Output) {
		h.tallies[set].add(out, h.backtest.RowsBefore)
	})
}

func (h *history) read(r *kgo.Record) error {
	h.records++
	h.progress.show(h.records, r.Timestamp)
	return h.backtest.Read(r)
}

// archive returns what reads an archive.
func (h *history) archive(ctx context.Context, c archive.Config) (func() error, error) {
	a, err := archive.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	ids, err := a.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s holds no archived captures", a)
	}
	var sources []windows.Source
	for _, id := range ids {
		for partition := range id.Partition + 1 { // one without an object is there too
			sources = append(sources, windows.Source{Topic: id.Topic, Partition: partition})
		}
	}
	h.begin(sources)
	schemas := func(endpoint, variant string) []*capture.Schema {
		var schemas []*capture.Schema
		for _, m := range h.monitors {
			if m.Watches(endpoint, variant) {
				schemas = append(schemas, &m.Baseline.Schema)
			}
		}
		return schemas
	}
	return func() error {
		return a.Replay(ctx, ids, schemas, func(id archive.ID, r archive.Record) error {
			record := &kgo.Record{Topic: id.Topic, Partition: id.Partition, Offset: r.Offset, Timestamp: time.UnixMilli(r.Timestamp), Value: r.Value}
			for _, header := range [][2]string{{"endpoint", r.Endpoint}, {"variant", r.Variant}} {
				if header[1] != "" {
					record.Headers = append(record.Headers, kgo.RecordHeader{Key: header[0], Value: []byte(header[1])})
				}
			}
			return h.read(record)
		})
	}, nil
}

// end closes what is open and sums up.
func (h *history) end() (*backtestResult, error) {
	if err := h.backtest.End(); err != nil {
		return nil, err
	}
	r := &backtestResult{BacktestCounts: h.backtest.Counts()}
	if r.Rows == 0 {
		return nil, errors.New("there are no captures in what was read")
	}
	r.sum(h.tallies[0], h.monitors)
	for i, t := range h.tallies[1:] {
		r.Sweep = append(r.Sweep, sweepPoints()[i].of(t, r.Days, h.monitors)...)
	}
	return r, nil
}
