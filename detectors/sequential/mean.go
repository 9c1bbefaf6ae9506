package sequential

// mean is the mean of the values so far, updated by (x - mean)/n.
//
// Source: West, "Updating Mean and Variance Estimates: An Improved Method", CACM 22(9), 1979.
type mean struct {
	count int
	value float64
}

func (m *mean) add(x float64) {
	m.count++
	m.value += float64(1 / float64(m.count) * (x - m.value))
}

func (m *mean) fields(c *codec) {
	c.count(&m.count, maxCount)
	c.number(&m.value)
}
