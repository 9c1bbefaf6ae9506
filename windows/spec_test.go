package windows

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const (
	second = time.Second
	minute = time.Minute
	day    = 24 * time.Hour
)

func TestPane(t *testing.T) {
	for _, test := range []struct {
		specs []Spec
		want  time.Duration
	}{
		{[]Spec{{Size: minute}}, minute},
		{[]Spec{{Size: minute, Slide: 10 * second}}, 10 * second},
		{[]Spec{{Size: 90 * second, Slide: 30 * second}}, 30 * second},
		{[]Spec{{Size: 90 * second}}, 45 * second},
		{[]Spec{{Size: 10 * day}}, minute},
		{[]Spec{{Size: 10 * day, Slide: day}}, minute},
		{[]Spec{{Size: 5 * minute}, {Size: minute, Slide: 10 * second}}, 10 * second},
		{[]Spec{{Size: time.Hour}, {Size: 90 * second}}, 45 * second},
		{[]Spec{{Size: 100 * second}}, 50 * second},
		{[]Spec{{Size: 7 * time.Millisecond}, {Size: 11 * time.Millisecond}}, time.Millisecond},
		{[]Spec{{Size: 61 * second}}, 30_500 * time.Millisecond},
		{[]Spec{{Size: 60_013 * time.Millisecond}}, time.Millisecond}, // a prime number of milliseconds
		{[]Spec{{Size: 2 * 60_013 * time.Millisecond}}, 2 * time.Millisecond},
		{[]Spec{{Size: 59_999 * time.Millisecond}}, 59_999 * time.Millisecond},
	} {
		if got := Pane(test.specs); got != test.want {
			t.Errorf("pane of %v is %v, want %v", test.specs, got, test.want)
		}
	}
}

func TestPaneDividesEverySizeAndSlide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := rapid.SliceOfN(drawSpec(500_000), 1, 4).Draw(t, "specs")
		pane := Pane(specs)
		if pane <= 0 || pane > MaxPane || pane%time.Millisecond != 0 {
			t.Fatalf("pane is %v", pane)
		}
		for _, s := range specs {
			if s.Size%pane != 0 || s.Step()%pane != 0 {
				t.Fatalf("pane %v does not divide %v", pane, s)
			}
		}
	})
}

// drawSpec draws a valid spec with a step of at most some milliseconds.
func drawSpec(step int64) *rapid.Generator[Spec] {
	return rapid.Custom(func(t *rapid.T) Spec {
		slide := time.Duration(rapid.Int64Range(1, step).Draw(t, "step")) * time.Millisecond
		s := Spec{Size: slide * time.Duration(rapid.IntRange(1, 12).Draw(t, "overlap")), Slide: slide}
		if s.Size == s.Slide && rapid.Bool().Draw(t, "tumbling") {
			s.Slide = 0
		}
		return s
	})
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		spec           Spec
		field, message string
	}{
		{Spec{Size: minute}, "", ""},
		{Spec{Size: minute, Slide: minute}, "", ""},
		{Spec{Size: time.Millisecond}, "", ""},
		{Spec{Size: day, Slide: minute}, "", ""}, // an overlap of 1440
		{Spec{}, "size", "is 0s: give a positive duration"},
		{Spec{Size: -minute}, "size", "is -1m0s"},
		{Spec{Size: 1500 * time.Microsecond}, "size", "whole milliseconds"},
		{Spec{Size: minute, Slide: -second}, "slide", "is -1s"},
		{Spec{Size: minute, Slide: 1500 * time.Microsecond}, "slide", "whole milliseconds"},
		{Spec{Size: minute, Slide: 7 * second}, "slide", "must divide the size 1m0s"},
		{Spec{Size: minute, Slide: 2 * minute}, "slide", "must divide the size 1m0s"},
		{Spec{Size: 1441 * minute, Slide: minute}, "slide", "slide by 1m0.041666666s or more"},
	} {
		field, message := test.spec.Validate()
		if field != test.field || !strings.Contains(message, test.message) || (message == "") != (test.message == "") {
			t.Errorf("%v: %q %q, want %q and a message with %q", test.spec, field, message, test.field, test.message)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                        "0s",
		time.Millisecond:         "1ms",
		10 * second:              "10s",
		90 * second:              "1m30s",
		minute:                   "1m",
		10 * minute:              "10m",
		time.Hour:                "1h",
		10 * time.Hour:           "10h",
		time.Hour + second:       "1h0m1s",
		90 * minute:              "1h30m",
		day:                      "1d",
		10 * day:                 "10d",
		36 * time.Hour:           "1d12h",
		day + second:             "1d1s",
		day + 30*minute:          "1d30m",
		day + time.Millisecond:   "24h0m0.001s",
		100*minute + 500*1000000: "1h40m0.5s",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}

func TestWindowSize(t *testing.T) {
	if got := (Window{Start: -30_000, End: 60_000}).Size(); got != 90*second {
		t.Errorf("size is %v, want 1m30s", got)
	}
}
