package archive

import (
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

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
				c.typed = append(c.typed, typedColumn{name, watched.Kind, map[*capture.Schema]int{}})
			}
			c.typed[place].place[schema] = i
		}
	}
	fields := append([]arrow.Field(nil), fixedFields...)
	for _, t := range c.typed {
		f := arrow.Field{Name: t.name, Type: arrow.PrimitiveTypes.Float64, Nullable: true}
		if t.kind == capture.Categorical {
			f.Type = arrow.BinaryTypes.String
		}
		fields = append(fields, f)
	}
	fields = append(fields, arrow.Field{
		Name: extraColumn, Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String), Nullable: true})
	c.arrow, c.width = arrow.NewSchema(fields, nil), len(fields)
	return c
}

// record returns the rows [from, to) of a chunk.
func (c *columns) record(k *chunk, from, to int) arrow.RecordBatch {
	all := make([]arrow.Array, 0, c.width)
	for _, a := range k.fixed {
		all = append(all, array.NewSlice(a, int64(from), int64(to)))
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
	if schema := k.of[from]; len(k.batches) == 1 && schema != nil && k.batches[schema].Rows() == len(k.of) {
		if place, ok := t.place[schema]; ok { // all rows of the chunk are in one batch, in its order
			column := k.batches[schema].Column(place)
			defer column.Release()
			return array.NewSlice(column, int64(from), int64(to))
		}
	}
	sources := map[*capture.Schema]arrow.Array{}
	for schema, place := range t.place {
		if b := k.batches[schema]; b != nil {
			sources[schema] = b.Column(place)
			defer sources[schema].Release()
		}
	}
	if t.kind == capture.Categorical {
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		b.Reserve(to - from)
		for row := from; row < to; row++ {
			if source, at := sources[k.of[row]], int(k.at[row]); source == nil || source.IsNull(at) {
				b.AppendNull()
			} else {
				b.Append(source.(*array.String).Value(at))
			}
		}
		return b.NewArray()
	}
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	defer b.Release()
	b.Reserve(to - from)
	for row := from; row < to; row++ {
		if source, at := sources[k.of[row]], int(k.at[row]); source == nil || source.IsNull(at) {
			b.AppendNull()
		} else {
			b.Append(source.(*array.Float64).Value(at))
		}
	}
	return b.NewArray()
}

// extra returns the rows [from, to) of the map for what has no column: by the column's own name, as text.
func (c *columns) extra(k *chunk, from, to int) arrow.Array {
	b := array.NewMapBuilder(memory.DefaultAllocator, arrow.BinaryTypes.String, arrow.BinaryTypes.String, false)
	defer b.Release()
	b.Reserve(to - from)
	keys, items := b.KeyBuilder().(*array.StringBuilder), b.ItemBuilder().(*array.StringBuilder)
	sources := map[*capture.Schema][]arrow.Array{}
	for schema, places := range c.rest {
		for _, place := range places {
			if batch := k.batches[schema]; batch != nil {
				column := batch.Column(place)
				defer column.Release()
				sources[schema] = append(sources[schema], column)
			}
		}
	}
	for row := from; row < to; row++ {
		schema, at := k.of[row], int(k.at[row])
		some := false
		for i, column := range sources[schema] {
			if column.IsNull(at) {
				continue
			}
			if !some {
				some = true
				b.Append(true)
			}
			keys.Append(k.batches[schema].Watched()[c.rest[schema][i]].Name)
			switch column := column.(type) {
			case *array.Float64:
				items.Append(strconv.FormatFloat(column.Value(at), 'g', -1, 64))
			case *array.String:
				items.Append(column.Value(at))
			}
		}
		if !some {
			b.AppendNull()
		}
	}
	return b.NewArray()
}

// Untyped is how many values have no column of their own and are in the map.
func (t *Table) Untyped() int64 {
	c, n := layOut(t.schemas), int64(0)
	for schema, places := range c.rest {
		for _, k := range t.chunks {
			for _, place := range places {
				if b := k.batches[schema]; b != nil {
					column := b.Column(place)
					n += int64(column.Len() - column.NullN())
					column.Release()
				}
			}
		}
	}
	return n
}
