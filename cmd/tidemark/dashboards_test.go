package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/testbed"
)

// quiet says, of the panels that show nothing but 0 while all goes well, why that is so here.
var quiet = map[string]string{
	"tidemark-overview/Unread records":             "all is read between two scrapes",
	"tidemark-pipeline/Unread records":             "all is read between two scrapes",
	"tidemark-pipeline/Aborted transactions":       "no process comes or goes",
	"tidemark-pipeline/Restores":                   "the only one may end before the first scrape",
	"tidemark-pipeline/Series left out":            "there are fewer than the limit",
	"tidemark-pipeline/Records not archived":       "all may be archived between two scrapes",
	"tidemark-pipeline/Failures of the archive":    "the directory can be written",
	"tidemark-pipeline/Oddities of the archive":    "nothing is deleted, and nobody else archives",
	"tidemark-pipeline/Lost before they were read": "nothing is deleted",
	"tidemark-pipeline/Records to restore":         "nothing is restored while all is scraped",
}

// blank says of which features a panel has nothing to show.
var blank = map[string]func(feature string) bool{
	"tidemark-feature/Mean":                func(feature string) bool { return slices.Contains(categories, feature) }, // they have no mean
	"tidemark-feature/Firing":              func(feature string) bool { return !slices.Contains(drifting, feature) },  // a rule that never fired has no series
	"tidemark-pipeline/Records to restore": func(string) bool { return true },                                         // a partition that is restored has none
}

var (
	categories = []string{"employment", "housing", "loan_purpose", "channel"}
	drifting   = []string{"income", "debt_ratio", "default_probability"}
)

