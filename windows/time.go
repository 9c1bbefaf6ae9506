package windows

import (
	"math"
	"strconv"
	"time"
)

// Time is an event time: milliseconds since the Unix epoch, UTC.
type Time int64

// At returns t in milliseconds.
func At(t time.Time) Time { return Time(t.UnixMilli()) }

// Time returns t as a [time.Time] in UTC.
func (t Time) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Never is before every event time.
const Never = Time(math.MinInt64)

// String formats t as RFC 3339, or, outside the years that it has, as milliseconds.
func (t Time) String() string { return string(t.Append(nil)) }

// Append writes what String returns behind b.
func (t Time) Append(b []byte) []byte {
	if t == Never {
		return append(b, "never"...)
	}
	at := t.Time()
	if year := at.Year(); year < 0 || year > 9999 {
		return strconv.AppendInt(b, int64(t), 10)
	}
	return at.AppendFormat(b, time.RFC3339Nano) // a format that package time writes fast
}

// Add returns t+d.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Floor returns the largest multiple of d, counted from the epoch, that is not after t.
func (t Time) Floor(d time.Duration) Time {
	step := Time(d.Milliseconds())
	rest := t % step
	if rest < 0 {
		rest += step
	}
	return t - rest
}

// Ceil returns the smallest multiple of d, counted from the epoch, that is not before t.
func (t Time) Ceil(d time.Duration) Time { return -(-t).Floor(d) }

// MarshalText writes what String does.
func (t Time) MarshalText() ([]byte, error) { return t.Append(nil), nil }

// UnmarshalText reads what String writes.
func (t *Time) UnmarshalText(text []byte) error {
	if string(text) == "never" {
		*t = Never
		return nil
	}
	if len(text) < 5 || text[4] != '-' { // no year, so milliseconds
		if ms, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			*t = Time(ms)
			return nil
		}
	}
	parsed, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return err
	}
	*t = At(parsed)
	return nil
}
