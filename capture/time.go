package capture

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// The years that an event time may have: 1 to 9999. Microseconds taken for milliseconds fall outside.
const (
	earliest = -62135596800000
	latest   = 253402300799999
)

// secondsBelow is where a bare number changes its unit: as seconds it is the year 5138, as milliseconds it is 1973.
const secondsBelow = 1e11

var timeLayouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04:05Z07:00",
}

var errTime = errors.New("want RFC 3339 such as 2006-01-02T15:04:05Z, or Unix time in milliseconds or seconds")

// ParseTime reads an event time as milliseconds since the Unix epoch. It takes RFC 3339, the same with a space for
// the T, both also without a zone (then UTC), and a number: Unix milliseconds, or seconds if it is below 1e11.
// Digits beyond the millisecond are cut off. Years outside 1 to 9999 are errors.
func ParseTime(s string) (ms int64, err error) {
	if !strings.Contains(s, ":") {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, errTime
		}
		return unixTime(n)
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return inRange(t.UnixMilli())
		}
	}
	return 0, errTime
}

func unixTime(n float64) (int64, error) {
	if math.Abs(n) < secondsBelow {
		n = math.Round(n * 1000) // 1.001 seconds come out as 1000.9999999999999
	}
	if !(n >= earliest && n <= latest) { // NaN as well
		return 0, errTime
	}
	return int64(math.Floor(n)), nil
}

func inRange(ms int64) (int64, error) {
	if ms < earliest || ms > latest {
		return 0, errTime
	}
	return ms, nil
}
