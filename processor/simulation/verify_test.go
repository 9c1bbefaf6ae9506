package simulation

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
	"tidemark/detectors"
	"tidemark/monitor"
	"tidemark/profile"
	"tidemark/sinks/alerts"
	"tidemark/windows"
)

// verify compares what came out with what went in.
func (s *scene) verify(in *input) {
	for _, p := range s.processes {
		if !p.ended && !p.finished() {
			s.fail("%s did not stop", p.instance)
		}
	}
	reports := s.reports()
	s.verifyWindows(in, reports)
	s.verifyDead(in)
	s.verifyAlerts(reports)
	s.verifyArchive(in)
	for _, r := range s.out(s.config.Topics.Late) {
		d, err := monitor.DecodeDelta(r.Value)
		if err != nil {
			s.fail("late: %v", err)
			continue
		}
		s.fail("late: %d rows of %s at %v, %s", d.Panes[0].Rows, d.Endpoint, d.Panes[0].Start, d.Missed)
	}
}

// out is what readers of committed records see of a topic.
func (s *scene) out(topic string) []*kgo.Record {
	var all []*kgo.Record
	for _, log := range s.topics[topic] {
		all = append(all, log.committed()...)
	}
	return all
}

// input is what was captured, by partition and offset.
type input struct {
	records map[windows.Source]map[int64]*capturedRecord
	counted map[seriesWindow]*profile.Profile
	counter *profile.Counter // all monitors have one layout
	dead    map[string]bool
}

type capturedRecord struct {
	id   string
	rows int
}

type seriesWindow struct {
	monitor, variant string
	windows.Window
}

func (k seriesWindow) compare(o seriesWindow) int {
	return cmp.Or(cmp.Compare(k.monitor, o.monitor), cmp.Compare(k.End, o.End), cmp.Compare(k.Start, o.Start))
}

// input reads the capture log, and counts its rows into windows, record by record and without panes.
func (s *scene) input() *input {
	in := &input{
		records: map[windows.Source]map[int64]*capturedRecord{}, counted: map[seriesWindow]*profile.Profile{},
		counter: profile.NewCounter(monitors()[0].Layout()), dead: map[string]bool{},
	}
	var parser capture.Parser
	for _, log := range s.topics[s.config.Capture[0].Topic] {
		in.records[log.name] = map[int64]*capturedRecord{}
		for _, r := range append(slices.Clone(log.cleaned), log.committed()...) {
			record, err := parser.Parse(r.Value)
			if err != nil {
				in.records[log.name][r.Offset] = &capturedRecord{rows: 1}
				in.dead[fmt.Sprint(log.name.Partition, "/", r.Offset)] = true
				continue
			}
			kept := &capturedRecord{string(record.EventID), 1} // one row of an endpoint that nobody watches
			for _, m := range monitors() {
				if m.Watches(record.Endpoint, "default") {
					in.count(m, record)
					kept.rows = record.Rows()
				}
			}
			in.records[log.name][r.Offset] = kept
		}
	}
	return in
}

func (in *input) count(m *monitor.Monitor, record *capture.Record) {
	batch := capture.NewBatch(m.Baseline.Schema)
	if err := record.Append(batch); err != nil {
		panic(err)
	}
	rows := make([]int32, batch.Rows())
	for i := range rows {
		rows[i] = int32(i)
	}
	at := windows.Time(record.Time)
	for _, spec := range m.Windows {
		for start := at.Floor(spec.Step()); start.Add(spec.Size) > at; start = start.Add(-spec.Step()) {
			key := seriesWindow{m.Name, "default", windows.Window{Start: start, End: start.Add(spec.Size)}}
			if in.counted[key] == nil {
				in.counted[key] = profile.New(m.Layout())
			}
			in.counter.Observe(in.counted[key], batch, rows)
		}
	}
}

func (s *scene) reports() []monitor.Report {
	var all []monitor.Report
	for _, record := range s.out(s.config.Topics.Reports) {
		var r monitor.Report
		if err := json.Unmarshal(record.Value, &r); err != nil {
			s.fail("report: %v", err)
		}
		all = append(all, r)
	}
	return all
}

// unreported says whether windows are still to close.
func (s *scene) unreported(in *input) bool {
	seen := map[seriesWindow]bool{}
	for _, r := range s.reports() {
		seen[seriesWindow{r.Monitor, r.Variant, r.Window.Window}] = true
	}
	for key := range in.counted {
		if !seen[key] {
			return true
		}
	}
	return false
}

