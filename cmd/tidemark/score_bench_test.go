package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"tidemark/testbed"
)

// BenchmarkScore scores files of 25 columns: 20 of numbers with four decimals, 1 % of them empty, and 5 of names. The
// figure to look at is rows/cpu-s: current rows for each second of all processors together, the reading of the
// reference included.
func BenchmarkScore(b *testing.B) {
	for _, size := range []struct{ reference, current int }{{100_000, 2_000_000}, {2_000_000, 2_000_000}} {
		b.Run(fmt.Sprintf("reference=%d/current=%d", size.reference, size.current), func(b *testing.B) {
			directory := b.TempDir()
			reference, current := filepath.Join(directory, "reference.csv"), filepath.Join(directory, "current.csv")
			writeTable25(b, reference, 1, size.reference)
			writeTable25(b, current, 2, size.current)
			o := scoreOptions{reference: []string{reference}, current: []string{current}, minSamples: 200, json: true}
			before := testbed.ProcessorTime(b)
			for b.Loop() {
				if err := o.run(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(size.current)/(testbed.ProcessorTime(b)-before).Seconds(), "rows/cpu-s")
		})
	}
}

// writeTable25 writes a CSV file of made-up rows.
func writeTable25(b *testing.B, path string, seed uint64, rows int) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w, random := bufio.NewWriterSize(f, 1<<20), rand.New(rand.NewPCG(seed, 25))
	var line []byte
	for i := range 20 {
		line = fmt.Appendf(line, "f%02d,", i)
	}
	line = append(line, "c00,c01,c02,c03,c04\n"...)
	for range rows + 1 {
		if _, err := w.Write(line); err != nil {
			b.Fatal(err)
		}
		line = line[:0]
		for i := range 20 {
			if random.IntN(100) > 0 {
				line = strconv.AppendFloat(line, random.NormFloat64()*float64(i+1)+float64(10*i), 'f', 4, 64)
			}
			line = append(line, ',')
		}
		for i := range 5 {
			line = append(line, "category-"...)
			line = strconv.AppendInt(line, int64(random.IntN(4<<i)), 10)
			line = append(line, ",,,,\n"[i])
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
