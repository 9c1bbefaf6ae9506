package capture

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What decimal reads, it reads as strconv does, to the bit; and it reads the numbers it is for.
func TestDecimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.OneOf(
			rapid.StringMatching(`-?[0-9]{0,17}(\.[0-9]{0,17})?`),
			rapid.StringMatching(`[-+.0-9eE_x ]{0,6}`),
			rapid.Map(rapid.Float64(), func(x float64) string { return strconv.FormatFloat(x, 'f', 4, 64) }),
		).Draw(t, "cell")
		got, ok := decimal([]byte(cell))
		want, err := strconv.ParseFloat(cell, 64)
		if ok && (err != nil || math.Float64bits(got) != math.Float64bits(want)) {
			t.Fatalf("%q is %v, and to strconv %v, %v", cell, got, want, err)
		}
		digits := strings.Map(func(c rune) rune {
			if c >= '0' && c <= '9' {
				return c
			}
			return -1
		}, cell)
		if !ok && err == nil && len(digits) <= maxDigits && !strings.ContainsAny(cell, "+eE_") {
			t.Fatalf("%q was not read", cell)
		}
	})
}

func TestDecimalNegativeZero(t *testing.T) {
	if v, ok := decimal([]byte("-0.00")); !ok || v != 0 || !math.Signbit(v) {
		t.Errorf("%v, %t, want -0", v, ok)
	}
}
