package main

import (
	"bytes"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/twmb/franz-go/pkg/kgo"
)

// loadArrow sends the rows as Arrow IPC streams of many rows each, with dictionaries of the categories.
func (w *workload) loadArrow(send func(*kgo.Record)) error {
	fields := []arrow.Field{{Name: "event_time", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}}}
	for i := range w.features {
		fields = append(fields, arrow.Field{Name: numberName(i), Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	}
	for _, c := range categories {
		fields = append(fields, arrow.Field{Name: c.name, Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}})
	}
	fields = append(fields, arrow.Field{Name: "score", Type: arrow.PrimitiveTypes.Float64})
	schema := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	return w.each(func(i int, r *row) error {
		b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(r.time))
		for j, x := range r.numbers {
			if column := b.Field(1 + j).(*array.Float64Builder); r.empty[j] {
				column.AppendNull()
			} else {
				column.Append(x)
			}
		}
		for j, k := range r.category {
			if err := b.Field(1 + w.features + j).(*array.BinaryDictionaryBuilder).AppendString(categories[j].values[k]); err != nil {
				return err
			}
		}
		b.Field(len(fields) - 1).(*array.Float64Builder).Append(r.score)
		if (i+1)%w.arrowRows != 0 && i+1 != w.records {
			return nil
		}
		record := b.NewRecordBatch()
		defer record.Release()
		var out bytes.Buffer
		stream := ipc.NewWriter(&out, ipc.WithSchema(schema))
		if err := stream.Write(record); err != nil {
			return err
		}
		if err := stream.Close(); err != nil {
			return err
		}
		send(&kgo.Record{
			Key: []byte(eventID(i - i%w.arrowRows)), Value: out.Bytes(), Timestamp: time.UnixMilli(r.time),
			Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/vnd.apache.arrow.stream")}},
		})
		return nil
	})
}
