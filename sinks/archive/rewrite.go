package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"tidemark/capture"
)

// rewriter makes captures of the rows of a file.
type rewriter struct {
	schemas func(endpoint, variant string) []*capture.Schema
	sides   map[[2]string]map[string]bool // by endpoint and variant, the columns that are predictions
	yield   func(Record) bool

	rows []Record // of the last record
	raw  bool     // it is there as it was
}

// batch takes in rows. Those of a record are together, but may be in two batches.
func (w *rewriter) batch(b arrow.RecordBatch) error {
	if int(b.NumCols()) < len(fixedFields) {
		return fmt.Errorf("it has %d columns, and not those of an archive", b.NumCols())
	}
	offsets, ok := b.Column(0).(*array.Int64)
	times, ok2 := b.Column(2).(*array.Timestamp)
	eventTimes, ok3 := b.Column(3).(*array.Timestamp)
	raws, ok4 := b.Column(10).(*array.Binary)
	if !ok || !ok2 || !ok3 || !ok4 {
		return errors.New("its first columns are not those of an archive")
	}
	for i := range int(b.NumRows()) {
		offset := offsets.Value(i)
		if len(w.rows) > 0 && w.rows[0].Offset != offset {
			if err := w.flush(); err != nil {
				return err
			}
		}
		if w.raw {
			continue
		}
		r := Record{Offset: offset, Timestamp: int64(times.Value(i)), Endpoint: textAt(b.Column(6), i), Variant: textAt(b.Column(7), i)}
		if !raws.IsNull(i) {
			r.Value = bytes.Clone(raws.Value(i))
			w.rows, w.raw = append(w.rows[:0], r), true
			continue
		}
		if textAt(b.Column(8), i) == StatusDead {
			continue // its batch was too large, so that nothing of it is kept
		}
		at := r.Timestamp
		if !eventTimes.IsNull(i) {
			at = int64(eventTimes.Value(i))
		}
		r.Value = w.flat(b, i, r.Endpoint, r.Variant, at)
		w.rows = append(w.rows, r)
	}
	return nil
}

func (w *rewriter) flush() error {
	for _, r := range w.rows {
		if !w.yield(r) {
			return errStopped
		}
	}
	w.rows, w.raw = w.rows[:0], false
	return nil
}

// flat writes row i as a flat capture. A side without a value is left out.
func (w *rewriter) flat(b arrow.RecordBatch, i int, endpoint, variant string, at int64) []byte {
	predictions := w.predictions(endpoint, variant)
	features, outputs := []byte(nil), []byte(nil)
	add := func(name string, value []byte) {
		to := &features
		if predictions[name] {
			to = &outputs
		}
		if len(*to) > 0 {
			*to = append(*to, ',')
		}
		*to = append(append(append(*to, quoted(name)...), ':'), value...)
	}
	for k := len(fixedFields); k < int(b.NumCols()); k++ {
		column, name := b.Column(k), columnOf(b.ColumnName(k))
		if column.IsNull(i) {
			continue
		}
		switch c := column.(type) {
		case *array.Float64:
			add(name, number64(c.Value(i)))
		case *array.String:
			add(name, quoted(c.Value(i)))
		case *array.Map:
			keys, values := c.Keys().(*array.String), c.Items().(*array.String)
			from, to := c.ValueOffsets(i)
			for j := int(from); j < int(to); j++ {
				add(keys.Value(j), quoted(values.Value(j)))
			}
		}
	}
	value := append([]byte(`{"id":`), quoted(textAt(b.Column(4), i))...)
	value = append(value, `,"time":"`...)
	value = time.UnixMilli(at).UTC().AppendFormat(value, "2006-01-02T15:04:05.000Z07:00")
	value = append(value, '"')
	if len(features) > 0 || len(outputs) == 0 {
		value = append(append(append(value, `,"features":{`...), features...), '}')
	}
	if len(outputs) > 0 {
		value = append(append(append(value, `,"predictions":{`...), outputs...), '}')
	}
	return append(value, '}')
}

// predictions are the columns of an endpoint's variant that are a model's answers.
func (w *rewriter) predictions(endpoint, variant string) map[string]bool {
	key := [2]string{endpoint, variant}
	names, known := w.sides[key]
	if !known {
		names = map[string]bool{}
		for _, s := range w.schemas(endpoint, variant) {
			for _, c := range s.With(capture.Prediction) {
				names[c.Name] = true
			}
		}
		w.sides[key] = names
	}
	return names
}

// columnOf is the captured column of a name in a file: the inverse of [ColumnName].
func columnOf(name string) string {
	if short, ok := strings.CutSuffix(name, "_"); ok && ColumnName(short) == name {
		return short
	}
	return name
}

func textAt(column arrow.Array, i int) string {
	if s, ok := column.(*array.String); ok && !s.IsNull(i) {
		return strings.Clone(s.Value(i))
	}
	return ""
}

func quoted(text string) []byte {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string has no value that JSON refuses
	}
	return b
}

// number64 writes a number; JSON has no word for some, which a capture has as text.
func number64(x float64) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return quoted(fmt.Sprint(x))
	}
	return strconv.AppendFloat(nil, x, 'g', -1, 64)
}