// verifyWindows finds each window once, with the rows, figures and scores that the capture log gives.
func (s *scene) verifyWindows(in *input, reports []monitor.Report) {
	seen := map[seriesWindow]bool{}
	for i := range reports {
		r := &reports[i]
		key := seriesWindow{r.Monitor, r.Variant, r.Window.Window}
		if seen[key] {
			s.fail("window %v is reported twice", key)
		}
		seen[key] = true
		want := in.counted[key]
		if want == nil {
			if r.Rows != 0 {
				s.fail("window %v has %d rows, want none", key, r.Rows)
			}
			continue
		}
		if r.Rows != want.Rows {
			s.fail("window %v has %d rows, want %d", key, r.Rows, want.Rows)
			continue
		}
		s.compare(key, r, want)
	}
	for _, key := range slices.SortedFunc(maps.Keys(in.counted), seriesWindow.compare) {
		if !seen[key] {
			s.fail("window %v is not reported: it has %d rows", key, in.counted[key].Rows)
		}
	}
}

// compare recomputes a report's figures.
func (s *scene) compare(key seriesWindow, r *monitor.Report, want *profile.Profile) {
	reference := monitors()[0].Baseline.Profile
	for i := range want.Features {
		f, got := &want.Features[i], r.Features[i]
		if got.Captured != f.Captured || got.Missing != f.Missing || got.Invalid != f.Invalid {
			s.fail("window %v: %s has %d/%d/%d values, want %d/%d/%d", key, got.Name, got.Captured, got.Missing, got.Invalid, f.Captured, f.Missing, f.Invalid)
		}
		if mean, ok := f.Moments.Mean(); ok && (got.Mean == nil || math.Abs(*got.Mean-mean) > 1e-12*math.Max(1, math.Abs(mean))) {
			s.fail("window %v: the mean of %s is %v, want %v", key, got.Name, got.Mean, mean)
		}
		for _, name := range []string{"psi", "missing_share", "new_categories", "type_share", "negative_share"} {
			score, defined := detectors.New(name).Score(&reference.Features[i], f)
			if reported, known := got.Scores[name]; known != defined || known && reported.Score != score.Value {
				s.fail("window %v: %s of %s is %v, want %v", key, name, got.Name, reported.Score, score.Value)
			}
		}
	}
}

// verifyDead finds each record that cannot be read on the dead-letter topic, once.
func (s *scene) verifyDead(in *input) {
	left := len(in.dead)
	for _, r := range s.out(s.config.Topics.DeadLetters) {
		headers := map[string]string{}
		for _, h := range r.Headers {
			headers[h.Key] = string(h.Value)
		}
		at := headers["__connect.errors.partition"] + "/" + headers["__connect.errors.offset"]
		if !in.dead[at] {
			s.fail("dead letter of %s: there is none, or it is there twice", at)
			continue
		}
		in.dead[at] = false
		left--
	}
	if left > 0 {
		s.fail("%d dead letters are missing", left)
	}
}

// verifyAlerts compares the alerts of each rule with the verdicts of its windows, in their order.
func (s *scene) verifyAlerts(reports []monitor.Report) {
	type rule struct{ monitor, variant, size, feature, rule string }
	type verdict struct {
		end   windows.Time
		drift bool
	}
	verdicts := map[rule][]verdict{}
	slices.SortStableFunc(reports, func(a, b monitor.Report) int { return cmp.Compare(a.Window.End, b.Window.End) })
	for _, r := range reports {
		for _, f := range r.Features {
			for name, score := range f.Scores {
				if !score.Insufficient {
					k := rule{r.Monitor, r.Variant, r.Window.Size, f.Name, name}
					verdicts[k] = append(verdicts[k], verdict{r.Window.End, score.Drift})
				}
			}
		}
	}
	ids := map[string]bool{}
	said := map[rule][]*monitor.Alert{}
	for _, record := range s.out(s.config.Topics.Alerts) {
		a, err := alerts.Decode(record)
		if err != nil {
			s.fail("alert: %v", err)
			continue
		}
		if ids[a.ID] {
			s.fail("alert %s is there twice", a.ID)
		}
		ids[a.ID] = true
		k := rule{a.Monitor, a.Variant, a.Window.Size, a.Feature, a.Rule}
		said[k] = append(said[k], a)
	}
	for k, all := range said {
		incident := ""
		for i, a := range all {
			state := []string{"firing", "resolved"}[i%2]
			if i%2 == 0 {
				incident = a.ID
			}
			if a.State != state || a.Incident != incident {
				s.fail("alert %d of %v is %s of incident %s, want %s of %s", i, k, a.State, a.Incident, state, incident)
			}
		}
	}
	for k, all := range verdicts {
		firing, i := false, 0
		for _, v := range all {
			if v.drift == firing {
				continue
			}
			firing = v.drift
			if i >= len(said[k]) || said[k][i].Window.End != v.end {
				s.fail("%v: the window to %v changes the alert's state, and alert %d of %d does not say so", k, v.end, i, len(said[k]))
				break
			}
			i++
		}
	}
}

