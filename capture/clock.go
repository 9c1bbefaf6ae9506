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
	if c.midnight == 0 || string(text[:10]) != string(c.day[:]) {
		midnight, err := ParseTime(string(text[:10]) + "T00:00:00Z")
		if err != nil {
			return 0, false
		}
		c.midnight = midnight
		copy(c.day[:], text)
	}
	hour, minute, second, milli := digits(text[11:13]), digits(text[14:16]), digits(text[17:19]), int64(0)
	if n == 24 {
		milli = digits(text[20:23])
	}
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || milli < 0 {
		return 0, false
	}
	return c.midnight + ((hour*60+minute)*60+second)*1000 + milli, true
}

// digits is the number that digits are, or negative if one of them is none.
func digits(text []byte) int64 {
	n := int64(0)
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1 << 32
		}
		n = 10*n + int64(c-'0')
	}
	return n
}
