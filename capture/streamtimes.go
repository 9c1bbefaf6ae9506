package capture

import (
	"fmt"
	"math"
)

// noTime stands for an event time that is not there.
const noTime = math.MinInt64

// readTimes reads the event times of a stream's rows.
func (r *Record) readTimes() error {
	s := r.stream
	if s.eventTime < 0 {
		return nil
	}
	f := &s.fields[s.eventTime]
	if f.dictionary >= 0 || f.is.kind != timestamp && (f.is.kind != signed || f.is.width != 8) {
		return &Error{ReasonTime, eventTimeColumn, "is " + f.typeName() + ": want timestamps, or Unix milliseconds as int64"}
	}
	r.HasTime, r.Time = true, noTime
	for k, n := range s.counts {
		v := &s.vectors[k*len(s.fields)+s.eventTime]
		for row := range n {
			if !v.has(row) {
				s.times, r.HasTime = append(s.times, noTime), false
				continue
			}
			ms, err := f.is.milliseconds(int64(v.index(8, row)))
			if err != nil {
				return &Error{ReasonTime, eventTimeColumn, fmt.Sprintf("is %d in row %d: want a time in the years 1 to 9999", int64(v.index(8, row)), len(s.times)+1)}
			}
			s.times = append(s.times, ms)
			r.Time = max(r.Time, ms)
		}
	}
	return nil
}

// milliseconds is the time that a value of the column stands for.
func (t arrowType) milliseconds(v int64) (int64, error) {
	switch {
	case t.kind == signed:
		return unixTime(float64(v))
	case t.units == 1000:
		return inRange(v)
	case t.units == 1:
		if v < earliest/1000 || v > latest/1000 {
			return 0, errTime
		}
		return v * 1000, nil
	}
	unit := t.units / 1000
	ms := v / unit
	if v%unit < 0 {
		ms--
	}
	return inRange(ms)
}

// Latest is the latest event time of the record's rows that is not after limit, if there is one, and whether the time of a
// row is after it.
func (r *Record) Latest(limit int64) (ms int64, some, beyond bool) {
	if r.stream == nil || len(r.stream.times) == 0 {
		return r.Time, r.Time <= limit, r.Time > limit
	}
	ms = noTime
	for _, t := range r.stream.times {
		if t == noTime {
			t = r.Time
		}
		if t > limit {
			beyond = true
		} else {
			ms, some = max(ms, t), true
		}
	}
	return ms, some, beyond
}
