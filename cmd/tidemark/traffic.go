package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"tidemark/capture"
)

// traffic makes up the loan applications of the demo and a model's answer to each: the probability that the loan
// is not paid back. The same seed gives the same rows.
type traffic struct {
	random *rand.Rand
	shift  float64 // in standard deviations: see drift
}

func newTraffic(seed uint64) *traffic {
	return &traffic{random: rand.New(rand.NewPCG(seed, 0))}
}

// drift shifts the applicants from here on: incomes fall, on the log scale, and debt ratios rise, each by sigma
// standard deviations. The model's answers follow; the other columns stay as they would have been.
func (t *traffic) drift(sigma float64) { t.shift = sigma }

// schema is the columns of a row.
func (t *traffic) schema() capture.Schema {
	return capture.Schema{Columns: []capture.Column{
		{Name: "age", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "employment", Role: capture.Feature, Kind: capture.Categorical},
		{Name: "employment_years", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "income", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "housing", Role: capture.Feature, Kind: capture.Categorical},
		{Name: "loan_amount", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "loan_purpose", Role: capture.Feature, Kind: capture.Categorical},
		{Name: "debt_ratio", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "credit_used", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "open_accounts", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "late_payments", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "channel", Role: capture.Feature, Kind: capture.Categorical},
		{Name: "default_probability", Role: capture.Prediction, Kind: capture.Numeric},
	}}
}

// option is a category with its share and what it adds to the model's log odds.
type option struct {
	name  string
	share float64
	risk  float64
}

var (
	employments = []option{
		{"employed", 0.68, 0}, {"self_employed", 0.13, 0.15}, {"part_time", 0.10, 0.2}, {"retired", 0.06, -0.1}, {"unemployed", 0.03, 0.9},
	}
	housings = []option{{"rent", 0.46, 0.2}, {"mortgage", 0.38, -0.1}, {"own", 0.13, -0.3}, {"family", 0.03, 0.1}}
	purposes = []option{
		{"consolidation", 0.41, 0.1}, {"car", 0.22, -0.1}, {"home", 0.15, -0.1}, {"medical", 0.09, 0.2}, {"business", 0.08, 0.5}, {"education", 0.05, 0},
	}
	channels = []option{{"web", 0.52, 0}, {"app", 0.31, 0}, {"branch", 0.11, -0.1}, {"partner", 0.06, 0.2}}
)

const (
	medianIncome    = 38_000 // a year, of the employed
	incomeDeviation = 0.484  // of the log of the income, over all kinds of employment
	medianDebt      = 0.3    // debt service as a share of the income
	debtDeviation   = 0.157  // of that share
	missingShare    = 0.01   // of employment_years and of housing
)

// row makes up one application and the model's answer: its cells, in the order of the schema. No cell needs quotes.
func (t *traffic) row() []string {
	age := math.Floor(18 + 62*logistic(-0.6+0.8*t.random.NormFloat64()))
	employment := t.choose(employments)
	wealth := 0.34 * t.random.NormFloat64() // how far, on the log scale, the applicant's means are off the median
	switch employment.name {
	case "self_employed":
		wealth *= 2.6
	case "part_time", "retired":
		wealth -= 0.35
	case "unemployed":
		wealth -= 0.8
	}
	strain := t.random.NormFloat64() // how deep in debt, on the log scale, the applicant is
	years := math.Min(age-18, 6*math.Exp(0.8*t.random.NormFloat64()))
	income := medianIncome * math.Exp(wealth-t.shift*incomeDeviation)
	housing := t.choose(housings)
	amount := 100 * math.Round(95*math.Exp(0.6*wealth+0.55*t.random.NormFloat64()))
	purpose := t.choose(purposes)
	debt := medianDebt*math.Exp(0.45*strain) + t.shift*debtDeviation
	used := logistic(-0.8 + 0.7*strain + 0.9*t.random.NormFloat64())
	accounts := t.poisson(2.5 + age/12)
	late := t.poisson(0.2 * math.Exp(0.6*strain))
	channel := t.choose(channels)

	odds := -2.6 - 0.8*math.Log(income/medianIncome) + 2.5*(debt-medianDebt) + 1.2*(used-0.35) + 0.5*late -
		0.015*(age-40) - 0.03*(years-6) + 0.4*(amount/income-0.25) + 0.02*(accounts-6) +
		employment.risk + housing.risk + purpose.risk + channel.risk + 0.3*t.random.NormFloat64()

	return []string{
		decimal(age, 0), employment.name, t.orMissing(decimal(years, 1)), decimal(income, 0), t.orMissing(housing.name),
		decimal(amount, 0), purpose.name, decimal(debt, 3), decimal(used, 3), decimal(accounts, 0), decimal(late, 0),
		channel.name, decimal(logistic(odds), 4),
	}
}

// csv writes a header line and rows, such as a model is trained on.
func (t *traffic) csv(w io.Writer, rows int) error {
	out := csv.NewWriter(w)
	var names []string
	for _, c := range t.schema().Columns {
		names = append(names, c.Name)
	}
	if err := out.Write(names); err != nil {
		return fmt.Errorf("write training data: %w", err)
	}
	for range rows {
		if err := out.Write(t.row()); err != nil {
			return fmt.Errorf("write training data: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write training data: %w", err)
	}
	return nil
}

// record makes up one capture in SageMaker's format: the features went in at the given time, the prediction came out.
func (t *traffic) record(at time.Time, id string) []byte {
	type payload struct {
		ContentType string `json:"observedContentType"`
		Mode        string `json:"mode"`
		Data        string `json:"data"`
		Encoding    string `json:"encoding"`
	}
	var record struct {
		Data struct {
			Input  payload `json:"endpointInput"`
			Output payload `json:"endpointOutput"`
		} `json:"captureData"`
		Event struct {
			ID   string `json:"eventId"`
			Time string `json:"inferenceTime"`
		} `json:"eventMetadata"`
		Version string `json:"eventVersion"`
	}
	row := t.row()
	features, prediction := row[:len(row)-1], row[len(row)-1]
	record.Data.Input = payload{"text/csv", "INPUT", strings.Join(features, ","), "CSV"}
	record.Data.Output = payload{"text/csv; charset=utf-8", "OUTPUT", prediction, "CSV"}
	record.Event.ID = id
	record.Event.Time = at.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	record.Version = "0"
	encoded, err := json.Marshal(record)
	if err != nil {
		panic(err) // strings alone always marshal
	}
	return encoded
}

// choose draws one of the options by their shares, which add up to 1.
func (t *traffic) choose(options []option) option {
	u := t.random.Float64()
	for _, o := range options {
		if u < o.share {
			return o
		}
		u -= o.share
	}
	return options[0] // the shares' sum may be an ulp below 1
}

// poisson draws a count with the given mean, which must be small: it takes mean+1 steps (Knuth's method).
func (t *traffic) poisson(mean float64) float64 {
	count, limit := 0.0, math.Exp(-mean)
	for p := t.random.Float64(); p > limit; p *= t.random.Float64() {
		count++
	}
	return count
}

func (t *traffic) orMissing(cell string) string {
	if t.random.Float64() < missingShare {
		return ""
	}
	return cell
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func decimal(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }
