package budget

import (
	"math/rand/v2"
	"testing"
)

// Forecasts are what simulations of the same settings take, within the factor that they are said to be good to.
func TestForecast(t *testing.T) {
	const limit, pane = period * features, 20 // whole panes are needed
	for _, rows := range []int{1000, 10_000, 100_000} {
		for _, shift := range []float64{0.25, 0.5, 1} {
			s := Settings{MinEffect: 0.02, Z: Lenient, Dependence: 1}
			records, found := newSource(rand.New(rand.NewPCG(1, 61)), rows, s).table.Forecast(limit, shift)
			var delays []int
			for seed := range uint64(7) {
				delays = append(delays, delay(newSource(rand.New(rand.NewPCG(seed, 62)), rows, s), 50, pane, 20_000, limit, shift, 1))
			}
			took := float64(quantileOf(delays, 0.5))
			t.Logf("%d rows, %v sigma: forecast %.0f, took %.0f", rows, shift, records, took)
			if ratio := (records + pane) / took; !found || ratio < 0.8 || ratio > 2.2 {
				t.Errorf("%d rows, %v sigma: forecast %.0f records, and it took %.0f", rows, shift, records, took)
			}
		}
	}
	n := newSource(rand.New(rand.NewPCG(1, 63)), 10_000, setting)
	if records, found := n.table.Forecast(limit, 0.05); found {
		t.Errorf("a shift within the tolerance is found after %.0f records", records)
	}
	one, _ := n.table.Forecast(limit, 1)
	n.table.settings.Dependence = 3
	if three, _ := n.table.Forecast(limit, 1); three != 3*one {
		t.Errorf("where 3 records are worth one it takes %.0f, else %.0f", three, one)
	}
}
