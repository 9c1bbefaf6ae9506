package archive

import (
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

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
			column.words = column.repeats(chunks)
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

// write writes a chunk as a group of rows.
func (c *columns) write(w *fileWriter, k *chunk) {
	w.begin()
	k.write(w)
	stretches := k.stretches()
	for i := range c.typed {
		switch t := &c.typed[i]; {
		case t.words:
			t.writeWords(w, stretches)
		case t.kind == capture.Categorical:
			t.writeTexts(w, stretches)
		default:
			t.writeNumbers(w, stretches)
		}
	}
	c.writeExtra(w, stretches)
	w.end(len(k.of))
}

// in returns the batch's column, if there is one.
func (t *typedColumn) in(s *stretch) (place int, ok bool) {
	if s.batch == nil {
		return 0, false
	}
	place, ok = t.place[s.schema]
	return place, ok
}

// each calls add with the stretches that have the column, and its place there. The rows of others are null.
func (t *typedColumn) each(stretches []stretch, to *validity, add func(s *stretch, place int)) {
	for i := range stretches {
		s := &stretches[i]
		if place, ok := t.in(s); ok {
			add(s, place)
		} else {
			to.addNulls(s.n)
		}
	}
}

func (t *typedColumn) writeNumbers(w *fileWriter, stretches []stretch) {
	all := &w.numbered
	all.reset()
	t.each(stretches, &all.validity, func(s *stretch, place int) { all.add(s.batch.Numbers(place)[s.from : s.from+s.n]) })
	w.numbers(all, t.few)
}

func (t *typedColumn) writeTexts(w *fileWriter, stretches []stretch) {
	all := &w.texted
	all.reset()
	t.each(stretches, &all.validity, func(s *stretch, place int) {
		for row := s.from; row < s.from+s.n; row++ {
			if text, present := s.batch.Text(place, int32(row)); present {
				all.addText(text)
			} else {
				all.addNulls(1)
			}
		}
	})
	w.texts(all)
}

// writeWords writes a categorical column. A code of a batch is looked up once.
func (t *typedColumn) writeWords(w *fileWriter, stretches []stretch) {
	all := &w.worded
	all.reset()
	places := map[*capture.Batch]*[capture.Codes]int32{} // of a code in the dictionary, and one more; 0 when it is not known
	t.each(stretches, &all.validity, func(s *stretch, place int) {
		known := places[s.batch]
		if known == nil {
			known = new([capture.Codes]int32)
			places[s.batch] = known
		}
		for i, code := range s.batch.Codes(place)[s.from : s.from+s.n] {
			if code >= 0 && known[code] > 0 {
				all.addPlace(known[code] - 1)
				continue
			}
			text, present := s.batch.Text(place, int32(s.from+i))
			if !present {
				all.addNulls(1)
				continue
			}
			at := all.known.place(text)
			if all.addPlace(at); code >= 0 {
				known[code] = at + 1
			}
		}
	})
	w.words(all, false)
}
