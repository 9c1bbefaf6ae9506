package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/term"

	"tidemark/baseline"
	"tidemark/config"
)

// replayOptions are the flags of replay.
type replayOptions struct {
	config, topic, endpoint, variant, baseline string
	rate                                       float64
	speed, referenceTime                       string
}

func replayCommand() *cobra.Command {
	var o replayOptions
	c := &cobra.Command{
		Use:   "replay SRC...",
		Short: "Publish captures from files",
		Long: `Publish the rows of CSV (.csv, .csv.gz) and Parquet files or the records of JSON Lines files (.jsonl, .jsonl.gz) as
captures, as a model server would, in the order of the files. The columns of a CSV or Parquet file mean what the baseline
says: the header names them; without a header line the cells are the features in file order. The event time is that of the baseline's time
column, else now. The replay ends by saying so to each partition, which closes its last windows: to replay the same
endpoint again, give it another --endpoint or --reference-time now.`,
		Example: `  tidemark replay traffic.csv -c tidemark.yaml
  tidemark replay 2026-10.jsonl.gz --endpoint churn-october --speed 60x
  tidemark replay traffic.csv --baseline ./baseline --endpoint churn --rate 500`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			loaded, err := loadConfig(c, o.config)
			if err != nil {
				return err
			}
			return o.run(c.Context(), loaded, files, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	flags := c.Flags()
	flags.StringVarP(&o.config, "config", "c", "tidemark.yaml", "configuration `file`")
	flags.StringVar(&o.topic, "topic", "", "capture `topic` (default the configuration's first)")
	flags.StringVar(&o.endpoint, "endpoint", "", "endpoint `name` (default that of the only monitor)")
	flags.StringVar(&o.variant, "variant", "", "variant `name`")
	flags.StringVar(&o.baseline, "baseline", "", "`directory` of the baseline (default that of the endpoint's monitor)")
	flags.Float64Var(&o.rate, "rate", 0, "`rows` a second (default as fast as possible)")
	flags.StringVar(&o.speed, "speed", "", "pace of the event times, such as `10x` (default as fast as possible)")
	flags.StringVar(&o.referenceTime, "reference-time", "", "`now` moves all event times so that the last is now (with --speed: the first)")
	return c
}

// complete fills in what the configuration says and checks the flags. It returns the pace, or 0.
func (o *replayOptions) complete(c *config.Config) (speed float64, err error) {
	if o.topic == "" {
		o.topic = c.Processor.Capture[0].Topic
	}
	for _, m := range c.Monitors {
		if o.endpoint == "" && len(c.Monitors) == 1 && m.Match.Endpoint != "*" {
			o.endpoint = m.Match.Endpoint
		}
		if o.baseline == "" && (m.Match.Endpoint == o.endpoint || len(c.Monitors) == 1) {
			o.baseline = m.Baseline
		}
	}
	switch {
	case o.endpoint == "":
		return 0, usageError{errors.New("--endpoint is needed: the configuration has several monitors")}
	case o.referenceTime != "" && o.referenceTime != "now":
		return 0, usageError{fmt.Errorf("--reference-time %q: the only value is now", o.referenceTime)}
	case o.rate < 0:
		return 0, usageError{fmt.Errorf("--rate %v: give a positive number of rows a second", o.rate)}
	case o.speed == "":
		return 0, nil
	}
	speed, err = strconv.ParseFloat(strings.TrimSuffix(o.speed, "x"), 64)
	if err != nil || !(speed > 0) {
		return 0, usageError{fmt.Errorf("--speed %q: give a positive pace such as 10x", o.speed)}
	}
	return speed, nil
}

func (o *replayOptions) run(ctx context.Context, c *config.Config, files []string, out, progress io.Writer) error {
	speed, err := o.complete(c)
	if err != nil {
		return err
	}
	var b *baseline.Baseline
	if o.baseline != "" {
		if b, err = baseline.Load(o.baseline); err != nil {
			return usageError{err}
		}
	}
	var shift time.Duration
	if o.referenceTime == "now" {
		if shift, err = shiftToNow(files, b, speed > 0); err != nil {
			return err
		}
	}
	client, err := dial(&c.Processor, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()))
	if err != nil {
		return err
	}
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(ctx, o.topic)
	if err != nil {
		return fmt.Errorf("look up topic %q: %w", o.topic, err)
	}
	if err := topics[o.topic].Err; err != nil {
		return fmt.Errorf("topic %q: %w: run `tidemark topics create`", o.topic, err)
	}
	r := &replayer{
		client: client, options: o, partitions: int32(len(topics[o.topic].Partitions)),
		pace: pace{rate: o.rate, speed: speed}, shift: shift, progress: newProgress(progress),
	}
	if err := r.replay(ctx, files, b); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "replayed %d records of endpoint %s to topic %s, event times %s to %s\n",
		r.sent, o.endpoint, o.topic, r.first.UTC().Format(time.RFC3339), r.last.UTC().Format(time.RFC3339))
	return err
}

