package baseline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"tidemark/capture"
	"tidemark/profile"
	"tidemark/windows"
)

// Calibrate measures the baseline's calibration from the files that it was built from. Rows are known to be in the order of time
// when one column has the role of the event time and never falls.
func (b *Baseline) Calibrate(paths []string) error {
	files, err := openAll(paths, b.headless())
	if err != nil {
		return err
	}
	c := b.newCalibrator()
	columns := watched(b.Schema)
	if times := b.Schema.With(capture.EventTime); len(times) == 1 {
		columns = append(columns, slices.Index(files[0].columns, times[0].Name))
		c.timed = true
	}
	for _, f := range files {
		if err := f.rows(columns, c.row); err != nil {
			return err
		}
	}
	if b.Calibrations = c.calibrations(); c.read != b.Profile.Rows {
		return fmt.Errorf("the files had %d rows when the baseline was built and have %d now: build again when nothing writes to them", b.Profile.Rows, c.read)
	}
	b.ID, err = b.contentID()
	return err
}

// calibrator reads rows in their order.
type calibrator struct {
	b       *Baseline
	timed   bool
	falling bool // a time was before the one above it
	last    int64
	read    int64
	columns []calibrated
}

// calibrated is one column.
type calibrated struct {
	layout *profile.FeatureLayout
	score  [2][]float64   // by bin
	mean   [][2]float64   // by slot; one for all when the baseline is not seasonal
	rare   map[string]int // rows by rare category
	odd    []int64
	square [2]float64 // of the rows' deviations
	rows   float64
	blocks []blocks // by kappaRows
}

// blocks is the sums of blocks of one length.
type blocks struct {
	rows   int
	sum    [2]float64 // of the block that is not full
	square [2]float64 // of the full ones' sums
	total  [2]float64
	full   int
}

func (b *Baseline) newCalibrator() *calibrator {
	c := &calibrator{b: b}
	for i := range b.Layout.Features {
		layout, f := &b.Layout.Features[i], &b.Profile.Features[i]
		column := calibrated{layout: layout, blocks: make([]blocks, len(kappaRows)), score: contrasts(f)}
		if !f.Numeric() {
			column.rare = map[string]int{}
			for _, name := range layout.Rare {
				column.rare[name] = 0
			}
			if b.Profile.Rows < oddBelowRows {
				column.odd = make([]int64, layout.Bins())
			}
		}
		column.mean = [][2]float64{means(column.score, f.Bins)}
		if b.Seasonal != nil {
			column.mean = nil
			for slot := range b.Seasonal.slots {
				mean := [2]float64{}
				if p, err := b.Seasonal.Slot(&b.Layout, slot); err == nil { // it was encoded by this program
					mean = means(column.score, p.Features[i].Bins)
				}
				column.mean = append(column.mean, mean)
			}
		}
		c.columns = append(c.columns, column)
	}
	return c
}

// contrasts scores the bins of a feature: a number's by the normal score of the bin's middle and by the square of that,
// categories, from the most frequent on, by + - + - and by + + - -.
func contrasts(f *profile.Feature) (score [2][]float64) {
	total, below := int64(0), int64(0)
	order := make([]int, len(f.Bins))
	for i, n := range f.Bins {
		total += n
		order[i] = i
	}
	score[0], score[1] = make([]float64, len(f.Bins)), make([]float64, len(f.Bins))
	if f.Numeric() {
		for i, n := range f.Bins {
			if n > 0 {
				z := -math.Sqrt2 * math.Erfcinv((2*float64(below)+float64(n))/float64(total))
				score[0][i], score[1][i] = z, z*z
			}
			below += n
		}
		return score
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(f.Bins[b], f.Bins[a]) })
	for place, i := range order {
		score[0][i], score[1][i] = float64(1-2*(place%2)), float64(1-2*(place/2%2))
	}
	return score
}

func means(score [2][]float64, bins []int64) (mean [2]float64) {
	total := 0.0
	for i, n := range bins {
		total += float64(n)
		mean[0] += float64(n) * score[0][i]
		mean[1] += float64(n) * score[1][i]
	}
	if total > 0 {
		mean[0], mean[1] = mean[0]/total, mean[1]/total
	}
	return mean
}

// row takes the cells of the watched columns and, last, the time if it is known.
func (c *calibrator) row(cells [][]byte) error {
	slot := 0
	if c.timed {
		last := len(cells) - 1
		at, err := capture.ParseTime(string(cells[last]))
		c.falling = c.falling || err != nil || at < c.last
		c.last, cells = at, cells[:last]
		if c.b.Seasonal != nil {
			slot = c.b.Seasonal.Cycle.Slot(windows.Time(at))
		}
	}
	for i, cell := range cells {
		c.columns[i].take(cell, slot, c.read%2 == 1)
	}
	c.read++
	return nil
}

func (c *calibrated) take(cell []byte, slot int, odd bool) {
	var bin int
	if c.layout.Kind == capture.Numeric {
		x, missing, valid := capture.ParseNumber(cell)
		if missing || !valid || math.IsNaN(x) {
			return
		}
		bin = c.layout.NumberBin(x)
	} else {
		if len(cell) == 0 {
			return // missing
		}
		name := string(capture.Canonical(cell))
		place, known := c.layout.CategoryBin(name)
		if !known {
			return
		}
		bin = place
		if n, rare := c.rare[name]; rare {
			c.rare[name] = n + 1
		}
		if c.odd != nil && odd {
			c.odd[bin]++
		}
	}
	c.rows++
	x := [2]float64{c.score[0][bin] - c.mean[slot][0], c.score[1][bin] - c.mean[slot][1]}
	c.square[0], c.square[1] = c.square[0]+x[0]*x[0], c.square[1]+x[1]*x[1]
	for i, length := range kappaRows {
		c.blocks[i].take(x, length)
	}
}

func (b *blocks) take(x [2]float64, length int) {
	b.sum[0], b.sum[1] = b.sum[0]+x[0], b.sum[1]+x[1]
	b.rows++
	if b.rows < length {
		return
	}
	for i, s := range b.sum {
		b.total[i] += s
		b.square[i] += s * s
	}
	b.rows, b.sum, b.full = 0, [2]float64{}, b.full+1
}

func (c *calibrator) calibrations() []Calibration {
	all := make([]Calibration, len(c.columns))
	for i := range c.columns {
		column := &c.columns[i]
		all[i].Odd = column.odd
		for _, rows := range column.rare {
			if rows == 1 {
				all[i].Singles++
			}
		}
		if c.timed && !c.falling {
			all[i].Kappa = column.kappas()
		}
	}
	return all
}

func (c *calibrated) kappas() []Kappa {
	var all []Kappa
	for i, length := range kappaRows {
		b := &c.blocks[i]
		if b.full < kappaBlocks {
			break
		}
		n, value := float64(b.full), 1.0
		for j := range b.square {
			row := c.square[j] / c.rows
			if row <= 0 {
				continue // all rows are alike
			}
			between := (b.square[j] - b.total[j]*b.total[j]/n) / (n - 1) / float64(length)
			if kappa := between / row; kappa > 1+kappaErrors*math.Sqrt(2/n) {
				value = max(value, math.Round(kappa*1000)/1000)
			}
		}
		all = append(all, Kappa{length, value})
	}
	return all
}
