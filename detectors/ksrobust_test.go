package detectors

import (
	"math"
	"testing"

	"tidemark/capture"
)

// The corrections are those of Deequ's formula at the sizes that its users have asked about: 0.184 at 100 rows against
// 2,333, 0.060 at 1,000 against 10,000.
func TestKSRobust(t *testing.T) {
	numbers := func(n int, x float64) *Sample {
		s := &Sample{Kind: capture.Numeric, Captured: int64(n)}
		for range n {
			s.Numbers = append(s.Numbers, x)
		}
		return s
	}
	for _, test := range []struct {
		reference, current int
		correction         float64
	}{{2333, 100, 0.184}, {2333, 500, 0.089}, {10_000, 1000, 0.060}} {
		score, ok := KSRobust{}.Exact(numbers(test.reference, 1), numbers(test.current, 2))
		if !ok || math.Abs(score.Value-(1-test.correction)) > 0.0006 {
			t.Errorf("%d and %d rows without overlap: %v, %v, want %v less than 1", test.reference, test.current, score.Value, ok, test.correction)
		}
	}
	if score, ok := (KSRobust{}).Exact(numbers(100, 1), numbers(100, 1)); !ok || score.Value != 0 {
		t.Errorf("equal values: %v, %v, want 0", score.Value, ok)
	}
	if _, ok := (KSRobust{}).Exact(numbers(0, 1), numbers(100, 1)); ok {
		t.Error("defined without reference values")
	}
	if _, ok := (KSRobust{}).Exact(&Sample{Kind: capture.Categorical}, &Sample{Kind: capture.Categorical}); ok {
		t.Error("defined for categories")
	}
}
