package sequential

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// stateVersion is the first byte of a state. It changes with the layout of any state.
const stateVersion = 1

var errState = errors.New("the detector's state is damaged")

// codec writes the fields of a state, or reads them: a detector lists its fields once, for both. Numbers take eight
// bytes each, little-endian.
type codec struct {
	reading bool
	bytes   []byte // written so far, or left to read
	err     error  // the first fault; all later fields are left alone
}

// marshal writes the version, the name and the parameters of the detector, and the fields.
func marshal(name string, settings []setting, fields func(*codec)) ([]byte, error) {
	c := &codec{bytes: append([]byte{stateVersion, byte(len(name))}, name...)}
	for i := range settings {
		x := settings[i].value()
		c.float(&x)
	}
	fields(c)
	return c.bytes, nil
}

// unmarshal reads what marshal wrote for a detector of the same name and parameters.
func unmarshal(b []byte, name string, settings []setting, fields func(*codec)) error {
	if len(b) < 2 || len(b)-2 < int(b[1]) {
		return fmt.Errorf("%s: %w: it ends early", name, errState)
	}
	body := 2 + int(b[1])
	if b[0] != stateVersion {
		return fmt.Errorf("%s: the state has version %d, this program reads %d: begin with a new detector", name, b[0], stateVersion)
	}
	if writer := string(b[2:body]); writer != name {
		return fmt.Errorf("%s: the state is of another detector, %q: begin with a new detector", name, writer)
	}
	c := &codec{reading: true, bytes: b[body:]}
	for i := range settings {
		var x float64
		c.float(&x)
		if now := settings[i].value(); c.err == nil && x != now {
			return fmt.Errorf("%s: the state is for %s %s, the detector has %s: begin with a new detector, or set it back",
				name, settings[i].Name, format(x), format(now))
		}
	}
	fields(c)
	if len(c.bytes) > 0 {
		c.fail("%d bytes too many", len(c.bytes))
	}
	if c.err != nil {
		return fmt.Errorf("%s: %w", name, c.err)
	}
	return nil
}

// fail notes the first fault found in what is read.
func (c *codec) fail(format string, args ...any) {
	if c.reading && c.err == nil {
		c.err = fmt.Errorf("%w: "+format, append([]any{errState}, args...)...)
	}
}

// bits is any 64 bits.
func (c *codec) bits(x *uint64) {
	switch {
	case !c.reading:
		c.bytes = binary.LittleEndian.AppendUint64(c.bytes, *x)
	case len(c.bytes) < 8:
		c.fail("it ends early")
	case c.err == nil:
		*x = binary.LittleEndian.Uint64(c.bytes)
		c.bytes = c.bytes[8:]
	}
}

// float is a number that no sum of values, or of their squares, is over.
func (c *codec) float(x *float64) {
	b := math.Float64bits(*x)
	c.bits(&b)
	*x = math.Float64frombits(b)
	if !(math.Abs(*x) <= 1e250) {
		c.fail("it has a number of %g", *x)
	}
}

// count is a whole number from 0 to most.
func (c *codec) count(n *int, most int) {
	b := uint64(*n)
	c.bits(&b)
	if b > uint64(most) {
		c.fail("it has a count of %d, over %d", b, most)
		b = 0
	}
	*n = int(b)
}

// flag is true or false.
func (c *codec) flag(f *bool) {
	n := 0
	if *f {
		n = 1
	}
	c.count(&n, 1)
	*f = n == 1
}

// floats is a list of at most so many numbers.
func (c *codec) floats(xs *[]float64, most int) {
	n := len(*xs)
	c.count(&n, most)
	if c.reading {
		if n > len(c.bytes)/8 {
			c.fail("it ends early")
			return
		}
		*xs = make([]float64, n)
	}
	for i := range *xs {
		c.float(&(*xs)[i])
	}
}

// number is a value that a detector took, or a mean of such.
func (c *codec) number(x *float64) {
	c.float(x)
	if !isNumber(*x) {
		c.fail("it has a value of %g, over %g", *x, largest)
	}
}

// maxCount is over the number of values that any stream has, and exact as a float64.
const maxCount = 1 << 53
