package windows

import (
	"fmt"
	"strings"
	"time"
)

// Window is the half-open interval [Start, End) of event time.
type Window struct {
	Start Time `json:"start"`
	End   Time `json:"end"`
}

// Size is the length of the window.
func (w Window) Size() time.Duration { return time.Duration(w.End-w.Start) * time.Millisecond }

// Spec is a kind of window: tumbling when Slide is zero or equals Size, else sliding. Windows are aligned to the
// Unix epoch: they start at the multiples of the slide.
type Spec struct {
	Size  time.Duration `yaml:"size"`
	Slide time.Duration `yaml:"slide"`
}

const (
	// MaxPane bounds a pane, so that the state kept for the pane being filled stays small.
	MaxPane = time.Minute
	// MaxOverlap bounds how many sliding windows a record may be in.
	MaxOverlap = 1440
)

// Step is the distance between the starts of two windows.
func (s Spec) Step() time.Duration {
	if s.Slide == 0 {
		return s.Size
	}
	return s.Slide
}

// Validate says what is wrong with the spec; an empty field means that nothing is.
func (s Spec) Validate() (field, message string) {
	switch {
	case s.Size <= 0:
		return "size", fmt.Sprintf("is %v: give a positive duration such as 1m", s.Size)
	case s.Size%time.Millisecond != 0:
		return "size", fmt.Sprintf("is %v: use whole milliseconds", s.Size)
	case s.Slide < 0:
		return "slide", fmt.Sprintf("is %v: give a positive duration, or leave it out for tumbling windows", s.Slide)
	case s.Slide%time.Millisecond != 0:
		return "slide", fmt.Sprintf("is %v: use whole milliseconds", s.Slide)
	case s.Size%s.Step() != 0:
		return "slide", fmt.Sprintf("is %v: it must divide the size %v", s.Slide, s.Size)
	case s.Size/s.Step() > MaxOverlap:
		return "slide", fmt.Sprintf("is %v: a size of %v allows at most %d windows over a moment, so slide by %v or more", s.Slide, s.Size, MaxOverlap, s.Size/MaxOverlap)
	}
	return "", ""
}

// Pane is the length of the panes that all windows of the specs can be put together from: the greatest common
// divisor of their sizes and slides, halved and so on down to at most [MaxPane].
func Pane(specs []Spec) time.Duration {
	var pane time.Duration
	for _, s := range specs {
		pane = gcd(gcd(pane, s.Size), s.Step())
	}
	if pane <= MaxPane {
		return pane
	}
	for parts := (pane + MaxPane - 1) / MaxPane; ; parts++ {
		if pane%(parts*time.Millisecond) == 0 {
			return pane / parts
		}
	}
}

func gcd(a, b time.Duration) time.Duration {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Closing calls yield, in rising order, with each window of the spec whose end is after `after` and not after
// `watermark`, and that holds a pane. next returns the start of the first pane that is not before a time, or false
// when there is none: between panes that are years apart no window is looked at.
func (s Spec) Closing(after, watermark Time, next func(from Time) (Time, bool), yield func(Window)) {
	size, step := Time(s.Size.Milliseconds()), s.Step()
	start := Never
	if after != Never {
		start = (after - size + 1).Ceil(step)
	}
	for {
		pane, ok := next(start)
		if !ok {
			return
		}
		start = max(start, (pane - size + 1).Ceil(step))
		if start+size > watermark {
			return
		}
		yield(Window{Start: start, End: start + size})
		start += Time(step.Milliseconds())
	}
}

// FormatDuration writes a duration as configurations do: "90s" as "1m30s", a day as "1d".
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d < day || d%time.Second != 0 {
		return trimZero(d.String())
	}
	days := fmt.Sprintf("%dd", d/day)
	if d%day == 0 {
		return days
	}
	return days + trimZero((d % day).String())
}

// trimZero turns 1h0m0s into 1h.
func trimZero(s string) string {
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}