// Each query of the dashboards and rules finds something in Prometheus while traffic drifts, and the alerts that
// Prometheus raises are those of the topic.
func TestDashboards(t *testing.T) {
	t.Parallel()
	testbed.Need(t, "prometheus")
	var calls atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable) // so that one alert is sent again
		}
	}))
	t.Cleanup(receiver.Close)
	s := newSite(t)
	var training strings.Builder
	if err := newTraffic(1).csv(&training, 5000); err != nil {
		t.Fatal(err)
	}
	s.write("training.csv", training.String())
	s.tidemark("baseline", "build", "training.csv", "--prediction", "default_probability", "--review-after", "90d")
	s.configure(`
  - name: loans
    baseline: baseline
    windows: {size: 10s}
    drift: {method: psi, threshold: 0.2, min_samples: 200}
    quality: [{method: missing_share, threshold: 0.1}, {method: missing_columns}, {method: extra_columns, threshold: 0.001}]
archive: {url: ./captures, every: 1s}
webhook: {url: "` + receiver.URL + `"}
`)
	run := s.run("--instance", "a")
	p := startPrometheus(t, strings.TrimPrefix(run.http(), "http://"))
	all := readDashboards(t)

	// Rates are of what is counted between two scrapes: traffic goes on until each had its chance.
	const rounds = 30
	traffic := newTraffic(2)
	start := time.Now().Add(-30 * time.Minute).Truncate(10 * time.Second)
	for round := range rounds {
		if round == 2 {
			traffic.drift(1)
		}
		s.publish(traffic.window(start, round)...)
		counted := fmt.Sprintf("sum(tidemark_ingest_rows_total) >= %d", windowRows*(round+1))
		await(t, counted, func() bool { return len(p.instant(counted)) > 0 })
		faults := p.faults(all)
		if len(faults) == 0 && p.firing("TidemarkDrift") != nil {
			break
		}
		if round == rounds-1 {
			t.Errorf("after %d windows:\n%s", rounds, lines(faults))
		}
	}
	var raised, committed []string
	await(t, "the alerts of the topic, and no others, in Prometheus", func() bool {
		raised, committed = p.firing("TidemarkDrift"), s.firing()
		return slices.Equal(raised, committed)
	})
	if want := `{"alertname":"TidemarkDrift","endpoint":"loans","feature":"income","job":"tidemark","monitor":"loans","rule":"psi","severity":"warning","size":"10s","variant":"default"}`; !slices.Contains(raised, want) {
		t.Errorf("Prometheus raises\n%swhere\n%s\nis missing", lines(raised), want)
	}
	p.checkRules()

	// What the process tells of itself is on some dashboard.
	var shown strings.Builder
	for _, d := range all {
		for _, panel := range d.Panels {
			for _, target := range panel.Targets {
				shown.WriteString(target.Expr + "\n")
			}
		}
	}
	for name := range run.metrics() {
		if strings.HasPrefix(name, "tidemark_") && !strings.HasPrefix(name, "tidemark_kafka_") && !strings.Contains(shown.String(), name) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// windowRows is how many applications come in a window, with what is odd besides.
const windowRows = 300

// window is the records of the round-th ten seconds: applications, and each kind of record that is not as it should be.
func (t *traffic) window(start time.Time, round int) []string {
	at := start.Add(time.Duration(round) * 10 * time.Second)
	var all []string
	for i := range windowRows {
		all = append(all, string(t.record(at.Add(time.Duration(i)*10*time.Second/windowRows), "application")))
	}
	all = append(all,
		flat("nobody", at, 1),                       // of no monitor
		flat("loans", at.Add(-time.Hour), 1),        // late
		flat("loans", time.Now().Add(time.Hour), 1), // ahead of the clock
		captured(at, half("image/png", "BASE64", "iVBO"), half("text/csv", "CSV", "0.5")),                // not read
		fmt.Sprintf(`{"endpoint":"loans","time":%d,"features":{"age":40,"height":180}}`, at.UnixMilli()), // with an extra key
	)
	for range windowRows / 30 {
		all = append(all, "nonsense") // dead
	}
	return all
}

// firing is the alerts of the topic that fire, as Prometheus labels them.
func (s *site) firing() []string {
	s.t.Helper()
	states := map[string]string{}
	for _, a := range s.alerts() {
		labels := map[string]string{
			"alertname": "TidemarkDrift", "severity": "warning", "job": "tidemark", "monitor": a.Monitor, "endpoint": a.Endpoint,
			"variant": a.Variant, "size": a.Window.Size, "rule": a.Rule, "feature": a.Feature,
		}
		states[written(s.t, labels)] = a.State
	}
	maps.DeleteFunc(states, func(_, state string) bool { return state != "firing" })
	return slices.Sorted(maps.Keys(states))
}

// written is labels in the order of their names. Prometheus has none that are empty.
func written(t *testing.T, labels map[string]string) string {
	t.Helper()
	maps.DeleteFunc(labels, func(_, value string) bool { return value == "" })
	b, err := json.Marshal(labels)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// dashboard is what Grafana asks Prometheus for, to show a dashboard.
type dashboard struct {
	UID    string
	Panels []struct {
		Title   string
		Targets []struct {
			Expr    string
			Instant bool
		}
	}
	Templating struct {
		List []struct {
			Name, Type, AllValue string
			Query                json.RawMessage
		}
	}
	Annotations struct {
		List []struct {
			Name, Step string
			Target     struct{ Expr string }
		}
	}
}

func readDashboards(t *testing.T) []dashboard {
	t.Helper()
	files, err := filepath.Glob("../../deploy/grafana/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("dashboards %q: %v", files, err)
	}
	var all []dashboard
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		decode(t, content, &d)
		all = append(all, d)
	}
	return all
}

// faults asks for all that the dashboards show, and says what is not there.
func (p *prometheusAPI) faults(all []dashboard) []string {
	p.t.Helper()
	var faults []string
	for _, d := range all {
		moving := map[string]bool{} // by panel and query, whether anything but 0 was seen
		p.eachChoice(d, 0, map[string]string{"__rate_interval": "4s"}, &faults, func(chosen map[string]string) {
			for _, panel := range d.Panels {
				name := d.UID + "/" + panel.Title
				for _, target := range panel.Targets {
					query := p.interpolate(target.Expr, chosen)
					ask := p.overall
					if target.Instant {
						ask = p.instant
					}
					values := ask(query)
					moving[name+": "+target.Expr] = moving[name+": "+target.Expr] || slices.ContainsFunc(values, func(v float64) bool { return v != 0 })
					if nothing := blank[name]; len(values) == 0 && (nothing == nil || !nothing(chosen["feature"])) {
						faults = append(faults, name+": nothing for "+query)
					}
				}
			}
			for _, a := range d.Annotations.List {
				step, err := time.ParseDuration(a.Step)
				if err != nil {
					p.t.Fatal(err)
				}
				if query := p.interpolate(a.Target.Expr, chosen); len(p.between(time.Now().Add(-time.Hour), step, query)) == 0 {
					faults = append(faults, d.UID+"/"+a.Name+": nothing for "+query)
				}
			}
		})
		for query, moves := range moving {
			if name, _, _ := strings.Cut(query, ": "); !moves && quiet[name] == "" {
				faults = append(faults, "only 0 in "+query)
			}
		}
	}
	slices.Sort(faults)
	return faults
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

// eachChoice goes through what may be chosen of a dashboard's variables, from the i-th on: all at once where it offers
// that, else one after the other.
func (p *prometheusAPI) eachChoice(d dashboard, i int, chosen map[string]string, faults *[]string, do func(map[string]string)) {
	p.t.Helper()
	if i == len(d.Templating.List) {
		do(chosen)
		return
	}
	variable := d.Templating.List[i]
	var values []string
	if variable.Type == "query" {
		var ask struct{ Query string }
		decode(p.t, variable.Query, &ask)
		parts := labelValues.FindStringSubmatch(ask.Query)
		if parts == nil {
			p.t.Fatalf("%s: variable %s asks for %q", d.UID, variable.Name, ask.Query)
		}
		if values = p.labels(p.interpolate(parts[1], chosen), parts[2]); len(values) == 0 {
			*faults = append(*faults, d.UID+": nothing to choose for "+variable.Name)
		}
		if variable.AllValue != "" {
			values = []string{variable.AllValue}
		}
	} else {
		values = []string{"prometheus"}
	}
	for _, value := range values {
		with := maps.Clone(chosen)
		with[variable.Name] = value
		p.eachChoice(d, i+1, with, faults, do)
	}
}

var variable = regexp.MustCompile(`\$\w+`)

// interpolate puts the chosen values into a query.
func (p *prometheusAPI) interpolate(query string, chosen map[string]string) string {
	p.t.Helper()
	return variable.ReplaceAllStringFunc(query, func(name string) string {
		value, known := chosen[name[1:]]
		if !known {
			p.t.Fatalf("no variable of the dashboard is %s, which %s names", name, query)
		}
		return value
	})
}

// checkRules holds that Prometheus evaluates each rule without an error, and that each recording rule records.
func (p *prometheusAPI) checkRules() {
	p.t.Helper()
	var got struct {
		Groups []struct {
			Rules []struct{ Type, Name, Health, LastError string }
		}
	}
	p.ask("rules", nil, &got)
	states := map[string]string{}
	for _, group := range got.Groups {
		for _, rule := range group.Rules {
			states[rule.Name] = rule.Type + " " + rule.Health + rule.LastError
			if rule.Type == "recording" && len(p.overall(rule.Name)) == 0 {
				p.t.Errorf("%s records nothing", rule.Name)
			}
		}
	}
	want := map[string]string{
		"endpoint:tidemark_alerts_firing:sum": "recording ok", "job:tidemark_rows_dead:ratio_rate5m": "recording ok",
		"job:tidemark_lag_records:sum": "recording ok",
		"TidemarkDrift":                "alerting ok", "TidemarkLag": "alerting ok", "TidemarkDeadLetters": "alerting ok",
		"TidemarkSystem": "alerting ok",
	}
	if diff := cmp.Diff(want, states); diff != "" {
		p.t.Errorf("rules (-want +got):\n%s", diff)
	}
	if len(p.instant(`ALERTS{alertname="TidemarkDeadLetters"}`)) == 0 { // pending: three in a hundred are dead
		p.t.Error("the dead letters raise no alert")
	}
}
