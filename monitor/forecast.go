package monitor

import "math"

// Forecast is how many records of a feature it takes, about, to find a shift.
type Forecast struct {
	Monitor string  `json:"monitor"`
	Feature string  `json:"feature"` // the number that takes longest
	Shift   float64 `json:"shift"`   // in standard deviations
	// Records is 0 where the shift cannot be told from the least effect and the baseline's error.
	Records float64 `json:"records"`
}

// forecastShifts are the shifts that forecasts are made for, in standard deviations.
var forecastShifts = []float64{0.25, 0.5, 1}

// Forecasts says of each monitor with an alarm budget how long it takes to find shifts, on the endpoint's first variant.
func Forecasts(monitors []*Monitor) []Forecast {
	var all []Forecast
	budgets := 0
	for _, m := range monitors {
		if m.Budget.on() {
			budgets++
		}
	}
	for _, m := range monitors {
		if !m.Budget.on() {
			continue
		}
		e := &endpoint{budgets: budgets, pane: PaneLength(Matching(monitors, m.Match.Endpoint))}
		limit := m.Budget.FalseAlarms.panes(e.pane) / e.share(m, 1)
		for _, shift := range forecastShifts {
			if f, ok := m.slowest(limit, shift); ok {
				all = append(all, f)
			}
		}
	}
	return all
}

// slowest is the forecast of the number that takes longest, or that it is not found in; it is false when there are no numbers.
func (m *Monitor) slowest(limit, shift float64) (slowest Forecast, ok bool) {
	for i, w := range m.weighed {
		if !m.Baseline.Profile.Features[i].Numeric() {
			continue
		}
		records, found := w.table.Forecast(limit, shift)
		if !ok || !found || records > slowest.Records {
			slowest, ok = Forecast{m.Name, m.Layout().Features[i].Name, shift, math.Round(records)}, true
		}
		if !found {
			break
		}
	}
	return slowest, ok
}
