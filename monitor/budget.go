package monitor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/windows"
)

// Budget is the drift policy of a monitor that says how often it may be wrong, and what is too small to matter, instead of
// giving thresholds: package [tidemark/detectors/budget]. It is the default.
type Budget struct {
	FalseAlarms Rate    `yaml:"false_alarms"` // at most so many are expected, of all monitors with a budget together
	MinEffect   float64 `yaml:"min_effect"`   // the share of records that may have moved before it is drift
}

// budgetRule is the word for the budget in alerts, reports and metrics.
const budgetRule = "budget"

// Rate is a number of alarms in a time.
type Rate struct {
	Alarms float64
	Per    time.Duration
}

// Defaults of a budget.
const (
	DefaultMinEffect = 0.02
	leastEffect      = 0.001
	mostEffect       = 0.5
)

// DefaultFalseAlarms is once in 30 days.
var DefaultFalseAlarms = Rate{1, 30 * 24 * time.Hour}

// UnmarshalText reads "N per DURATION".
func (r *Rate) UnmarshalText(text []byte) error {
	number, per, _ := strings.Cut(string(text), " per ")
	alarms, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	duration, unread := windows.ParseDuration(strings.TrimSpace(per))
	if err != nil || unread != nil || !(alarms > 0 && alarms <= 1000) || duration < time.Minute {
		return fmt.Errorf("%q is not how many false alarms may be expected in what time, such as \"1 per 30d\"", text)
	}
	*r = Rate{alarms, duration}
	return nil
}

// MarshalText writes "N per DURATION".
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String writes "N per DURATION".
func (r Rate) String() string {
	return fmt.Sprintf("%g per %s", r.Alarms, windows.FormatDuration(r.Per))
}

// on says whether the monitor has a budget.
func (b *Budget) on() bool { return b.FalseAlarms.Per > 0 }

func (b *Budget) complete() {
	if b.FalseAlarms == (Rate{}) {
		b.FalseAlarms = DefaultFalseAlarms
	}
	if b.MinEffect == 0 {
		b.MinEffect = DefaultMinEffect
	}
}

func (b *Budget) check(fault func(path, message string)) {
	if b.on() && !(b.MinEffect >= leastEffect && b.MinEffect <= mostEffect) {
		fault("drift.min_effect", fmt.Sprintf("is %v: give the share of records that may have moved before it is drift, from %g to %g, such as %g",
			b.MinEffect, leastEffect, mostEffect, DefaultMinEffect))
	}
}

// String writes the budget as a user reads it.
func (b *Budget) String() string {
	return fmt.Sprintf("drift of more than %g of the records, with %s false alarms", b.MinEffect, b.FalseAlarms)
}

// panes is the number of panes of that length that one false alarm may be expected in: A of the budget's mathematics.
func (r Rate) panes(pane time.Duration) float64 {
	return float64(r.Per) / float64(pane) / r.Alarms
}
