package baseline

// Calibration is what the rows of a column say beyond their counts: what the alarm budget needs to know of them.
type Calibration struct {
	// Singles is the number of categories that exactly one row has. What share of values is of categories that the baseline
	// never saw is estimated from it (Good 1953).
	Singles int64 `json:"singles,omitempty"`
	// Odd are the counts of every other row by bin, of categories in fewer than 10,000 rows.
	Odd []int64 `json:"odd,omitempty"`
	// Kappa says by the length of blocks how many rows are worth one independent row. It is nil when the rows are not known to
	// be in the order of time, or are too few.
	Kappa []Kappa `json:"kappa,omitempty"`
}

// Kappa is the number of rows, in blocks of so many that follow each other, that are worth one independent row: the block's length
// times the variance of the blocks' means over that of the rows. It is the larger one of two contrasts of the column: of a number its
// normal score and the square of that, of categories two ways to part them in halves. It is 1 where that may be by chance.
type Kappa struct {
	Rows  int     `json:"rows"` // of a block
	Value float64 `json:"value"`
}

// The blocks that kappa is measured over.
var kappaRows = []int{30, 100, 300, 1000}

const (
	kappaBlocks  = 20 // at least, for a variance of their means
	kappaErrors  = 3  // standard errors of kappa that may be by chance
	kappaGrowth  = 2  // from a block to ten times its length: more is no dependence that ends, but a season or a trend
	oddBelowRows = 10_000
)

// Dependence is how many rows are worth an independent one: the most over all lengths of blocks, or that of the shortest when it goes
// on to grow. It is 1 when it is not known.
func (c *Calibration) Dependence() float64 {
	most := 1.0
	for i, k := range c.Kappa {
		if i == 0 || !c.Growing() {
			most = max(most, k.Value)
		}
	}
	return most
}

// Growing says that the rows vary the more, the longer one looks: the baseline has a season or a trend in it.
func (c *Calibration) Growing() bool {
	for i, k := range c.Kappa {
		for _, shorter := range c.Kappa[:i] {
			if k.Rows >= 10*shorter.Rows && k.Value > kappaGrowth*shorter.Value {
				return true
			}
		}
	}
	return false
}

// Calibration is that of the i-th watched column. Of a baseline without rows, such as one of a statistics.json, every rare category
// counts as seen once.
func (b *Baseline) Calibration(i int) Calibration {
	if i < len(b.Calibrations) {
		return b.Calibrations[i]
	}
	return Calibration{Singles: int64(len(b.Layout.Features[i].Rare))}
}
