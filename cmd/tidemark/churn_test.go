package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// churn makes up customers of a telephone company: eleven measures and 58 columns of 0 and 1.
type churn struct{ random *rand.Rand }

func newChurn(seed uint64) *churn { return &churn{rand.New(rand.NewPCG(seed, 0))} }

var (
	churnMeasures = []string{
		"account_length", "vmail_message", "day_mins", "day_calls", "eve_mins", "eve_calls", "night_mins", "night_calls",
		"intl_mins", "intl_calls", "custserv_calls",
	}
	churnGroups = []int{51, 3, 2, 2} // of columns, one of which is 1: state, area code, two plans
)

const (
	churnColumns = 11 + 58
	dayMinutes   = 2 // the place of day_mins
)

func churnHeader() []string {
	header := slices.Clone(churnMeasures)
	for group, columns := range churnGroups {
		for i := range columns {
			header = append(header, fmt.Sprintf("group%d_%d", group, i))
		}
	}
	return header
}

func (c *churn) row() []string {
	normal := func(mean, deviation float64) float64 { return max(0, mean+deviation*c.random.NormFloat64()) }
	row := []string{decimal(normal(101, 39), 0), "0"}
	if c.random.IntN(4) == 0 {
		row[1] = decimal(normal(30, 8), 0)
	}
	for range 3 {
		row = append(row, decimal(normal(190, 52), 1), decimal(normal(100, 20), 0))
	}
	row = append(row, decimal(normal(10, 2.8), 1), strconv.Itoa(c.random.IntN(10)), strconv.Itoa(c.random.IntN(5)))
	for _, columns := range churnGroups {
		hot := c.random.IntN(columns)
		for i := range columns {
			row = append(row, strconv.Itoa(map[bool]int{true: 1}[i == hot]))
		}
	}
	return row
}

// rows returns lines of a CSV file.
func (c *churn) rows(n int, change func(row []string)) []string {
	var all []string
	for range n {
		row := c.row()
		if change != nil {
			change(row)
		}
		all = append(all, strings.Join(row, ","))
	}
	return all
}

// trainChurn builds the baseline of 2333 rows, the label in the first column.
func (s *site) trainChurn() {
	s.t.Helper()
	training := []string{"churned," + strings.Join(churnHeader(), ",")}
	for i, row := range newChurn(1).rows(2333, nil) {
		training = append(training, strconv.Itoa(i%7/6)+","+row)
	}
	s.write("training.csv", lines(training))
	out := s.tidemark("baseline", "build", "training.csv", "--label", "churned")
	if !strings.Contains(out, fmt.Sprintf("2333 rows, %d features, 0 predictions; saved to baseline", churnColumns)) {
		s.t.Errorf("baseline build says %q", out)
	}
}

func TestChurn(t *testing.T) { eachBroker(t, testChurn) }

func testChurn(s *site) {
	t := s.t
	s.trainChurn()
	s.configure(`
  - {name: churn, baseline: baseline, windows: {size: 1d}}
  - {name: drifting, baseline: baseline, windows: {size: 1d}}
  - {name: ragged, baseline: baseline, windows: {size: 1d}}
`)
	same := newChurn(2).rows(333, nil)
	short := newChurn(3).row()[:churnColumns-1]
	s.write("same.csv", lines(same))
	s.write("ragged.csv", lines(slices.Insert(slices.Clone(same), 100, strings.Join(short, ","))))
	s.write("drifting.csv", lines(newChurn(2).rows(333, func(row []string) {
		minutes, err := strconv.ParseFloat(row[dayMinutes], 64)
		if err != nil {
			t.Fatal(err)
		}
		row[dayMinutes] = decimal(1.5*minutes, 1)
	})))

	s.tidemark("replay", "same.csv", "--endpoint", "churn") // waits in the topic until there is a reader
	p := s.run()
	s.tidemark("replay", "drifting.csv", "--endpoint", "drifting")
	s.tidemark("replay", "ragged.csv", "--endpoint", "ragged", "--variant", "blue")
	j := s.journal()
	for _, endpoint := range []string{"churn", "drifting", "ragged"} {
		j.untilRows(endpoint, 333)
	}
	j.finish(p)

	for endpoint, sent := range map[string]int64{"churn": 333, "drifting": 333, "ragged": 334} {
		late, dead := s.late(endpoint), int64(len(s.dead(endpoint)))
		if late != 0 || j.rows(endpoint)+late+dead != sent {
			t.Errorf("%s: %d rows windowed, %d late, %d dead, but %d sent", endpoint, j.rows(endpoint), late, dead, sent)
		}
	}
	var raised []string
	for _, a := range s.alerts() {
		raised = append(raised, strings.Join([]string{a.Endpoint, a.Kind, a.Rule, a.Feature, a.State}, " "))
	}
	if want := []string{"drifting drift budget day_mins firing"}; !slices.Equal(raised, want) {
		t.Errorf("alerts %q, want %q", raised, want)
	}
	if out := s.tidemark("alerts"); strings.Count(out, "\n") != 1 || !strings.Contains(out, "day_mins on drifting has been higher") {
		t.Errorf("tidemark alerts prints %q", out)
	}
	dead := s.records("tidemark.deadletters")
	if len(dead) != 1 {
		t.Fatalf("%d dead letters, want 1", len(dead))
	}
	for key, want := range map[string]string{
		"endpoint": "ragged", "variant": "blue", "tidemark-reason": "columns",
		"__connect.errors.topic": "capture", "__connect.errors.connector.name": "tidemark",
		"__connect.errors.stage": "VALUE_CONVERTER", "__connect.errors.exception.class.name": "tidemark.columns",
		"__connect.errors.exception.message": "columns: captureData.endpointInput.data has 68 cells in row 1: want 69, one for each column of the schema",
	} {
		if got := header(dead[0], key); got != want {
			t.Errorf("header %s is %q, want %q", key, got, want)
		}
	}
	s.verifyOrigin(header(dead[0], "__connect.errors.partition"), header(dead[0], "__connect.errors.offset"), string(dead[0].Value))
}

// verifyOrigin compares the record at a place of the capture topic, as a dead letter's headers name it, with a value.
func (s *site) verifyOrigin(partition, offset, value string) {
	s.t.Helper()
	for _, r := range s.records("capture") {
		if strconv.Itoa(int(r.Partition)) == partition && strconv.FormatInt(r.Offset, 10) == offset {
			if string(r.Value) != value {
				s.t.Errorf("the record at %s/%s is %s, and the dead letter's value %s", partition, offset, r.Value, value)
			}
			return
		}
	}
	s.t.Errorf("no record at partition %q, offset %q", partition, offset)
}
