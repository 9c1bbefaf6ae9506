package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidemark/testbed"
)

// prometheusAPI asks a Prometheus that scrapes a process and evaluates the rules of deploy.
type prometheusAPI struct {
	t       *testing.T
	url     string
	started time.Time
}

// startPrometheus starts it with the configuration of deploy, with other addresses, and every second.
func startPrometheus(t *testing.T, target string) *prometheusAPI {
	t.Helper()
	directory, err := filepath.Abs("../../deploy/prometheus")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(directory, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	config := string(content)
	for _, change := range [][2]string{
		{"tidemark:8080", target},
		{"alertmanager:9093", "127.0.0.1:1"}, // where nothing listens
		{"/etc/prometheus/", directory + "/"},
		{"scrape_interval: 5s", "scrape_interval: 1s"},
		{"evaluation_interval: 5s", "evaluation_interval: 1s"},
	} {
		if !strings.Contains(config, change[0]) {
			t.Fatalf("prometheus.yml has no %q", change[0])
		}
		config = strings.ReplaceAll(config, change[0], change[1])
	}
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	p := &prometheusAPI{t: t, started: time.Now()}
	p.url = testbed.StartPrometheus(t, file)
	await(t, "two scrapes", func() bool { return len(p.instant("count_over_time(tidemark_build_info[1m]) >= 2")) > 0 })
	return p
}

// ask decodes what a path of the API answers.
func (p *prometheusAPI) ask(path string, parameters url.Values, into any) {
	p.t.Helper()
	code, body := get(p.t, p.url+"/api/v1/"+path+"?"+parameters.Encode())
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if code == 0 {
		p.t.Fatalf("Prometheus: %s", body)
	}
	decode(p.t, []byte(body), &answer)
	if answer.Status != "success" {
		p.t.Fatalf("Prometheus answers %s %v with %d: %s", path, parameters, code, answer.Error)
	}
	decode(p.t, answer.Data, into)
}

// instant is the values of a query now.
func (p *prometheusAPI) instant(query string) []float64 {
	p.t.Helper()
	return p.values("query", url.Values{"query": {query}, "time": {seconds(time.Now())}})
}

// overall is the values of a query at each second since Prometheus started.
func (p *prometheusAPI) overall(query string) []float64 {
	p.t.Helper()
	return p.between(p.started, time.Second, query)
}

// between is the values of a query from a time to now, of which now is the last.
func (p *prometheusAPI) between(from time.Time, step time.Duration, query string) []float64 {
	p.t.Helper()
	end := time.Now()
	from = end.Add(-end.Sub(from).Truncate(step))
	return p.values("query_range", url.Values{
		"query": {query}, "start": {seconds(from)}, "end": {seconds(end)}, "step": {decimal(step.Seconds(), 3)},
	})
}

// values are the numbers of a result. That a quantile of nothing is NaN says nothing; what is infinite cannot be drawn.
func (p *prometheusAPI) values(path string, parameters url.Values) []float64 {
	p.t.Helper()
	var data struct {
		Result []struct {
			Value  [2]any
			Values [][2]any
		}
	}
	p.ask(path, parameters, &data)
	var numbers []float64
	for _, series := range data.Result {
		for _, sample := range append(series.Values, series.Value) {
			if sample[1] == nil {
				continue
			}
			v, err := strconv.ParseFloat(fmt.Sprint(sample[1]), 64)
			if err != nil || math.IsInf(v, 0) {
				p.t.Fatalf("%v gives %v", parameters, sample[1])
			}
			if !math.IsNaN(v) {
				numbers = append(numbers, v)
			}
		}
	}
	return numbers
}

// labels are the values of a label of the series that a selector chooses.
func (p *prometheusAPI) labels(selector, label string) []string {
	p.t.Helper()
	var series []map[string]string
	p.ask("series", url.Values{"match[]": {selector}, "start": {seconds(p.started)}, "end": {seconds(time.Now())}}, &series)
	var values []string
	for _, labels := range series {
		if labels[label] != "" {
			values = append(values, labels[label])
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// firing is the labels of the alerts of a rule that fire.
func (p *prometheusAPI) firing(name string) []string {
	p.t.Helper()
	var got struct {
		Alerts []struct {
			State  string
			Labels map[string]string
		}
	}
	p.ask("alerts", nil, &got)
	var all []string
	for _, a := range got.Alerts {
		if a.State == "firing" && a.Labels["alertname"] == name {
			all = append(all, written(p.t, a.Labels))
		}
	}
	slices.Sort(all)
	return all
}

func seconds(t time.Time) string { return decimal(float64(t.UnixMilli())/1000, 3) }
