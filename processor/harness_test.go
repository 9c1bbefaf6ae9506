package processor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"tidemark/baseline"
	"tidemark/monitor"
	"tidemark/sinks/alerts"
	"tidemark/windows"
)

// world is a broker on a virtual network, with the virtual clock of a synctest bubble.
type world struct {
	t        *testing.T
	network  kfake.VirtualNetwork
	wires    wires
	broker   *kfake.Cluster
	config   Config
	monitors []*monitor.Monitor
	ingest   []kgo.Opt // more options of ingest's clients
	client   *kgo.Client
	sent     map[string]int64 // rows, by endpoint
	events   map[string][]event
}

// event is rows that were captured at one event time.
type event struct {
	at   windows.Time
	rows int64
}

// inWorld runs a test in virtual time with the given monitors over a topic of three partitions.
func inWorld(t *testing.T, monitors []*monitor.Monitor, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, monitors: monitors, config: DefaultConfig(), sent: map[string]int64{}, events: map[string][]event{}}
		w.config.Topics.Partitions = 3
		w.wires.off, w.wires.conns = map[string]bool{}, map[string][]net.Conn{}
		w.config.Kafka.Brokers = []string{"127.0.0.1:9092"}
		w.config.Complete()
		broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(w.network.Listen),
			kfake.BrokerConfigs(map[string]string{"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000"}))
		if err != nil {
			t.Fatal(err)
		}
		defer broker.Close()
		w.broker = broker
		w.client = w.dial(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		defer func() { w.client.Close() }()
		if _, err := w.config.CreateTopics(t.Context(), w.client); err != nil {
			t.Fatal(err)
		}
		test(w)
	})
}

func (w *world) dial(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(w.config.Kafka.Brokers...), kgo.Dialer(w.network.DialContext))...)
	if err != nil {
		w.t.Fatal(err)
	}
	return client
}

// process is a running Tidemark.
type process struct {
	w       *world
	stop    context.CancelFunc
	group   *errgroup.Group
	metrics *prometheus.Registry
	ingest  *Ingest
}

// process is one of an instance that runs nothing yet, with what its roles are made of.
func (w *world) process(instance string) (context.Context, *process, *Config, *slog.Logger) {
	config := w.config
	config.Instance = instance
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{w: w, stop: cancel, metrics: prometheus.NewRegistry()}
	p.group, ctx = errgroup.WithContext(ctx)
	return ctx, p, &config, slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// start runs ingest and evaluate as an instance, or only the roles that are named.
func (w *world) start(instance string, roles ...string) *process {
	ctx, p, config, log := w.process(instance)
	dial := kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		return w.dialAs(ctx, instance, network, address)
	})
	ready := func(bool) {}
	p.ingest = NewIngest(config, w.monitors, ready, log, p.metrics, append(w.ingest, dial)...)
	evaluate := NewEvaluate(config, w.monitors, ready, log, p.metrics, dial)
	if len(roles) == 0 || slices.Contains(roles, "ingest") {
		p.group.Go(func() error { return p.ingest.Run(ctx) })
	}
	if len(roles) == 0 || slices.Contains(roles, "evaluate") {
		p.group.Go(func() error { return evaluate.Run(ctx) })
	}
	return p
}

// end stops the process as SIGTERM does.
func (p *process) end() {
	p.w.t.Helper()
	p.stop()
	if err := p.group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		p.w.t.Fatal(err)
	}
}

// metric is the sum of a metric's series whose labels contain all the given values.
func (p *process) metric(name string, labels ...string) float64 {
	p.w.t.Helper()
	families, err := p.metrics.Gather()
	if err != nil {
		p.w.t.Fatal(err)
	}
	sum, found := 0.0, false
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	series:
		for _, m := range f.GetMetric() {
			for _, want := range labels {
				if !strings.Contains(m.String(), `"`+want+`"`) {
					continue series
				}
			}
			found = true
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	if !found {
		p.w.t.Fatalf("no metric %s with labels %v", name, labels)
	}
	return sum
}

// series is how many windows of an endpoint the process shows.
func (p *process) series(endpoint string) (n int) {
	p.w.t.Helper()
	families, err := p.metrics.Gather()
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "tidemark_evaluate_window_rows" && strings.Contains(m.String(), `"`+endpoint+`"`) {
				n++
			}
		}
	}
	return n
}

// capture publishes rows of an endpoint, whose numeric feature x is drawn around mean.
func (w *world) capture(partition int32, endpoint string, at time.Time, rows int, mean float64) {
	w.t.Helper()
	random := rand.New(rand.NewPCG(uint64(at.UnixNano()), uint64(partition)))
	var records []*kgo.Record
	for range rows {
		value := fmt.Sprintf(`{"endpoint":%q,"time":%d,"features":{"x":%g,"kind":"a"}}`, endpoint, at.UnixMilli(), mean+random.NormFloat64())
		records = append(records, &kgo.Record{Topic: "capture", Partition: partition, Value: []byte(value)})
	}
	w.publish(records...)
	w.noted(endpoint, at, rows)
}

// noted takes in that rows were captured.
func (w *world) noted(endpoint string, at time.Time, rows int) {
	w.sent[endpoint] += int64(rows)
	w.events[endpoint] = append(w.events[endpoint], event{windows.At(at), int64(rows)})
}

