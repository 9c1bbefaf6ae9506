package capture

// clock reads times as SageMaker writes them, RFC 3339 in UTC with or without milliseconds. It keeps the day, which
// seldom changes.
type clock struct {
	day      [10]byte
	midnight int64
}

// read is [ParseTime] for 2006-01-02T15:04:05Z and 2006-01-02T15:04:05.000Z. It is false for all else.
func (c *clock) read(text []byte) (ms int64, ok bool) {
	n := len(text)
	if n != 20 && n != 24 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[n-1] != 'Z' || n == 24 && text[19] != '.' {
		return 0, false
	}
	if day := [10]byte(text); c.midnight == 0 || day != c.day {
		midnight, err := ParseTime(string(text[:10]) + "T00:00:00Z")
		if err != nil {
			return 0, false
		}
		c.midnight, c.day = midnight, day
	}
	hour, minute, second, milli := twoDigits(text[11], text[12]), twoDigits(text[14], text[15]), twoDigits(text[17], text[18]), uint(0)
	if n == 24 {
		last := uint(text[22] - '0')
		if last > 9 {
			return 0, false
		}
		milli = 10*twoDigits(text[20], text[21]) + last
	}
	if hour > 23 || minute > 59 || second > 59 || milli > 999 {
		return 0, false
	}
	return c.midnight + int64(((hour*60+minute)*60+second)*1000+milli), true
}

// twoDigits is the number of two digits, or more than 99 if one of them is none.
func twoDigits(tens, ones byte) uint {
	high, low := uint(tens-'0'), uint(ones-'0')
	if high > 9 || low > 9 {
		return 100
	}
	return 10*high + low
}
