package archive

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"pgregory.net/rapid"

	"tidemark/capture"
)

// Columns of any values, of which any are null, are read by the library as they were written.
func TestPagesAreRead(t *testing.T) {
	fields := []arrow.Field{
		{Name: "integer", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "number", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "word", Type: arrow.BinaryTypes.String, Nullable: true},
	}
	encoders := map[Codec]*Encoder{Fast: NewEncoder(Fast), Small: NewEncoder(Small), plain: NewEncoder(plain)}
	rapid.Check(t, func(t *rapid.T) {
		codec, few := rapid.SampledFrom([]Codec{Fast, Small, plain}).Draw(t, "codec"), rapid.Bool().Draw(t, "few")
		c := &columns{arrow: arrow.NewSchema(fields, nil)}
		props := c.properties(codec)
		s, err := pqarrow.ToParquet(c.arrow, props, pqarrow.DefaultWriterProps())
		if err != nil {
			t.Fatal(err)
		}
		w := encoders[codec].newWriter(s, props, 0)
		var want []string
		for range rapid.IntRange(0, 3).Draw(t, "groups") {
			rows := rapid.OneOf(rapid.IntRange(1, 40), rapid.IntRange(1, 3000)).Draw(t, "rows")
			var columns randomColumns
			columns.fill(t, rows)
			w.begin()
			w.integers(&columns.integers)
			w.numbers(&columns.numbers, few)
			w.texts(&columns.texts)
			w.words(&columns.words, true)
			w.end(rows)
			want = append(want, columns.rows...)
		}
		content, err := w.close(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := readRows(t, content); !slices.Equal(got, want) {
			for i := range want {
				if i >= len(got) || got[i] != want[i] {
					t.Fatalf("of %d rows and %d that were read, %d is not %s", len(want), len(got), i, want[i])
				}
			}
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
	})
}

type randomColumns struct {
	integers integers
	numbers  numbers
	texts    texts
	words    words
	rows     []string
}

// fill adds rows: in stretches of nulls, of one value, and of different ones.
func (c *randomColumns) fill(t *rapid.T, rows int) {
	distinct := rapid.SampledFrom([]int{1, 2, 5, 300}).Draw(t, "distinct")
	least := rapid.SampledFrom([]int64{0, 1_700_000_000_000, math.MinInt64}).Draw(t, "least")
	step := rapid.SampledFrom([]int64{0, 1, 999_983, math.MaxInt64 / 301}).Draw(t, "step")
	for len(c.rows) < rows {
		kind := rapid.IntRange(0, 2).Draw(t, "kind")
		k := rapid.IntRange(0, distinct-1).Draw(t, "first")
		var numbers []float64
		for range min(rows-len(c.rows), rapid.SampledFrom([]int{1, 3, 8, 9, 64, 700}).Draw(t, "stretch")) {
			if kind == 2 {
				k = (k*31 + 7) % distinct
			}
			if kind == 0 {
				c.integers.add(0, false)
				c.texts.add(nil, false)
				c.words.add("")
				c.rows = append(c.rows, "null null null null")
				numbers = append(numbers, missing())
				continue
			}
			integer, number := least+step*int64(k), math.Sqrt(float64(k))
			text := strings.Repeat("é", k%9) + fmt.Sprint(len(c.rows))
			c.integers.add(integer, true)
			c.texts.add([]byte(text), true)
			c.words.add(fmt.Sprint("w", k))
			c.rows = append(c.rows, fmt.Sprint(integer, number, " ", text, " w", k))
			numbers = append(numbers, number)
		}
		c.numbers.add(numbers)
	}
}

func readRows(t *rapid.T, content []byte) (rows []string) {
	err := openParquet(content, func(r *file.Reader) error {
		reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		if err != nil {
			return err
		}
		table, err := reader.ReadTable(context.Background())
		if err != nil {
			return err
		}
		chunks := array.NewTableReader(table, -1)
		for chunks.Next() {
			b := chunks.RecordBatch()
			for row := range int(b.NumRows()) {
				if b.Column(0).IsNull(row) {
					for _, c := range b.Columns() {
						if c.IsValid(row) {
							return fmt.Errorf("row %d has a value", row)
						}
					}
					rows = append(rows, "null null null null")
					continue
				}
				rows = append(rows, fmt.Sprint(b.Column(0).(*array.Int64).Value(row), b.Column(1).(*array.Float64).Value(row), " ",
					b.Column(2).(*array.String).Value(row), " ", b.Column(3).(*array.String).Value(row)))
			}
		}
		return chunks.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// missing is what a batch has where there is no number.
func missing() float64 {
	b := capture.NewBatch(capture.Schema{Columns: []capture.Column{{Name: "x", Role: capture.Feature, Kind: capture.Numeric}}})
	if err := b.AppendCells(0, capture.Input, [][]byte{nil}); err != nil {
		panic(err)
	}
	return b.Numbers(0)[0]
}
