package archive

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// validity is which rows of a column have a value.
type validity struct {
	bits  []byte
	rows  int
	nulls int
}

func (v *validity) add(valid bool) {
	if v.rows&7 == 0 {
		v.bits = append(v.bits, 0)
	}
	if valid {
		v.bits[v.rows>>3] |= 1 << (v.rows & 7)
	} else {
		v.nulls++
	}
	v.rows++
}

// texts is a text column whose rows seldom repeat each other.
type texts struct {
	validity
	offsets []int32
	data    []byte
}

// add appends a value, or a null.
func (t *texts) add(value []byte, valid bool) {
	if t.rows == 0 {
		t.offsets = append(t.offsets, 0)
	}
	t.validity.add(valid)
	t.data = append(t.data, value...)
	t.offsets = append(t.offsets, int32(len(t.data)))
}

func (t *texts) array(is arrow.DataType) arrow.Array {
	if t.rows == 0 {
		t.offsets = []int32{0}
	}
	return arrayOf(is, &t.validity, arrow.Int32Traits.CastToBytes(t.offsets), t.data)
}

// words is a text column with few values that are different.
type words struct {
	validity
	indices []int32
	known   dictionary
}

// dictionary gives words their places.
type dictionary struct {
	words  texts
	places map[string]int32
	last   string // the word that was asked for last, which mostly comes again
	at     int32
}

func (d *dictionary) place(word string) int32 {
	if word == d.last && d.words.rows > 0 {
		return d.at
	}
	at, known := d.places[word]
	if !known {
		if d.places == nil {
			d.places = map[string]int32{}
		}
		at = int32(d.words.rows)
		d.places[word] = at
		d.words.add([]byte(word), true)
	}
	d.last, d.at = word, at
	return at
}

// add appends a word; an empty one is null.
func (w *words) add(word string) {
	if word == "" {
		w.addNull()
		return
	}
	w.addPlace(w.known.place(word))
}

func (w *words) addNull() {
	w.validity.add(false)
	w.indices = append(w.indices, 0)
}

// addPlace appends a word that the dictionary has.
func (w *words) addPlace(at int32) {
	w.validity.add(true)
	w.indices = append(w.indices, at)
}

var dictionaryType = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

func (w *words) array() arrow.Array {
	indices := arrayOf(arrow.PrimitiveTypes.Int32, &w.validity, arrow.Int32Traits.CastToBytes(w.indices))
	known := w.known.words.array(arrow.BinaryTypes.String)
	defer indices.Release()
	defer known.Release()
	return array.NewDictionaryArray(dictionaryType, indices, known)
}

// arrayOf makes an Arrow array of buffers, without a copy. Without a validity all rows have a value.
func arrayOf(is arrow.DataType, v *validity, buffers ...[]byte) arrow.Array {
	all := []*memory.Buffer{nil}
	if v.nulls > 0 {
		all[0] = memory.NewBufferBytes(v.bits)
	}
	for _, b := range buffers {
		all = append(all, memory.NewBufferBytes(b))
	}
	data := array.NewData(is, v.rows, all, nil, v.nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}