// replayer publishes records to all partitions in turn.
type replayer struct {
	client      *kgo.Client
	options     *replayOptions
	partitions  int32
	pace        pace
	shift       time.Duration
	progress    *progress
	sent        int64
	first, last time.Time

	mu     sync.Mutex
	failed error
}

func (r *replayer) replay(ctx context.Context, files []string, b *baseline.Baseline) error {
	for _, file := range files {
		err := captureReader{b, r.shift, time.Now}.each(file, func(c replayed) error { return r.send(ctx, c) })
		if err != nil {
			return fmt.Errorf("replay %s: %w", file, err)
		}
	}
	if r.sent == 0 {
		return errors.New("the files hold no rows")
	}
	if err := r.client.Flush(ctx); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := r.failure(); err != nil {
		return err
	}
	r.progress.done()
	if r.first.IsZero() {
		return errors.New("no record could be read, so nothing says which windows to close: see the dead-letter topic")
	}
	return r.end(ctx)
}

func (r *replayer) send(ctx context.Context, c replayed) error {
	if err := r.failure(); err != nil {
		return err
	}
	if err := r.pace.wait(ctx, r.sent, c.time); err != nil {
		return err
	}
	if !c.time.IsZero() && (r.first.IsZero() || c.time.Before(r.first)) {
		r.first = c.time
	}
	if c.time.After(r.last) {
		r.last = c.time
	}
	record := &kgo.Record{Topic: r.options.topic, Partition: int32(r.sent % int64(r.partitions)), Value: c.value, Headers: r.headers()}
	r.client.Produce(ctx, record, func(_ *kgo.Record, err error) {
		if err != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.failed = fmt.Errorf("publish: %w", err)
		}
	})
	r.sent++
	r.progress.show(r.sent, c.time)
	return nil
}

func (r *replayer) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *replayer) headers() []kgo.RecordHeader {
	headers := []kgo.RecordHeader{{Key: "endpoint", Value: []byte(r.options.endpoint)}}
	if r.options.variant != "" {
		headers = append(headers, kgo.RecordHeader{Key: "variant", Value: []byte(r.options.variant)})
	}
	return headers
}

// end tells each partition that no more comes, so that the last windows close.
func (r *replayer) end(ctx context.Context) error {
	headers := append(r.headers(), kgo.RecordHeader{Key: "tidemark-watermark", Value: strconv.AppendInt(nil, r.last.UnixMilli(), 10)})
	var records []*kgo.Record
	for partition := range r.partitions {
		records = append(records, &kgo.Record{Topic: r.options.topic, Partition: partition, Headers: headers})
	}
	if err := r.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("publish the end of the replay: %w", err)
	}
	return nil
}

// pace holds records back to a number of rows a second, or to a multiple of the pace of their event times.
type pace struct {
	rate, speed  float64
	start        time.Time
	firstCapture time.Time
}

func (p *pace) wait(ctx context.Context, sent int64, captured time.Time) error {
	if p.start.IsZero() {
		p.start = time.Now()
	}
	if p.firstCapture.IsZero() {
		p.firstCapture = captured
	}
	var due time.Time
	if p.rate > 0 {
		due = p.start.Add(time.Duration(float64(sent) / p.rate * float64(time.Second)))
	}
	if p.speed > 0 && !captured.IsZero() {
		if at := p.start.Add(time.Duration(float64(captured.Sub(p.firstCapture)) / p.speed)); at.After(due) {
			due = at
		}
	}
	if wait := time.Until(due); wait > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return ctx.Err()
}

// progress tells on a terminal how far a replay is, once it takes more than two seconds.
type progress struct {
	w       io.Writer
	started time.Time
	shown   time.Time
}

func newProgress(w io.Writer) *progress {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		w = nil
	}
	return &progress{w: w, started: time.Now()}
}

func (p *progress) show(sent int64, at time.Time) {
	if p.w == nil || sent%256 != 0 && p.shown.IsZero() || time.Since(p.started) < 2*time.Second || time.Since(p.shown) < 200*time.Millisecond {
		return
	}
	p.shown = time.Now()
	fmt.Fprintf(p.w, "\r%d records, event time %s", sent, at.UTC().Format(time.RFC3339))
}

func (p *progress) done() {
	if !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
