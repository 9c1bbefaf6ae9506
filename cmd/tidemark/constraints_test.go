package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/monitor"
)

// customers are rows of a CSV file, a minute of them from a time on; with faults they break every constraint that there
// is on values.
func customers(random *rand.Rand, start time.Time, faults bool) []string {
	var all []string
	for i := range 300 {
		age, income, plan := fmt.Sprint(20+random.IntN(60)), fmt.Sprintf("%.2f", 30_000+5000*random.NormFloat64()), []string{"basic", "gold", "iron"}[i%3]
		if faults {
			switch i % 10 {
			case 0:
				age += ".5"
			case 1:
				income = ""
			case 2:
				plan = "platinum"
			default:
				plan = "gold"
			}
		}
		all = append(all, strings.Join([]string{start.Add(time.Duration(i) * 200 * time.Millisecond).Format(time.RFC3339Nano), age, income, plan}, ","))
	}
	return all
}

// The constraints.json of a baseline is evaluated on each window: the violations are those that score finds in the
// window's data, word for word, and each is an alert for as long as it lasts.
func TestConstraintsOfWindows(t *testing.T) {
	t.Parallel()
	const header = "when,age,income,plan"
	s, random := newSite(t), rand.New(rand.NewPCG(3, 3))
	var training []string
	for range 10 {
		training = append(training, customers(random, sageMakerStart, false)...)
	}
	s.write("training.csv", lines(append([]string{header}, training...)))
	s.tidemark("baseline", "build", "training.csv", "--time", "when")
	s.configure("  - {name: customers, baseline: baseline, constraints: baseline/constraints.json, windows: {size: 1m}, drift: []}\n")
	faulty := customers(random, sageMakerStart.Add(time.Minute), true)
	s.write("faulty.csv", lines(append([]string{header}, faulty...)))
	s.write("traffic.csv", lines(slices.Concat([]string{header}, customers(random, sageMakerStart, false), faulty, customers(random, sageMakerStart.Add(2*time.Minute), false))))

	score := s.start("score", "--reference", "baseline", "--constraints", "baseline/constraints.json", "--current", "faulty.csv", "--json")
	if code := score.wait(); code != exitFound {
		t.Fatalf("score ended with %d: %s", code, score.stderr.String())
	}
	var scored struct{ Violations []violation }
	if err := json.Unmarshal([]byte(score.stdout.String()), &scored); err != nil {
		t.Fatal(err)
	}
	var want []monitor.Violation
	var transitions []string
	for _, v := range scored.Violations {
		want = append(want, monitor.Violation{Feature: v.Feature, Check: v.Check, Description: v.Message})
		for minute, state := range map[int]string{1: "firing", 2: "resolved"} {
			transitions = append(transitions, fmt.Sprintf("%s of %s %s at %d", v.Check, v.Feature, state, minute))
		}
	}
	if len(want) != 4 {
		t.Errorf("score finds %+v: want one violation of each kind", want)
	}

	p := s.run()
	s.tidemark("replay", "traffic.csv")
	j := s.journal()
	j.untilRows("customers", 900)
	j.finish(p)
	for i, want := range [][]monitor.Violation{nil, want, nil} {
		r := j.reports[i]
		if diff := cmp.Diff(want, r.Violations); diff != "" || r.Insufficient != "" {
			t.Errorf("window %d, insufficient %q (-of score +of run):\n%s", i, r.Insufficient, diff)
		}
	}
	var got []string
	for _, a := range s.alerts() {
		minute := a.Window.Start.Time().Sub(sageMakerStart) / time.Minute
		got = append(got, fmt.Sprintf("%s of %s %s at %d", a.Rule, a.Feature, a.State, minute))
	}
	slices.Sort(transitions)
	slices.Sort(got)
	if diff := cmp.Diff(transitions, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}
