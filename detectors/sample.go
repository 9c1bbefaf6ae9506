package detectors

import "tidemark/capture"

// Sample is the values of a column, for [Statistic.Exact]. Captured = present + Missing + Invalid + NaN.
type Sample struct {
	Kind       capture.Kind
	Numbers    []float64        // numeric: the present values in rising order, infinite ones included
	Categories map[string]int64 // categorical: rows of each value
	Captured   int64
	Missing    int64
	Invalid    int64
	NaN        int64
}

// Present is the number of values that can be compared.
func (s *Sample) Present() int64 { return s.Captured - s.Missing - s.Invalid - s.NaN }

// Numeric says whether the values are numbers.
func (s *Sample) Numeric() bool { return s.Kind == capture.Numeric }