// archivedTo is where a partition's chain ends.
func (s *scene) archivedTo(name windows.Source) int64 {
	end := int64(0)
	for _, i := range s.chain(name) {
		end = max(end, i.End)
	}
	return end
}

// unarchived says whether records are still to be archived.
func (s *scene) unarchived(in *input) bool {
	for name, records := range in.records {
		end := s.archivedTo(name)
		for offset := range records {
			if offset >= end {
				return true
			}
		}
	}
	return false
}

// chain is the objects of a partition, in the order of their keys.
func (s *scene) chain(name windows.Source) []span {
	id := chainID(name)
	prefix := fmt.Sprintf("v1/%s/%s/%s/g0001/p%05d/", id.Cluster, id.Topic, id.TopicID, id.Partition)
	var all []span
	for o, err := range s.store.List(context.Background(), prefix, "") {
		if err != nil {
			panic(err)
		}
		content, o, err := s.store.Get(context.Background(), o.Key)
		if err != nil {
			panic(err)
		}
		number := func(key string) int64 {
			n, err := strconv.ParseInt(o.Metadata[key], 10, 64)
			if err != nil {
				s.fail("%s: %v", o.Key, err)
			}
			return n
		}
		all = append(all, span{key: o.Key, Start: number("tidemark-start"), End: number("tidemark-end"), content: content})
	}
	return all
}

type span struct {
	key        string
	Start, End int64
	content    []byte
}

// verifyArchive finds the objects of each partition in one line, up to the end of the log, and each row in them once.
func (s *scene) verifyArchive(in *input) {
	for _, log := range s.topics[s.config.Capture[0].Topic] {
		end := int64(0)
		left := len(in.records[log.name])
		for _, o := range s.chain(log.name) {
			if o.Start != end {
				s.fail("%s begins at %d, behind an object that ends at %d", o.key, o.Start, end)
			}
			end = o.End
			left -= s.verifyObject(o, in.records[log.name])
		}
		if left != 0 {
			s.fail("%v: %d records are not archived, or more than once", log.name, left)
		}
	}
	if s.seed%8 != 0 {
		return
	}
	if report, err := s.store.Verify(context.Background(), func(string) {}); err != nil || len(report.Findings) > 0 {
		s.fail("archive verify: %v %v", report.Findings, err)
	}
}

// verifyObject compares an object's rows with the records, and returns of how many there are rows.
func (s *scene) verifyObject(o span, records map[int64]*capturedRecord) int {
	r, err := file.NewParquetReader(bytes.NewReader(o.content))
	if err != nil {
		s.fail("%s: %v", o.key, err)
		return 0
	}
	defer r.Close()
	reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		s.fail("%s: %v", o.key, err)
		return 0
	}
	rows := map[int64]int{}
	for group := range r.NumRowGroups() {
		table, err := reader.ReadRowGroups(context.Background(), []int{0, 1, 4}, []int{group})
		if err != nil {
			s.fail("%s: %v", o.key, err)
			return 0
		}
		chunk := func(i int) any { return table.Column(i).Data().Chunk(0) }
		offsets, places, ids := chunk(0).(*array.Int64), chunk(1).(*array.Int32), chunk(2).(*array.String)
		for i := range int(table.NumRows()) {
			offset := offsets.Value(i)
			want := records[offset]
			if want == nil || want.id != ids.Value(i) || int(places.Value(i)) != rows[offset] || offset < o.Start || offset >= o.End {
				s.fail("%s: row %d is of offset %d, row %d, id %q, want %+v", o.key, i, offset, places.Value(i), ids.Value(i), want)
			}
			rows[offset]++
		}
		table.Release()
	}
	for _, offset := range slices.Sorted(maps.Keys(rows)) {
		n := rows[offset]
		if want := records[offset]; want != nil && want.rows != n {
			s.fail("%s: offset %d has %d rows, want %d", o.key, offset, n, want.rows)
		}
	}
	return len(rows)
}
