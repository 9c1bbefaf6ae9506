package windows

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// date reads a time as RFC 3339 without the zone.
func date(s string) Time {
	t, err := time.Parse("2006-01-02T15:04:05.999", s)
	if err != nil {
		panic(err)
	}
	return At(t)
}

func TestFloor(t *testing.T) {
	for _, test := range []struct {
		t    Time
		d    time.Duration
		want Time
	}{
		{0, time.Minute, 0},
		{59_999, time.Minute, 0},
		{60_000, time.Minute, 60_000},
		{60_001, time.Minute, 60_000},
		{-1, time.Minute, -60_000},
		{-59_999, time.Minute, -60_000},
		{-60_000, time.Minute, -60_000},
		{-60_001, time.Minute, -120_000},
		{-7, time.Millisecond, -7},
		{1_000, 7 * time.Millisecond, 994},
		{date("2026-03-01T12:34:56.789"), 24 * time.Hour, date("2026-03-01T00:00:00")},
		{date("1969-12-31T23:59:59.999"), time.Hour, date("1969-12-31T23:00:00")},
		{date("0001-01-01T00:00:00.001"), time.Hour, date("0001-01-01T00:00:00")},
	} {
		if got := test.t.Floor(test.d); got != test.want {
			t.Errorf("%d floor %v: %d, want %d", test.t, test.d, got, test.want)
		}
	}
}

func TestFloorAndCeilEnclose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := Time(rapid.Int64Range(-1e15, 1e15).Draw(t, "time"))
		d := Time(rapid.Int64Range(1, 1e9).Draw(t, "step"))
		step := time.Duration(d) * time.Millisecond
		low, high := at.Floor(step), at.Ceil(step)
		if low%d != 0 || high%d != 0 {
			t.Fatalf("%d and %d are not multiples of %d", low, high, d)
		}
		if low > at || at-low >= d || high < at || high-at >= d {
			t.Fatalf("%d is not next to %d and %d, multiples of %d", at, low, high, d)
		}
	})
}

func TestTimeText(t *testing.T) {
	for _, test := range []struct {
		t    Time
		want string
	}{
		{Never, "never"},
		{0, "1970-01-01T00:00:00Z"},
		{-1, "1969-12-31T23:59:59.999Z"},
		{date("2026-03-01T12:34:56.7"), "2026-03-01T12:34:56.7Z"},
		{date("9999-12-31T23:59:59.999"), "9999-12-31T23:59:59.999Z"},
		{date("9999-12-31T23:59:59.999") + 1, "253402300800000"}, // the end of the last window of the year 9999
	} {
		text, err := test.t.MarshalText()
		if err != nil || string(text) != test.want {
			t.Errorf("%d is written %q, %v, want %q", int64(test.t), text, err, test.want)
		}
	}
	var got Time
	if err := got.UnmarshalText([]byte("2026-03-01T13:00:00.123+01:00")); err != nil || got != date("2026-03-01T12:00:00.123") {
		t.Errorf("a time with a zone is read as %v, %v", got, err)
	}
	for _, bad := range []string{"", "yesterday", "2026-13-01T00:00:00Z", "2026-03-01"} {
		if err := got.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

func TestTimeSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.OneOf(
			rapid.Int64Range(-1e13, 1e13),
			rapid.Int64Range(math.MinInt64, math.MaxInt64),
			rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 0}),
		).Draw(t, "time")
		text, err := json.Marshal(Time(at))
		if err != nil {
			t.Fatal(err)
		}
		var back Time
		if err := json.Unmarshal(text, &back); err != nil || back != Time(at) {
			t.Fatalf("%d is written %s and read back as %d, %v", at, text, int64(back), err)
		}
	})
}
