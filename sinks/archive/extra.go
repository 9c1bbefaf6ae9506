package archive

import (
	"encoding/binary"
	"strconv"

	"github.com/apache/arrow-go/v18/parquet"

	"tidemark/capture"
)

// entries are those of a map, row by row. A row without an entry has a place all the same.
type entries struct {
	names, values texts
	again         []int32 // 1 when the row had an entry before, else 0
	some          []int32 // 1 when there is an entry, else 0
}

func (e *entries) reset() {
	e.names.reset()
	e.values.reset()
	e.again, e.some = e.again[:0], e.some[:0]
}

// writeExtra writes the map for what has no column: by the column's own name, as text.
func (c *columns) writeExtra(w *fileWriter, stretches []stretch) {
	all := &w.listed
	all.reset()
	for i := range stretches {
		s := &stretches[i]
		rest := c.rest[s.schema]
		for row := s.from; row < s.from+s.n; row++ {
			n := len(all.some)
			for _, place := range rest {
				all.add(s.batch, place, row, len(all.some) > n)
			}
			if len(all.some) == n {
				all.again, all.some = append(all.again, 0), append(all.some, 0)
			}
		}
	}
	w.entries(all, &all.names)
	w.entries(all, &all.values)
}

// add adds a value that has no column, if it is there. again says that the row has an entry already.
func (e *entries) add(batch *capture.Batch, place, row int, again bool) {
	column := batch.Watched()[place]
	if column.Kind == capture.Numeric {
		x := batch.Numbers(place)[row]
		if capture.IsNull(x) {
			return
		}
		e.values.addText(strconv.FormatFloat(x, 'g', -1, 64))
	} else {
		text, present := batch.Text(place, int32(row))
		if !present {
			return
		}
		e.values.addText(text)
	}
	e.names.addText(column.Name)
	level := int32(0)
	if again {
		level = 1
	}
	e.again, e.some = append(e.again, level), append(e.some, 1)
}

// entries writes one of the map's two columns. A page ends with a row.
func (w *fileWriter) entries(e *entries, of *texts) {
	w.next()
	level := int32(w.chunk.Descr().MaxDefinitionLevel()) // of an entry; a row without one has 0
	for from, value := 0, 0; from < len(e.some); {
		end, next := from, value
		for end < len(e.some) && (e.again[end] != 0 || of.start(next)-of.start(value) < w.codec.pageBytes()) {
			next += int(e.some[end])
			end++
		}
		w.addRuns(e.again[from:end], 1, 1)
		w.addRuns(e.some[from:end], level, 2)
		w.addTexts(of, value, next)
		w.addPage(end-from, parquet.Encodings.DeltaLengthByteArray, quick)
		from, value = end, next
	}
	w.done(false, len(e.some)-of.rows, nil, nil)
}

// addRuns adds levels to the page: that of a one, and 0.
func (w *fileWriter) addRuns(ones []int32, level int32, width int) {
	w.scratch = w.scratch[:0]
	for _, one := range ones {
		w.scratch = append(w.scratch, one*level)
	}
	at := len(w.page)
	w.page = appendRuns(append(w.page, 0, 0, 0, 0), w.scratch, width)
	binary.LittleEndian.PutUint32(w.page[at:], uint32(len(w.page)-at-4))
}
