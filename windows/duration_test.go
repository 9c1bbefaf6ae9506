package windows

import (
	"errors"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"10d": 10 * day, "1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour, "-1d6h": -30 * time.Hour, "0": 0, "0s": 0,
		"1m30s": 90 * time.Second, "250ms": 250 * time.Millisecond, "106751d": 106751 * day, "1d0s": day,
	} {
		if got, err := ParseDuration(text); got != want || err != nil {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"": errNotDuration, "d": errNotDuration, "1w": errNotDuration, "1h2d": errNotDuration, "1d-6h": errNotDuration, "1.2.3d": errNotDuration,
		"1d5": errNotDuration, "five": errNotDuration, "1 m": errNotDuration, "1e3d": errNotDuration, "1d1d": errNotDuration,
		"5": errNoUnit, "-3": errNoUnit, "1e3": errNoUnit, "106752d": errTooLong, "106751d24h": errTooLong, "-106751d24h": errTooLong,
		"9999999999999d": errNotDuration,
	} {
		if got, err := ParseDuration(text); !errors.Is(err, want) {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}
