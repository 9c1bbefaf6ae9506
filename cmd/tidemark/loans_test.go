package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// loans makes up car loans. Categories and gaps come at even distances, so that a window of some hundred rows has
// their shares nearly exactly.
type loans struct {
	random *rand.Rand
	n      int

	dearer    float64 // factor on car_value
	poorer    float64 // share that moves from the second to the first salary range
	gaps      float64 // share of missing in two columns
	newColour float64 // share of a colour that was not there before
}

const loanHeader = "id,timestamp,car_value,salary_range,debt_to_income,colour,driver_tenure,y_pred_proba,y_pred,repaid"

const loanWindow = 10 * 24 * time.Hour

// loanStart is the start of a window of ten days.
var loanStart = time.Unix(0, 0).UTC().Add(1789 * loanWindow)

// spread is a sequence that fills [0,1) evenly, another one for each k.
func (l *loans) spread(k float64) float64 {
	_, fraction := math.Modf(float64(l.n) * math.Sqrt(k))
	return fraction
}

func (l *loans) row(at time.Time) string {
	l.n++
	salary := "0-20K"
	switch u := l.spread(2); {
	case u < 0.25+l.poorer:
	case u < 0.5:
		salary = "20-40K"
	case u < 0.75:
		salary = "40-60K"
	default:
		salary = "60K+"
	}
	colour := []string{"black", "white", "red"}[int(3*l.spread(3))]
	if l.spread(5) < l.newColour {
		colour = "magenta"
	}
	orMissing := func(k float64, cell string) string {
		if l.spread(k) < l.gaps {
			return ""
		}
		return cell
	}
	proba := l.random.Float64()
	return strings.Join([]string{
		strconv.Itoa(l.n), at.Format("2006-01-02 15:04:05.000"), decimal(l.dearer*(25_000+6_000*l.random.NormFloat64()), 0),
		salary, orMissing(7, decimal(0.6+0.1*l.random.NormFloat64(), 3)), colour, orMissing(11, decimal(9*l.random.Float64(), 1)),
		decimal(proba, 3), strconv.Itoa(int(math.Round(proba))), strconv.Itoa(l.random.IntN(2)),
	}, ",")
}

// rows returns a CSV file of windows with 400 rows each, which change may change the kind of.
func (l *loans) rows(windows int, change func(window int)) string {
	all := []string{loanHeader}
	for w := range windows {
		if change != nil {
			change(w)
		}
		for i := range 400 {
			all = append(all, l.row(loanStart.Add(time.Duration(w)*loanWindow+time.Duration(i)*loanWindow/400)))
		}
	}
	return lines(all)
}

func newLoans(seed uint64) *loans {
	return &loans{random: rand.New(rand.NewPCG(seed, 0)), dearer: 1, gaps: 0.1}
}

func TestLoans(t *testing.T) { eachBroker(t, testLoans) }

func testLoans(s *site) {
	t := s.t
	const windows, changed = 7, 4
	s.write("reference.csv", newLoans(1).rows(10, nil))
	s.tidemark("baseline", "build", "reference.csv", "--prediction", "y_pred_proba,y_pred", "--label", "repaid",
		"--time", "timestamp", "--id", "id")
	s.configure(`
  - name: drift
    baseline: baseline
    windows: {size: 10d}
    drift: [{method: psi, threshold: 0.2}, {method: l_infinity, threshold: 0.08}]
  - {name: quality, baseline: baseline, windows: {size: 10d}, drift: []}
`)
	drifting := newLoans(2)
	s.write("drifting.csv", drifting.rows(windows, func(w int) {
		if w == changed {
			drifting.dearer, drifting.poorer = 1.4, 0.12
		}
	}))
	failing := newLoans(3)
	s.write("failing.csv", failing.rows(windows, func(w int) {
		if w == changed {
			failing.gaps, failing.newColour = 0.22, 0.05
		}
	}))
	p := s.run()
	s.tidemark("replay", "drifting.csv", "--endpoint", "drift")
	s.tidemark("replay", "failing.csv", "--endpoint", "quality")
	j := s.journal()
	j.untilRows("drift", 400*windows)
	j.untilRows("quality", 400*windows)
	j.finish(p)

	if len(j.reports) != 2*windows {
		t.Errorf("%d reports, want %d", len(j.reports), 2*windows)
	}
	for _, r := range j.reports {
		if r.Rows != 400 || r.Window.Size != "10d" {
			t.Errorf("%s: the window of %s from %v has %d rows, want 400 in 10d", r.Monitor, r.Window.Size, r.Window.Start, r.Rows)
		}
	}
	for _, endpoint := range []string{"drift", "quality"} {
		if late, dead := s.late(endpoint), len(s.dead(endpoint)); late != 0 || dead != 0 {
			t.Errorf("%s: %d rows late, %d dead", endpoint, late, dead)
		}
	}
	var raised []string
	for _, a := range s.alerts() {
		raised = append(raised, fmt.Sprintf("%s: %s of %s %s from %s", a.Endpoint, a.Rule, a.Feature, a.State, a.Window.Start))
	}
	slices.Sort(raised)
	from := " firing from " + loanStart.Add(changed*loanWindow).Format(time.RFC3339)
	want := []string{
		"drift: l_infinity of salary_range" + from,
		"drift: psi of car_value" + from,
		"quality: missing_share of debt_to_income" + from,
		"quality: missing_share of driver_tenure" + from,
		"quality: new_categories of colour" + from,
	}
	if !slices.Equal(raised, want) {
		t.Errorf("alerts:\n%swant:\n%s", lines(raised), lines(want))
	}
}
