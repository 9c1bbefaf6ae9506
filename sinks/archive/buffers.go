package archive

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strings"

	"tidemark/capture"
)

// validity is which rows of a column have a value. There are bits only if some have one and some have none.
type validity struct {
	rows  int
	nulls int
	bits  []byte
}

func (v *validity) add(valid bool) {
	switch {
	case valid && v.nulls == 0:
	case !valid && v.nulls == v.rows:
		v.nulls++
	default:
		v.part()
		if v.rows&7 == 0 {
			v.bits = append(v.bits, 0)
		}
		if valid {
			v.bits[v.rows>>3] |= 1 << (v.rows & 7)
		} else {
			v.nulls++
		}
	}
	v.rows++
}

func (v *validity) addNulls(n int) {
	for range n {
		v.add(false)
	}
}

// part makes the bits of rows that were alike until now.
func (v *validity) part() {
	if len(v.bits) > 0 || v.rows == 0 {
		return
	}
	fill := byte(0)
	if v.nulls == 0 {
		fill = 0xff
	}
	for range (v.rows + 7) / 8 {
		v.bits = append(v.bits, fill)
	}
	if rest := v.rows & 7; rest > 0 {
		v.bits[len(v.bits)-1] &= 1<<rest - 1
	}
}

// before is how many of the first rows have a value. Their number is a multiple of eight, or that of all.
func (v *validity) before(rows int) int {
	switch v.nulls {
	case 0:
		return rows
	case v.rows:
		return 0
	}
	n := 0
	for _, b := range v.bits[:(rows+7)/8] {
		n += bits.OnesCount8(b)
	}
	return n
}

// appendLevels appends which of the rows [from, to) have a value, as definition levels. from is a multiple of eight.
func (v *validity) appendLevels(dst []byte, from, to int) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	switch v.nulls {
	case 0:
		dst = appendRun(dst, 1, to-from, 1)
	case v.rows:
		dst = appendRun(dst, 0, to-from, 1)
	default:
		part := v.bits[from/8 : (to+7)/8]
		dst = append(binary.AppendUvarint(dst, uint64(len(part))<<1|1), part...)
	}
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

func (v *validity) reset() { *v = validity{bits: v.bits[:0]} }

// integers is a column of integers.
type integers struct {
	validity
	values []int64 // of the rows that have one
}

func (c *integers) add(value int64, valid bool) {
	if c.validity.add(valid); valid {
		c.values = append(c.values, value)
	}
}

func (c *integers) reset() {
	c.validity.reset()
	c.values = c.values[:0]
}

// numbers is a column of numbers.
type numbers struct {
	validity
	values []uint64 // of the rows that have one, their bits
}

func (c *numbers) reset() {
	c.validity.reset()
	c.values = c.values[:0]
}

// add appends values, of which those that are null are none. Eight at a time take no branch for each.
func (c *numbers) add(values []float64) {
	c.values = slices.Grow(c.values, len(values)+8)
	for ; c.rows&7 != 0 && len(values) > 0; values = values[1:] {
		c.addOne(values[0])
	}
	for ; len(values) >= 8; values = values[8:] {
		n, some, mask := len(c.values), 0, byte(0)
		eight := (*[8]uint64)(c.values[n : n+8])
		for i, x := range (*[8]float64)(values) {
			eight[some&7] = math.Float64bits(x)
			if !capture.IsNull(x) {
				mask |= 1 << i
				some++
			}
		}
		c.values = c.values[:n+some]
		if nulls := c.nulls + 8 - some; nulls > 0 && nulls < c.rows+8 {
			c.part()
			c.bits = append(c.bits, mask)
		}
		c.rows, c.nulls = c.rows+8, c.nulls+8-some
	}
	for _, x := range values {
		c.addOne(x)
	}
}

func (c *numbers) addOne(x float64) {
	valid := !capture.IsNull(x)
	if c.validity.add(valid); valid {
		c.values = append(c.values, math.Float64bits(x))
	}
}

// texts is a text column whose rows seldom repeat each other.
type texts struct {
	validity
	ends []int32 // of the rows that have a value, where it ends in data
	data []byte
}

// add appends a value, or a null.
func (t *texts) add(value []byte, valid bool) {
	if t.validity.add(valid); valid {
		t.data = append(t.data, value...)
		t.ends = append(t.ends, int32(len(t.data)))
	}
}

func (t *texts) addText(value string) {
	t.validity.add(true)
	t.data = append(t.data, value...)
	t.ends = append(t.ends, int32(len(t.data)))
}

// start is where a value begins.
func (t *texts) start(value int) int {
	if value == 0 {
		return 0
	}
	return int(t.ends[value-1])
}

func (t *texts) reset() {
	t.validity.reset()
	t.ends, t.data = t.ends[:0], t.data[:0]
}

// words is a text column with few values that are different.
type words struct {
	validity
	places []int32 // in the dictionary, of the rows that have a value
	known  dictionary
}

// dictionary gives words their places.
type dictionary struct {
	words  []string
	places map[string]int32
	last   string // the word that was asked for last, which mostly comes again
	at     int32
}

func (d *dictionary) place(word string) int32 {
	if word == d.last && len(d.words) > 0 {
		return d.at
	}
	at, known := d.places[word]
	if !known {
		if d.places == nil {
			d.places = map[string]int32{}
		}
		at, word = int32(len(d.words)), strings.Clone(word) // it may be in a batch's memory
		d.places[word] = at
		d.words = append(d.words, word)
	}
	d.last, d.at = d.words[at], at
	return at
}

// add appends a word; an empty one is null.
func (w *words) add(word string) {
	if word == "" {
		w.validity.add(false)
		return
	}
	w.addPlace(w.known.place(word))
}

// addPlace appends a word that the dictionary has.
func (w *words) addPlace(at int32) {
	w.validity.add(true)
	w.places = append(w.places, at)
}

// counts is how often each word of the dictionary comes.
func (w *words) counts() []int64 {
	n := make([]int64, len(w.known.words))
	for _, at := range w.places {
		n[at]++
	}
	return n
}

func (w *words) reset() {
	w.validity.reset()
	w.places = w.places[:0]
	clear(w.known.places)
	w.known.words, w.known.last = w.known.words[:0], ""
}
