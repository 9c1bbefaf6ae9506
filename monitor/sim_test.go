package monitor

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/profile"
	"tidemark/windows"
)

const (
	second = time.Second
	minute = time.Minute
	topic  = "capture"
)

// noon is the log's clock when the stories begin.
var noon = date("2026-03-01T12:00:00")

func date(s string) windows.Time {
	t, err := time.Parse("2006-01-02T15:04:05", s)
	if err != nil {
		panic(err)
	}
	return windows.At(t)
}

// reference is a baseline of a number x, 250 values in each of [0, 25), [25, 50), [50, 75) and [75, 100), and of a
// plan, 800 basic and 200 gold. Another center is another layout.
func reference(center float64) *baseline.Baseline {
	b := &baseline.Baseline{
		ID: "0123456789abcdef",
		Schema: capture.Schema{Columns: []capture.Column{
			{Name: "x", Role: capture.Feature, Kind: capture.Numeric},
			{Name: "plan", Role: capture.Feature, Kind: capture.Categorical},
		}},
		Layout: profile.Layout{Features: []profile.FeatureLayout{
			{Name: "x", Kind: capture.Numeric, Edges: []float64{0, 25, 50, 75, 100}, Ranks: []int{0, 60, 120, 180, 240}, Center: center},
			{Name: "plan", Kind: capture.Categorical, Categories: []string{"basic", "gold"}, Half: []int{1}},
		}},
	}
	b.Profile = profile.New(&b.Layout)
	b.Profile.CountPairs()
	batch, rows := capture.NewBatch(b.Schema), []int32(nil)
	for i := range 1000 {
		if err := batch.AppendCells(0, capture.Input, cells(i, usual)); err != nil {
			panic(err)
		}
		rows = append(rows, int32(i))
	}
	b.Profile.Observe(batch, rows)
	return b
}

// cells is the i-th of rows whose plans are as the reference's.
func cells(i int, x func(int) float64) [][]byte {
	plan := "basic"
	if i%5 == 4 {
		plan = "gold"
	}
	return [][]byte{strconv.AppendFloat(nil, x(i), 'g', -1, 64), []byte(plan)}
}

// usual is the i-th of values that are spread as the reference's are.
func usual(i int) float64 { return float64(i%4)*25 + 12.5 }

// drifted is a value that the reference never had.
func drifted(int) float64 { return 200 }

// watch returns a monitor of the endpoint that it is named after, with the windows given.
func watch(name string, specs []windows.Spec, changes ...func(*Config)) *Monitor {
	c := DefaultConfig()
	c.Name, c.Baseline, c.Windows = name, "baseline", specs
	c.Drift = []Rule{{Method: "psi", Threshold: 0.2, MinSamples: 10}}
	for _, change := range changes {
		change(&c)
	}
	c.Complete()
	c.Check(func(path, message string) { panic(path + " " + message) })
	return New(c, reference(50))
}

func tumbling(size time.Duration) []windows.Spec { return []windows.Spec{{Size: size}} }

func sliding(size, slide time.Duration) []windows.Spec {
	return []windows.Spec{{Size: size, Slide: slide}}
}

// entry is a record of the panes log: a delta or a vector.
type entry struct {
	delta, vector []byte
	at            windows.Time
}

// sim is a reader of a capture topic and the shard that it writes to: what is read is counted into profiles, and a
// commit appends deltas and a vector to a log, all in their encoding, which the shard then reads.
type sim struct {
	rapid.TB
	monitors  []*Monitor
	shard     *Shard
	log       []entry
	out       Output // all that the shard said
	at        windows.Time
	idle, lag map[int32]bool // partitions; the others are neither
	appended  map[int32]windows.Time
	offsets   map[int32]int64
	unsent    map[string]*reading
}

// reading is what was read of an endpoint since the last commit.
type reading struct {
	progress map[windows.Source]windows.Progress
	panes    map[paneKey]*PaneDelta
	profiles map[paneKey]*profile.Profile
}

type paneKey struct {
	variant, layout string
	start           windows.Time
}

func (k paneKey) compare(o paneKey) int {
	return cmp.Or(cmp.Compare(k.start, o.start), cmp.Compare(k.variant, o.variant), cmp.Compare(k.layout, o.layout))
}

// newSim has a topic of two partitions.
func newSim(t rapid.TB, monitors ...*Monitor) *sim {
	return &sim{
		TB: t, monitors: monitors, shard: NewShard(monitors), at: noon,
		idle: map[int32]bool{}, lag: map[int32]bool{}, offsets: map[int32]int64{}, unsent: map[string]*reading{},
		appended: map[int32]windows.Time{0: noon, 1: noon},
	}
}

func (s *sim) reading(endpoint string) *reading {
	r := s.unsent[endpoint]
	if r == nil {
		r = &reading{map[windows.Source]windows.Progress{}, map[paneKey]*PaneDelta{}, map[paneKey]*profile.Profile{}}
		s.unsent[endpoint] = r
	}
	return r
}

// rows reads n rows from a partition, with values of x as given by their number.
func (s *sim) rows(partition int32, endpoint string, eventTime windows.Time, n int, x func(int) float64) {
	s.rowsOf(partition, endpoint, "default", eventTime, n, x)
	s.progress(partition, endpoint, eventTime)
}

