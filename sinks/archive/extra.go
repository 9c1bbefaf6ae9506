package archive

import (
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"tidemark/capture"
)

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

// countUntyped counts the values that have no column of their own.
func (t *Table) countUntyped() {
	for schema, places := range layOut(t.schemas).rest {
		for _, k := range t.chunks {
			for _, place := range places {
				if b := k.batches[schema]; b != nil {
					column := b.Column(place)
					t.Untyped += int64(column.Len() - column.NullN())
					column.Release()
				}
			}
		}
	}
}
