package baseline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tidemark/windows"
)

// Cycle is a calendar cycle, in UTC, that the rows of a seasonal baseline are counted by. It is cut into slots.
type Cycle string

const (
	HourOfDay  Cycle = "hour_of_day"  // 24 slots
	HourOfWeek Cycle = "hour_of_week" // 168 slots, from Monday 00:00 on
	DayOfWeek  Cycle = "day_of_week"  // 7 slots, from Monday on
	Month      Cycle = "month"        // 12 slots, from January on
)

// Cycles are all that there are.
var Cycles = []Cycle{HourOfDay, HourOfWeek, DayOfWeek, Month}

// Validate says which cycles there are if this is none of them.
func (c Cycle) Validate() error {
	if slices.Contains(Cycles, c) {
		return nil
	}
	names := make([]string, len(Cycles))
	for i, known := range Cycles {
		names[i] = string(known)
	}
	return fmt.Errorf("cycle %q is not known: use one of %s", string(c), strings.Join(names, ", "))
}

const (
	day          = 24 * time.Hour
	hoursOfDay   = 24
	daysOfWeek   = 7
	monthsOfYear = 12
)

// Slots is the number of slots of the cycle.
func (c Cycle) Slots() int {
	switch c {
	case HourOfDay:
		return hoursOfDay
	case HourOfWeek:
		return hoursOfDay * daysOfWeek
	case DayOfWeek:
		return daysOfWeek
	}
	return monthsOfYear
}

// Slot is the slot that a moment is in.
func (c Cycle) Slot(at windows.Time) int {
	t := at.Time()
	weekday := (int(t.Weekday()) + 6) % daysOfWeek // 0 is Monday
	switch c {
	case HourOfDay:
		return t.Hour()
	case HourOfWeek:
		return weekday*hoursOfDay + t.Hour()
	case DayOfWeek:
		return weekday
	}
	return int(t.Month()) - 1
}

// Name is what people call a slot: "08:00", "Mon 08:00", "Mon" or "Jan".
func (c Cycle) Name(slot int) string {
	weekday := func(d int) string { return time.Weekday((d + 1) % daysOfWeek).String()[:3] }
	switch c {
	case HourOfDay:
		return fmt.Sprintf("%02d:00", slot)
	case HourOfWeek:
		return fmt.Sprintf("%s %02d:00", weekday(slot/hoursOfDay), slot%hoursOfDay)
	case DayOfWeek:
		return weekday(slot)
	}
	return time.Month(slot + 1).String()[:3]
}

// length is how long the cycle takes at most: no longer window has a season of its own.
func (c Cycle) length() time.Duration {
	switch c {
	case HourOfDay:
		return day
	case HourOfWeek, DayOfWeek:
		return daysOfWeek * day
	}
	return 366 * day
}

// step is a length that divides all slots.
func (c Cycle) step() time.Duration {
	if c == HourOfDay || c == HourOfWeek {
		return time.Hour
	}
	return day
}

// slotLength is the length of the slot that a moment is in.
func (c Cycle) slotLength(at windows.Time) time.Duration {
	if c != Month {
		return c.step()
	}
	t := at.Time()
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 1, 0).Sub(first)
}

// cover returns for each slot how often the window covers it, relative to the slot that it covers most: 1 for that
// one, 0 for those that it does not touch. It is nil when the window takes the whole cycle or longer.
func (c Cycle) cover(w windows.Window) []float64 {
	if w.Size() >= c.length() {
		return nil
	}
	share := make([]float64, c.Slots())
	covered, length := make([]windows.Time, c.Slots()), make([]windows.Time, c.Slots())
	for from := w.Start; from < w.End; {
		to := min(from.Floor(c.step()).Add(c.step()), w.End)
		slot := c.Slot(from)
		covered[slot] += to - from
		length[slot] = windows.Time(c.slotLength(from).Milliseconds())
		from = to
	}
	most := 0.0
	for slot := range share {
		if length[slot] > 0 {
			share[slot] = float64(covered[slot]) / float64(length[slot]) // equal shares give equal floats
			most = max(most, share[slot])
		}
	}
	for slot := range share {
		share[slot] /= most
	}
	return share
}

// pools returns the slots that are alike enough to a slot to take its place when it has too few rows, from those most
// alike on. The last resort, all slots, is not among them.
func (c Cycle) pools(slot int) [][]int {
	around := func(n, distance int) []int {
		var near []int
		for d := -distance; d <= distance; d++ {
			near = append(near, (slot+d+n)%n)
		}
		return near
	}
	switch c {
	case HourOfDay:
		return [][]int{around(hoursOfDay, 1), around(hoursOfDay, 3)}
	case HourOfWeek:
		hour := slot % hoursOfDay
		var alike, all []int
		for d := range daysOfWeek {
			if weekend(d) == weekend(slot/hoursOfDay) {
				alike = append(alike, d*hoursOfDay+hour)
			}
			all = append(all, d*hoursOfDay+hour)
		}
		return [][]int{alike, all}
	case DayOfWeek:
		var alike []int
		for d := range daysOfWeek {
			if weekend(d) == weekend(slot) {
				alike = append(alike, d)
			}
		}
		return [][]int{alike}
	}
	return [][]int{around(monthsOfYear, 1), around(monthsOfYear, 2)}
}

// weekend says whether a day, counted from Monday, is Saturday or Sunday.
func weekend(d int) bool { return d >= 5 }
