package capture

import (
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// Side says which halves of a prediction a row was captured with. A column of a half that was not captured is
// not missing: the row says nothing about it.
type Side uint8

const (
	Input  Side = 1 << iota // the features
	Output                  // the predictions
)

// Batch holds decoded rows of one schema in Arrow columnar buffers, which it keeps from one Reset to the next.
// A value is null when it was missing, or when it did not have its column's type; [Batch.Invalid] tells which.
type Batch struct {
	watched []Column
	schema  *arrow.Schema
	times   []int64
	sides   []Side
	columns []column
	room    int // rows that the columns have memory for
	inputs  half
	outputs half

	extras    []int32 // for each JSON key that the schema does not have, its row
	undecoded int     // captured sides that could not be read
	faults    int     // invalid values of all columns

	digits []byte // scratch of setNumber
}

// half is the columns of one side, which stand together.
type half struct {
	first, n int
	places   map[string]int
	longest  int   // bytes of the longest name
	runs     []int // for each column, how many from it on are numeric up to the next that is not
}

type column struct {
	kind    Kind
	floats  []float64 // of a numeric column: by row, null where there is none
	codes   []int16   // of a categorical column: by row, a place in words, noCode or noValue
	words   *words
	spans   []span // by row, where a value without a code is in text
	text    []byte
	invalid []int32
}

// span is a part of a column's text.
type span struct{ from, to int32 }

// null stands for a number that is not there: a not-a-number that no text and no arithmetic comes to.
var null = math.Float64frombits(nullBits)

const nullBits = 0x7ff8_a85e_a85e_a85e

// IsNull says whether a row of [Batch.Numbers] has no value.
func IsNull(x float64) bool { return math.Float64bits(x) == nullBits }

// NewBatch returns an empty batch for rows of schema.
func NewBatch(schema Schema) *Batch {
	features, predictions := schema.With(Feature), schema.With(Prediction)
	b := &Batch{
		watched: schema.Watched(),
		inputs:  newHalf(features, 0),
		outputs: newHalf(predictions, len(features)),
	}
	fields := make([]arrow.Field, len(b.watched))
	b.columns = make([]column, len(b.watched))
	for i, c := range b.watched {
		var t arrow.DataType = arrow.PrimitiveTypes.Float64
		if c.Kind == Categorical {
			t = arrow.BinaryTypes.String
			b.columns[i].words = &words{}
		}
		b.columns[i].kind = c.Kind
		fields[i] = arrow.Field{Name: c.Name, Type: t, Nullable: true}
	}
	b.schema = arrow.NewSchema(fields, nil)
	return b
}

func newHalf(columns []Column, first int) half {
	h := half{first: first, n: len(columns), places: make(map[string]int, len(columns)), runs: make([]int, len(columns)+1)}
	for i, c := range columns {
		h.places[c.Name] = first + i
		h.longest = max(h.longest, len(c.Name))
	}
	for i := len(columns) - 1; i >= 0; i-- {
		if columns[i].Kind == Numeric {
			h.runs[i] = h.runs[i+1] + 1
		}
	}
	return h
}

// find returns the place in the batch of the column with a name.
func (h *half) find(name []byte) (i int, ok bool) {
	if len(name) > h.longest {
		return 0, false // spares the hash of a name that may be the size of a record
	}
	i, ok = h.places[string(name)]
	return i, ok
}

func (h *half) has(name string) bool {
	_, ok := h.places[name]
	return ok
}

// Rows is the number of rows in the batch.
func (b *Batch) Rows() int { return len(b.times) }

// Watched is the columns of the batch, as of [Schema.Watched].
func (b *Batch) Watched() []Column { return b.watched }

// Times is the event time of each row in milliseconds since the Unix epoch.
func (b *Batch) Times() []int64 { return b.times }

// Sides is what each row was captured with.
func (b *Batch) Sides() []Side { return b.sides }

// Invalid is the rows, in rising order, whose value in column i did not have the column's type.
func (b *Batch) Invalid(i int) []int32 { return b.columns[i].invalid }

// Faults is the number of values that [Batch.Invalid] has for all columns.
func (b *Batch) Faults() int { return b.faults }

// Extra is the number of JSON keys met since the last Reset under which there is nothing of the schema, row by row. Keys
// inside such a key are not counted again.
func (b *Batch) Extra() int { return len(b.extras) }

// Extras is the row of each key that Extra counts, in rising order.
func (b *Batch) Extras() []int32 { return b.extras }

// Undecoded is the number of captured sides met since the last Reset that are neither CSV nor JSON, such as images or
// HTML. Their rows are there without them.
func (b *Batch) Undecoded() int { return b.undecoded }

// Reset empties the batch and keeps its buffers. Record batches taken from it before must not be used any more.
func (b *Batch) Reset() {
	b.truncate(0)
	b.undecoded = 0
}

// Numbers returns the values of numeric column i, of which those that are [IsNull] are none. They are the batch's memory.
func (b *Batch) Numbers(i int) []float64 { return b.columns[i].floats[:b.Rows()] }

// appendRow adds a row whose values are all null; set and setText fill it.
func (b *Batch) appendRow(time int64, sides Side) {
	row := b.appendBlank(time, sides)
	for i := range b.columns {
		b.columns[i].clear(row, 1)
	}
}

// clear says that rows have no value.
func (c *column) clear(from, n int) {
	for row := from; row < from+n; row++ {
		if c.kind == Categorical {
			c.codes[row] = noValue
		} else {
			c.floats[row] = null
		}
	}
}

// appendBlank adds a row whose values are any, until each is set.
func (b *Batch) appendBlank(time int64, sides Side) (row int) {
	row = len(b.times)
	if row == b.room {
		b.grow()
	}
	b.times = append(b.times, time)
	b.sides = append(b.sides, sides)
	return row
}

// whole says whether a row with the sides has all columns.
func (b *Batch) whole(sides Side) bool {
	return (sides&Input != 0 || b.inputs.n == 0) && (sides&Output != 0 || b.outputs.n == 0)
}

// Grow makes room for rows in all, so that adding them takes no more memory.
func (b *Batch) Grow(rows int) {
	if rows > b.room {
		b.times, b.sides = slices.Grow(b.times, rows-len(b.times)), slices.Grow(b.sides, rows-len(b.sides))
		b.growTo(rows)
	}
}

// grow makes room for more rows in all columns at once, so that a row need not look at each.
func (b *Batch) grow() { b.growTo(max(64, 2*b.room)) }

func (b *Batch) growTo(room int) {
	b.room = room
	for i := range b.columns {
		c := &b.columns[i]
		if c.kind == Categorical {
			c.codes = slices.Grow(c.codes, b.room-len(c.codes))[:b.room]
			c.spans = slices.Grow(c.spans, b.room-len(c.spans))[:b.room]
		} else {
			c.floats = slices.Grow(c.floats, b.room-len(c.floats))[:b.room]
		}
	}
}

// setFloat gives the last row a value in numeric column i.
func (b *Batch) setFloat(i int, v float64) { b.columns[i].floats[len(b.times)-1] = v }

// setText gives the last row a value in categorical column i, once.
func (b *Batch) setText(i int, v []byte) { b.columns[i].setText(len(b.times)-1, v) }

func (c *column) setText(row int, v []byte) {
	from := len(c.text)
	c.text = append(c.text, v...)
	c.codes[row], c.spans[row] = noCode, span{int32(from), int32(len(c.text))}
}

// setInvalid says that the last row's value in column i did not have the column's type.
func (b *Batch) setInvalid(i int) {
	c := &b.columns[i]
	c.invalid = append(c.invalid, int32(len(b.times)-1))
	b.faults++
}

// addExtra counts keys of the last row under which there is nothing of the schema.
func (b *Batch) addExtra(keys int) {
	for range keys {
		b.extras = append(b.extras, int32(len(b.times)-1))
	}
}

// truncate drops the rows from n on, so that a record that fails half-way leaves nothing behind.
func (b *Batch) truncate(n int) {
	rows := len(b.times)
	b.times, b.sides = b.times[:n], b.sides[:n]
	for len(b.extras) > 0 && int(b.extras[len(b.extras)-1]) >= n {
		b.extras = b.extras[:len(b.extras)-1]
	}
	for i := range b.columns {
		c := &b.columns[i]
		for len(c.invalid) > 0 && int(c.invalid[len(c.invalid)-1]) >= n {
			c.invalid = c.invalid[:len(c.invalid)-1]
			b.faults--
		}
		if len(c.text) == 0 {
			continue
		}
		for row := n; row < rows; row++ {
			if c.codes[row] == noCode {
				c.text = c.text[:c.spans[row].from]
				break
			}
		}
	}
}
