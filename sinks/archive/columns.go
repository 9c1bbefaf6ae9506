package archive

import (
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"tidemark/capture"
)

// maxColumns is how many typed columns a file may have.
const maxColumns = 1000

const extraColumn = "extra"

// columns is the layout of a file: the fixed columns, those of the schemas of its rows, and a map for what has no
// column there.
type columns struct {
	typed []typedColumn
	rest  map[*capture.Schema][]int // the places in the batch of what has no column
	arrow *arrow.Schema
	width int
}

type typedColumn struct {
	name  string
	kind  capture.Kind
	words bool                    // a categorical column whose values come again, and has a dictionary
	few   bool                    // a numeric column most values of which come again
	place map[*capture.Schema]int // in the batch
}

// ColumnName is the name of a captured column in a file. It is the column's own, with an underscore behind it if
// otherwise it could be taken for one of the columns that every file has, in any case of letters: offset becomes
// offset_, and offset_ becomes offset__.
func ColumnName(name string) string {
	stem := strings.TrimRight(name, "_")
	if strings.EqualFold(stem, extraColumn) {
		return name + "_"
	}
	for _, f := range fixedFields {
		if strings.EqualFold(stem, f.Name) {
			return name + "_"
		}
	}
	return name
}

// layOut gives the columns of the schemas their places. Of two columns of one name and different kinds the first gets
// the place.
func layOut(schemas []*capture.Schema) *columns {
	c := &columns{rest: map[*capture.Schema][]int{}}
	places := map[string]int{}
	for _, schema := range schemas {
		for i, watched := range schema.Watched() {
			name := ColumnName(watched.Name)
			place, ok := places[name]
			switch {
			case ok && c.typed[place].kind == watched.Kind:
			case ok || len(c.typed) == maxColumns:
				c.rest[schema] = append(c.rest[schema], i)
				continue
			default:
				place = len(c.typed)
				places[name] = place
				c.typed = append(c.typed, typedColumn{name: name, kind: watched.Kind, place: map[*capture.Schema]int{}})
			}
			c.typed[place].place[schema] = i
		}
	}
	return c
}

// choose decides by the rows which columns get a dictionary.
func (c *columns) choose(chunks []*chunk, codec Codec) {
	fields := append([]arrow.Field(nil), fixedFields...)
	for i := range c.typed {
		column := &c.typed[i]
		f := arrow.Field{Name: column.name, Type: arrow.PrimitiveTypes.Float64, Nullable: true}
		if column.kind == capture.Numeric {
			column.few = codec == Small && column.hasFew(chunks)
		} else {
			f.Type = arrow.BinaryTypes.String
			if column.words = column.repeats(chunks); column.words {
				f.Type = dictionaryType
			}
		}
		fields = append(fields, f)
	}
	fields = append(fields, arrow.Field{
		Name: extraColumn, Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String), Nullable: true})
	c.arrow, c.width = arrow.NewSchema(fields, nil), len(fields)
}

// repeats says whether texts come four times on average, in the first batch that has the column. Those with a code are few.
func (t *typedColumn) repeats(chunks []*chunk) bool {
	b, place := t.first(chunks)
	if b == nil {
		return true
	}
	seen := map[string]struct{}{}
	for row, code := range b.Codes(place) {
		if code >= 0 {
			continue
		}
		if text, present := b.Text(place, int32(row)); present {
			if seen[text] = struct{}{}; len(seen) > b.Rows()/4 {
				return false
			}
		}
	}
	return true
}

// first returns the first batch that has the column, and its place there.
func (t *typedColumn) first(chunks []*chunk) (*capture.Batch, int) {
	for _, k := range chunks {
		for schema, place := range t.place {
			if b := k.batches[schema]; b != nil {
				return b, place
			}
		}
	}
	return nil, 0
}

// hasFew says the same of numbers.
func (t *typedColumn) hasFew(chunks []*chunk) bool {
	b, place := t.first(chunks)
	if b == nil {
		return false
	}
	seen := map[uint64]struct{}{}
	for _, x := range b.Numbers(place) {
		if seen[math.Float64bits(x)] = struct{}{}; len(seen) > b.Rows()/4 {
			return false
		}
	}
	return true
}

// record returns the rows [from, to) of a chunk.
func (c *columns) record(k *chunk, from, to int) arrow.RecordBatch {
	all := make([]arrow.Array, 0, c.width)
	for _, a := range k.arrays() {
		all = append(all, array.NewSlice(a, int64(from), int64(to)))
		a.Release()
	}
	for i := range c.typed {
		all = append(all, c.typed[i].values(k, from, to))
	}
	all = append(all, c.extra(k, from, to))
	record := array.NewRecordBatch(c.arrow, all, int64(to-from))
	for _, a := range all {
		a.Release()
	}
	return record
}

// values returns the rows [from, to) of a typed column.
func (t *typedColumn) values(k *chunk, from, to int) arrow.Array {
	switch {
	case t.words:
		return t.dictionary(k, from, to)
	case t.kind == capture.Categorical:
		all := texts{}
		for row := from; row < to; row++ {
			text, present := "", false
			if place, ok := t.place[k.of[row]]; ok {
				text, present = k.batches[k.of[row]].Text(place, k.at[row])
			}
			all.add([]byte(text), present)
		}
		return all.array(arrow.BinaryTypes.String)
	}
	if schema := k.of[from]; len(k.batches) == 1 && schema != nil && k.batches[schema].Rows() == len(k.of) {
		if place, ok := t.place[schema]; ok { // all rows of the chunk are in one batch, in its order
			column := k.batches[schema].Column(place)
			defer column.Release()
			return array.NewSlice(column, int64(from), int64(to))
		}
	}
	numbers, valid := make([]float64, 0, to-from), validity{}
	for row := from; row < to; row++ {
		x, present := 0.0, false
		if place, ok := t.place[k.of[row]]; ok {
			x = k.batches[k.of[row]].Numbers(place)[k.at[row]]
			present = !capture.IsNull(x)
		}
		numbers = append(numbers, x)
		valid.add(present)
	}
	return arrayOf(arrow.PrimitiveTypes.Float64, &valid, arrow.Float64Traits.CastToBytes(numbers))
}

// dictionary returns the rows [from, to) of a categorical column. A code of a batch is looked up once.
func (t *typedColumn) dictionary(k *chunk, from, to int) arrow.Array {
	type source struct {
		batch  *capture.Batch
		place  int
		codes  []int16
		places [capture.Codes]int32 // of a code in the dictionary, and one more; 0 when it is not known
	}
	var (
		all     words
		of      *capture.Schema
		s       *source
		sources = map[*capture.Schema]*source{}
	)
	all.indices = make([]int32, 0, to-from)
	for row := from; row < to; row++ {
		if schema := k.of[row]; s == nil || schema != of {
			of = schema
			if s = sources[schema]; s == nil {
				s = &source{}
				if place, ok := t.place[schema]; ok {
					s.batch, s.place = k.batches[schema], place
					s.codes = s.batch.Codes(place)
				}
				sources[schema] = s
			}
		}
		if s.batch == nil {
			all.addNull()
			continue
		}
		at := k.at[row]
		code := s.codes[at]
		if code >= 0 && s.places[code] > 0 {
			all.addPlace(s.places[code] - 1)
			continue
		}
		text, present := s.batch.Text(s.place, at)
		if !present {
			all.addNull()
			continue
		}
		place := all.known.place(text)
		if all.addPlace(place); code >= 0 {
			s.places[code] = place + 1
		}
	}
	return all.array()
}