// progress is how far the reader says that an endpoint has come: rows moves it on.
func (s *sim) progress(partition int32, endpoint string, eventTime windows.Time) {
	source := windows.Source{Topic: topic, Partition: partition}
	p, known := s.reading(endpoint).progress[source]
	if known {
		eventTime = max(eventTime, p.EventTime)
	}
	s.reading(endpoint).progress[source] = windows.Progress{Source: source, EventTime: eventTime, Appended: s.at}
	s.appended[partition] = s.at
}

// end reads the punctuation of a replay.
func (s *sim) end(partition int32, endpoint string, eventTime windows.Time) {
	source := windows.Source{Topic: topic, Partition: partition}
	s.reading(endpoint).progress[source] = windows.Progress{Source: source, EventTime: eventTime, Appended: windows.Never, Ended: true}
}

// rowsOf counts rows of a variant once for each layout that watches it, and moves no progress on.
func (s *sim) rowsOf(partition int32, endpoint, variant string, eventTime windows.Time, n int, x func(int) float64) {
	counted := map[string]bool{}
	for _, m := range s.monitors {
		if id := m.Layout().ID(); m.Watches(endpoint, variant) && !counted[id] {
			counted[id] = true
			s.count(partition, endpoint, variant, eventTime, n, x, m)
		}
	}
	s.offsets[partition] += int64(n)
}

func (s *sim) count(partition int32, endpoint, variant string, eventTime windows.Time, n int, x func(int) float64, m *Monitor) {
	length := PaneLength(Matching(s.monitors, endpoint))
	key := paneKey{variant, m.Layout().ID(), eventTime.Floor(length)}
	r := s.reading(endpoint)
	if r.panes[key] == nil {
		r.panes[key] = &PaneDelta{Variant: variant, Layout: key.layout, Start: key.start, Length: length.Milliseconds()}
		r.profiles[key] = profile.New(m.Layout())
		if m.CountsPairs() {
			r.profiles[key].CountPairs()
		}
	}
	batch, rows := capture.NewBatch(m.Baseline.Schema), []int32(nil)
	for i := range n {
		if err := batch.AppendCells(int64(eventTime), capture.Input, cells(i, x)); err != nil {
			s.Fatal(err)
		}
		rows = append(rows, int32(i))
	}
	r.profiles[key].Observe(batch, rows)
	from := s.offsets[partition]
	d := r.panes[key]
	d.Rows += int64(n)
	d.Ranges = mergeRanges(d.Ranges, []Range{{windows.Source{Topic: topic, Partition: partition}, from, from + int64(n)}})
}

// foreign reads rows that another reader counted in a layout of its own.
func (s *sim) foreign(endpoint, layout string, start windows.Time, length time.Duration, rows int64) {
	key := paneKey{"default", layout, start}
	s.reading(endpoint).panes[key] = &PaneDelta{
		Variant: "default", Layout: layout, Start: start, Length: length.Milliseconds(), Rows: rows, Profile: []byte("other"),
	}
}

// commit lets time pass, appends what was read to the log, and lets the shard read it. It returns what that says.
func (s *sim) commit(after time.Duration) Output {
	s.Helper()
	first := len(s.log)
	s.appendLog(after)
	var out Output
	for i, e := range s.log[first:] {
		e.apply(s, s.shard, int64(first+i), &out)
	}
	s.out.Reports = append(s.out.Reports, out.Reports...)
	s.out.Alerts = append(s.out.Alerts, out.Alerts...)
	s.out.Late = append(s.out.Late, out.Late...)
	s.out.Panes = append(s.out.Panes, out.Panes...)
	s.out.Windows = append(s.out.Windows, out.Windows...)
	return out
}

func (s *sim) appendLog(after time.Duration) {
	s.at = s.at.Add(after)
	for _, endpoint := range slices.Sorted(maps.Keys(s.unsent)) {
		r := s.unsent[endpoint]
		d := Delta{Endpoint: endpoint, Sources: slices.Collect(maps.Values(r.progress))}
		for _, key := range slices.SortedFunc(maps.Keys(r.panes), paneKey.compare) {
			if p := r.profiles[key]; p != nil {
				r.panes[key].Profile = p.Append(nil)
			}
			d.Panes = append(d.Panes, *r.panes[key])
		}
		s.log = append(s.log, entry{delta: d.Append(nil), at: s.at})
	}
	clear(s.unsent)
	v := windows.Vector{Instance: "test", Counts: map[string]int32{topic: 2}}
	for partition := range int32(2) {
		v.Sources = append(v.Sources, windows.Status{
			Source: windows.Source{Topic: topic, Partition: partition}, Generation: 1, Position: s.offsets[partition],
			Appended: s.appended[partition], Lag: s.lag[partition], Idle: s.idle[partition],
		})
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		s.Fatal(err)
	}
	s.log = append(s.log, entry{vector: encoded, at: s.at})
}

// apply lets a shard read the entry.
func (e entry) apply(t rapid.TB, shard *Shard, offset int64, out *Output) {
	t.Helper()
	if e.delta != nil {
		d, err := DecodeDelta(e.delta)
		if err == nil {
			err = shard.Add(d, offset, e.at, out)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	var v windows.Vector
	if err := json.Unmarshal(e.vector, &v); err != nil {
		t.Fatal(err)
	}
	if err := shard.Tick(v, e.at, out); err != nil {
		t.Fatal(err)
	}
}
