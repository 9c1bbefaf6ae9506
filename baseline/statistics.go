package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// maxListed is the number of different values up to which statistics.json lists those of a String column: Deequ's
// threshold.
const maxListed = 120

// maxCount bounds the counts that are read, so that nothing overflows.
const maxCount = 1 << 40

// Statistics is what SageMaker Model Monitor's statistics.json says of a data set: the file that a baselining job of
// its data quality monitor writes.
type Statistics struct {
	Rows     int64 // item_count
	Features []FeatureStatistics
}

// FeatureStatistics are those of a column. A value is missing when its cell is empty.
type FeatureStatistics struct {
	Name             string
	Type             DataType
	Present, Missing int64
	// Types are the present values by type. The file does not have it: when it was read, all are of Type.
	Types   TypeCounts
	Numbers *NumberStatistics // of Integral and Fractional columns; nil without values
	Names   *NameStatistics   // of String columns
}

// NumberStatistics are those of a column of numbers. StdDev is the population's, as in the file.
type NumberStatistics struct {
	Mean, Sum, StdDev, Min, Max float64

	Buckets []Bucket // none when the file has none, or the range of the values is not finite
	Sketch  *Sketch  // none unless it was read
}

// Sketch is Deequ's KLL sketch of a column: a value in level i stands for 2^i rows. How long levels may be is not known:
// sketches that were merged have longer ones than their parameters tell.
//
// Source: Karnin, Lang and Liberty, "Optimal Quantile Approximation in Streams", FOCS 2016.
type Sketch struct {
	C, K   float64 // shrinking factor and size
	Levels [][]float64
}

// NameStatistics are those of a column of text.
type NameStatistics struct {
	Distinct float64     // number of different values; an estimate when it is large
	Values   []NameCount // the most frequent first; nil when the file does not list them
	Unlisted int64       // rows of values that are not listed, because they were too many
	Among    []string    // what the unlisted values may be; nil when that is not known
}

// NameCount is the number of rows with a value.
type NameCount struct {
	Value string
	Count int64
}

// ReadStatistics reads a statistics.json.
func ReadStatistics(path string) (*Statistics, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	s, err := ParseStatistics(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// ParseStatistics reads the content of a statistics.json. It is tolerant: keys that it does not know are passed over,
// and distribution, sketch, sum, distinct_count and inferred_type may be absent. What must be there is the features
// with their names and counts.
func ParseStatistics(content []byte) (*Statistics, error) {
	var d statisticsDocument
	if err := json.Unmarshal(bytes.TrimPrefix(content, byteOrderMark), &d); err != nil {
		return nil, fmt.Errorf("not a statistics.json: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if len(d.Features) == 0 {
		return nil, errors.New("features: there are none: give the statistics.json of a data quality baseline")
	}
	s := &Statistics{Features: make([]FeatureStatistics, len(d.Features))}
	var err error
	if s.Rows, err = d.Dataset.Items.count("dataset.item_count"); err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(d.Features))
	for i := range d.Features {
		f := &s.Features[i]
		if err := d.Features[i].read(f); err != nil {
			return nil, fmt.Errorf("feature %d, %q: %w", i+1, d.Features[i].Name, err)
		}
		if seen[f.Name] {
			return nil, fmt.Errorf("feature %d: the name %q appears twice: rename one of them", i+1, f.Name)
		}
		seen[f.Name] = true
		if n := f.Present + f.Missing; n > s.Rows {
			return nil, fmt.Errorf("feature %q: num_present and num_missing are %d together, but dataset.item_count is %d", f.Name, n, s.Rows)
		}
	}
	return s, nil
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// listed says whether the file lists the values: there are few enough.
func (n *NameStatistics) listed() bool {
	return n.Values != nil && len(n.Values) <= maxListed && n.Unlisted == 0
}

// Completeness is the share of rows with a value, and 0 without rows.
func (f *FeatureStatistics) Completeness() float64 {
	if f.Present == 0 {
		return 0
	}
	return float64(f.Present) / float64(f.Present+f.Missing)
}
