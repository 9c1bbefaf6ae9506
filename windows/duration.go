package windows

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

var (
	errNoUnit      = errors.New("has no unit: add one of ms, s, m, h, d, such as 10s")
	errNotDuration = errors.New("is not a duration: write numbers with units (ms, s, m, h, d), such as 10s or 1d12h")
	errTooLong     = errors.New("is too long: the longest duration is 106751d")
)

// ParseDuration reads Go's notation and days before it, such as 10d or 1d12h. The error completes a sentence that begins
// with the text.
func ParseDuration(s string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(s, 64); err == nil && n != 0 {
		return 0, errNoUnit
	}
	days, rest, found := strings.Cut(s, "d")
	if !found {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, errNotDuration
		}
		return d, nil
	}
	if strings.Trim(days, "+-.0123456789") != "" || strings.ContainsAny(rest, "+-") {
		return 0, errNotDuration
	}
	d, err := time.ParseDuration(days + "h")
	if err != nil {
		return 0, errNotDuration
	}
	var tail time.Duration
	if rest != "" {
		if tail, err = time.ParseDuration(rest); err != nil {
			return 0, errNotDuration
		}
	}
	if d*24/24 != d {
		return 0, errTooLong
	}
	d *= 24
	if strings.HasPrefix(days, "-") {
		tail = -tail
	}
	if sum := d + tail; (sum >= d) == (tail >= 0) {
		return sum, nil
	}
	return 0, errTooLong
}
