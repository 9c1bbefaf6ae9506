package sequential

import "testing"

func BenchmarkUpdate(b *testing.B) {
	g, err := loadGolden()
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range Names {
		b.Run(name, func(b *testing.B) {
			stream := g.Streams["no_change"].Values
			if onErrors(name) {
				stream = g.Streams["bern_none"].Values
			}
			d, err := New(name, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				d.Update(stream[i])
				if i++; i == len(stream) {
					i = 0
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
		})
	}
}
