package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// workload is the captures of the reference job, or like them.
type workload struct {
	records   int // rows
	features  int // numeric ones
	endpoints int
	rate      int // records a second of event time, of all endpoints together
	arrowRows int // of a capture in Arrow's format; 0 for SageMaker's
}

// epoch is the event time of the first record, in Unix milliseconds.
const epoch = 1_700_000_000_000

const (
	jitter       = 2000 // ms, in both directions
	emptyShare   = 0.01
	trainingRows = 100_000
)

// categories are those of the categorical features, with their shares.
var categories = []struct {
	name   string
	values []string
	shares []float64
}{
	{"c00", []string{"basic", "standard", "premium", "enterprise"}, []float64{.45, .3, .2, .05}},
	{"c01", []string{"CA", "NY", "TX", "WA", "OR", "FL", "IL", "GA", "OH", "MI", "NJ", "VA"},
		[]float64{.2, .15, .14, .1, .08, .08, .06, .05, .05, .04, .03, .02}},
	{"c02", []string{"no", "yes"}, []float64{.7, .3}},
	{"c03", []string{"monthly", "one_year", "two_year"}, []float64{.55, .25, .2}},
	{"c04", []string{"card", "bank_transfer", "electronic_check", "mailed_check", "paypal", "voucher"},
		[]float64{.3, .2, .25, .15, .08, .02}},
}

// row is one captured row. Numbers are as they are written, rounded.
type row struct {
	time     int64
	numbers  []float64
	empty    []bool
	category []int
	score    float64
}

// names are those of the columns as they are captured, the score last.
func (w *workload) names() []string {
	var names []string
	for i := range w.features {
		names = append(names, numberName(i))
	}
	for _, c := range categories {
		names = append(names, c.name)
	}
	return append(names, "score")
}

func numberName(i int) string { return fmt.Sprintf("f%02d", i) }

// draw fills in a row. Three features move by half a standard deviation when shifted.
func (w *workload) draw(random *rand.Rand, shifted bool, r *row) {
	if r.numbers == nil {
		r.numbers, r.empty, r.category = make([]float64, w.features), make([]bool, w.features), make([]int, len(categories))
	}
	means, deviations := [5]float64{0, 1.5, 12, 70, -3}, [5]float64{1, 0.5, 3, 12, 2}
	for i := range r.numbers {
		z := random.NormFloat64()
		if shifted && (i == 2 || i == 7 || i == 13) {
			z += 0.5
		}
		r.numbers[i] = rounded(means[i%5]+float64(i)+deviations[i%5]*z, 4)
		r.empty[i] = random.Float64() < emptyShare
	}
	for i, c := range categories {
		u, k := random.Float64(), 0
		for sum := c.shares[0]; u >= sum && k < len(c.shares)-1; sum += c.shares[k] {
			k++
		}
		r.category[i] = k
	}
	r.score = rounded(random.Float64()*random.Float64(), 6)
}

// rounded is the number that is read back when x is written with so many decimals.
func rounded(x float64, decimals int) float64 {
	v, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', decimals, 64), 64) // it was just written
	return v
}

// each yields every row, in the order of capture. Each call draws the same rows.
func (w *workload) each(visit func(i int, r *row) error) error {
	random := rand.New(rand.NewPCG(42, 7))
	var r row
	for i := range w.records {
		w.draw(random, i >= w.records*3/5, &r)
		r.time = epoch + int64(i)*1000/int64(w.rate) + random.Int64N(2*jitter+1) - jitter
		if err := visit(i, &r); err != nil {
			return err
		}
	}
	return nil
}

// training yields the rows that the baseline is built from.
func (w *workload) trainingRows(visit func(r *row)) {
	random := rand.New(rand.NewPCG(7, 7))
	var r row
	for range trainingRows {
		w.draw(random, false, &r)
		visit(&r)
	}
}

// appendCells writes the features as a CSV line without its end.
func (r *row) appendCells(b []byte) []byte {
	for i, x := range r.numbers {
		if !r.empty[i] {
			b = strconv.AppendFloat(b, x, 'f', 4, 64)
		}
		b = append(b, ',')
	}
	for i, k := range r.category {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, categories[i].values[k]...)
	}
	return b
}

// eventID is the id of the i-th row.
func eventID(i int) string {
	random := rand.New(rand.NewPCG(uint64(i), 11))
	high, low := random.Uint64(), random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", high>>32, high>>16&0xffff, high&0xfff, 0x8000|low>>48&0x3fff, low&0xffffffffffff)
}

// appendCapture writes the row as SageMaker captures it, and returns its event id.
func (r *row) appendCapture(b []byte, i int) (capture []byte, id string) {
	id = eventID(i)
	b = append(b, `{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"`...)
	b = r.appendCells(b)
	b = append(b, `","encoding":"CSV"},"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT","data":"`...)
	b = strconv.AppendFloat(b, r.score, 'f', 6, 64)
	b = append(b, `","encoding":"CSV"}},"eventMetadata":{"eventId":"`...)
	b = append(b, id...)
	b = append(b, `","inferenceTime":"`...)
	b = time.UnixMilli(r.time).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	return append(b, `"},"eventVersion":"0"}`...), id
}