func (w *world) publish(records ...*kgo.Record) {
	w.t.Helper()
	if err := w.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// pass lets virtual time pass.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// committed reads a topic from its start, as a reader of committed records does.
func (w *world) committed(topic string) []*kgo.Record {
	w.t.Helper()
	client := w.dial(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	defer client.Close()
	ends, err := kadm.NewClient(client).ListCommittedOffsets(context.Background(), topic)
	if err != nil {
		w.t.Fatal(err)
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	var records []*kgo.Record
	for len(left) > 0 {
		fetches := client.PollFetches(context.Background())
		if err := fetches.Err0(); err != nil {
			w.t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if end, ok := left[r.Partition]; ok && r.Offset+1 >= end {
				delete(left, r.Partition)
			}
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		})
	}
	return records
}

// reports returns the committed reports and fails the test when a window of a monitor is there twice.
func (w *world) reports() []monitor.Report {
	w.t.Helper()
	var reports []monitor.Report
	seen := map[string]bool{}
	for _, record := range w.committed(w.config.Topics.Reports) {
		var r monitor.Report
		if err := json.Unmarshal(record.Value, &r); err != nil {
			w.t.Fatal(err)
		}
		key := fmt.Sprint(r.Monitor, r.Endpoint, r.Variant, r.Window)
		if seen[key] {
			w.t.Errorf("window reported twice: %s", key)
		}
		seen[key] = true
		reports = append(reports, r)
	}
	return reports
}

// verify compares every window of an endpoint's monitor with the rows that were captured in it: none may be missing,
// twice, or hold another number of rows.
func (w *world) verify(m *monitor.Monitor) {
	w.t.Helper()
	for _, spec := range m.Windows {
		want := map[windows.Time]int64{} // by the end of the window
		for _, e := range w.events[m.Match.Endpoint] {
			for start := e.at.Floor(spec.Step()); start.Add(spec.Size) > e.at; start = start.Add(-spec.Step()) {
				want[start.Add(spec.Size)] += e.rows
			}
		}
		for _, r := range w.reports() {
			if r.Monitor != m.Name || r.Window.Window.Size() != spec.Size {
				continue
			}
			if r.Rows != want[r.Window.End] {
				w.t.Errorf("%s: the window of %s to %v has %d rows, want %d", m.Name, r.Window.Size, r.Window.End, r.Rows, want[r.Window.End])
			}
			delete(want, r.Window.End)
		}
		for end, rows := range want {
			w.t.Errorf("%s: no window of %v to %v, which has %d rows", m.Name, spec.Size, end, rows)
		}
	}
	if late := w.late(); len(late) > 0 {
		w.t.Errorf("late: %+v", late)
	}
}

// windowed is the rows in the reports of an endpoint's tumbling windows.
func (w *world) windowed(endpoint string) int64 {
	w.t.Helper()
	var rows int64
	for _, r := range w.reports() {
		if r.Endpoint == endpoint {
			rows += r.Rows
		}
	}
	return rows
}

func (w *world) alerts() []*monitor.Alert {
	w.t.Helper()
	var all []*monitor.Alert
	for _, record := range w.committed(w.config.Topics.Alerts) {
		a, err := alerts.Decode(record)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func (w *world) late() []*monitor.Delta {
	w.t.Helper()
	var all []*monitor.Delta
	for _, record := range w.committed(w.config.Topics.Late) {
		d, err := monitor.DecodeDelta(record.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// watch returns a monitor of an endpoint with tumbling windows of the given size, and perhaps more, whose baseline
// is N(0,1).
func watch(t *testing.T, endpoint string, size time.Duration, more ...windows.Spec) *monitor.Monitor {
	t.Helper()
	dir := t.TempDir()
	var training strings.Builder
	training.WriteString("x,kind\n")
	random := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		fmt.Fprintf(&training, "%g,a\n", random.NormFloat64())
	}
	file := filepath.Join(dir, "training.csv")
	if err := os.WriteFile(file, []byte(training.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := baseline.Build([]string{file}, baseline.Roles{}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	c := monitor.DefaultConfig()
	c.Name, c.Baseline = endpoint, dir
	c.Windows = append([]windows.Spec{{Size: size}}, more...)
	c.Drift = []monitor.Rule{{Method: "psi", Threshold: 0.2}}
	c.Complete()
	return monitor.New(c, b)
}

// budgeted is the monitor with the default drift policy, the alarm budget.
func budgeted(m *monitor.Monitor) *monitor.Monitor {
	c := m.Config
	c.Drift = nil
	c.Complete()
	return monitor.New(c, m.Baseline)
}

// endReplay says in every partition that no more of an endpoint comes.
func (w *world) endReplay(endpoint string, last time.Time) {
	w.t.Helper()
	for partition := range w.config.Topics.Partitions {
		w.publish(&kgo.Record{Topic: "capture", Partition: partition, Headers: []kgo.RecordHeader{
			{Key: headerEndpoint, Value: []byte(endpoint)},
			{Key: headerWatermark, Value: fmt.Append(nil, last.UnixMilli())},
		}})
	}
}
