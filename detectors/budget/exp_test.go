package budget

import (
	"math"
	"testing"
)

func TestExp(t *testing.T) {
	for x := -699.9; x < 600; x += 0.0137 {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 1e-13*want {
			t.Fatalf("exp(%v) is %v, want %v", x, got, want)
		}
	}
	if got := exp(0); got != 1 {
		t.Errorf("exp(0) is %v", got)
	}
	if got := exp(mostGain); math.IsInf(got, 0) {
		t.Errorf("exp(%d) is %v", mostGain, got)
	}
	for _, x := range []float64{-701, -1e9, math.Inf(-1)} {
		if got := exp(x); got != 0 {
			t.Errorf("exp(%v) is %v", x, got)
		}
	}
}
