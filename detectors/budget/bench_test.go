package budget

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkAdd(b *testing.B) {
	counts := make([]float64, 32)
	for k := range 30 {
		counts[k] = 333
	}
	cells := NewCells(true, 2, counts)
	table := NewTable(cells, counts, Settings{0.02, 2, 1})
	s := table.NewState()
	random := rand.New(rand.NewPCG(1, 2))
	panes := make([][]float64, 64)
	for i := range panes {
		panes[i] = make([]float64, 32)
		for range 100 {
			panes[i][random.IntN(30)]++
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		table.Add(s, panes[i%64], 1)
	}
}
