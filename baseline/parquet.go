package baseline

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// parquetRows is the number of rows decoded at a time.
const parquetRows = 4096

// openParquet opens the file, which may be damaged in any way, for reading with bounded buffers, whatever the size of its
// row groups.
func (f *table) openParquet(do func(opened *file.Reader, reader *pqarrow.FileReader, schema *arrow.Schema) error) (err error) {
	defer func() {
		if p := recover(); p != nil { // the reader's way to refuse some damage
			err = fmt.Errorf("%s: read Parquet: %v", f.path, p)
		}
	}()
	properties := parquet.NewReaderProperties(memory.DefaultAllocator)
	properties.BufferedStreamEnabled = true
	opened, err := file.OpenParquetFile(f.path, false, file.WithReadProps(properties))
	if err != nil {
		return fmt.Errorf("%s: open Parquet file: %w", f.path, err)
	}
	defer opened.Close()
	reader, err := pqarrow.NewFileReader(opened, pqarrow.ArrowReadProperties{BatchSize: parquetRows}, memory.DefaultAllocator)
	if err != nil {
		return fmt.Errorf("%s: read Parquet schema: %w", f.path, err)
	}
	schema, err := reader.Schema()
	if err != nil {
		return fmt.Errorf("%s: read Parquet schema: %w", f.path, err)
	}
	return do(opened, reader, schema)
}

// readParquetSchema reads the columns.
func (f *table) readParquetSchema() error {
	return f.openParquet(func(_ *file.Reader, _ *pqarrow.FileReader, schema *arrow.Schema) error {
		for _, field := range schema.Fields() {
			f.columns = append(f.columns, field.Name)
			f.text = append(f.text, isText(field.Type))
			f.float = append(f.float, arrow.IsFloating(field.Type.ID()))
		}
		return nil
	})
}

// readParquet reads the given columns only, so that an ignored column may have any type.
func (f *table) readParquet(columns []int, visit func(cells [][]byte) error) error {
	return f.openParquet(func(opened *file.Reader, reader *pqarrow.FileReader, schema *arrow.Schema) error {
		if schema.NumFields() != len(f.columns) {
			return fmt.Errorf("%s: %w", f.path, errChanged)
		}
		leaves := make([]int, len(columns))
		for i, column := range columns {
			field := schema.Field(column)
			if !supported(field.Type) {
				return fmt.Errorf("%s: column %q has type %s, which cannot be compared: name it with --ignore, or write it as a number or text", f.path, field.Name, field.Type)
			}
			leaves[i] = opened.MetaData().Schema.ColumnIndexByName(field.Name)
		}
		return f.readRows(opened, reader, columns, leaves, visit)
	})
}

func (f *table) readRows(opened *file.Reader, reader *pqarrow.FileReader, columns, leaves []int, visit func(cells [][]byte) error) error {
	groups := make([]int, opened.NumRowGroups())
	for i := range groups {
		groups[i] = i
	}
	records, err := reader.GetRecordReader(context.Background(), slices.Sorted(slices.Values(leaves)), groups)
	if err != nil {
		return fmt.Errorf("%s: read Parquet columns: %w", f.path, err)
	}
	defer records.Release()
	row := 0
	for records.Next() {
		if err := visitRecord(records.RecordBatch(), f, columns, visit, &row); err != nil {
			return fmt.Errorf("%s: row %d: %w", f.path, row, err)
		}
	}
	if err := records.Err(); err != nil {
		return fmt.Errorf("%s: after row %d: %w", f.path, row, err)
	}
	return nil
}

// visitRecord calls visit with the cells of each row as text. The record has the columns in file order.
func visitRecord(record arrow.RecordBatch, f *table, columns []int, visit func(cells [][]byte) error, row *int) error {
	arrays := make([]arrow.Array, len(columns))
	for i, column := range columns {
		places := record.Schema().FieldIndices(f.columns[column])
		if len(places) != 1 {
			return fmt.Errorf("column %q was not read", f.columns[column])
		}
		arrays[i] = record.Column(places[0])
	}
	cells, texts := make([][]byte, len(columns)), make([][]byte, len(columns))
	for r := range int(record.NumRows()) {
		*row++
		for i, a := range arrays {
			cells[i] = nil
			if !a.IsNull(r) {
				texts[i] = appendValue(texts[i][:0], a, r)
				cells[i] = texts[i]
			}
		}
		if err := visit(cells); err != nil {
			return err
		}
	}
	return nil
}

// appendValue writes the value of row r as a CSV payload would have it. Timestamps are milliseconds since the epoch.
func appendValue(b []byte, values arrow.Array, r int) []byte {
	switch a := values.(type) {
	case *array.Float64:
		return strconv.AppendFloat(b, a.Value(r), 'g', -1, 64)
	case *array.Float32:
		return strconv.AppendFloat(b, float64(a.Value(r)), 'g', -1, 64)
	case *array.Int64:
		return strconv.AppendInt(b, a.Value(r), 10)
	case *array.Int32:
		return strconv.AppendInt(b, int64(a.Value(r)), 10)
	case *array.String:
		return append(b, a.Value(r)...)
	case *array.LargeString:
		return append(b, a.Value(r)...)
	case *array.Binary:
		return append(b, a.Value(r)...)
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		return strconv.AppendInt(b, a.Value(r).ToTime(unit).UnixMilli(), 10)
	case *array.Date32:
		return strconv.AppendInt(b, a.Value(r).ToTime().UnixMilli(), 10)
	case *array.Date64:
		return strconv.AppendInt(b, a.Value(r).ToTime().UnixMilli(), 10)
	case *array.Dictionary:
		if i := a.GetValueIndex(r); !a.Dictionary().IsNull(i) {
			return appendValue(b, a.Dictionary(), i)
		}
		return b
	}
	return append(b, values.ValueStr(r)...) // bool, the other integers, decimals
}

// isText says whether values of the type are names rather than numbers.
func isText(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return isText(t.ValueType)
	case *arrow.StringType, *arrow.LargeStringType, *arrow.BinaryType, *arrow.BooleanType:
		return true
	}
	return false
}

// supported says whether appendValue writes values of the type.
func supported(t arrow.DataType) bool {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return supported(d.ValueType)
	}
	switch t.ID() {
	case arrow.NULL, arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64, arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL128:
		return true
	}
	return isText(t) || arrow.IsInteger(t.ID())
}
