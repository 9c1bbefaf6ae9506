package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidemark/capture"
	"tidemark/profile"
)

// Baseline is a reference distribution with the schema and layout that captures are read and counted by.
type Baseline struct {
	ID      string    // content hash over schema, layout and counts: 16 hexadecimal digits
	Created time.Time // when it was built, to the second
	Source  []string  // base names of the files it was built from
	Schema  capture.Schema
	Layout  profile.Layout
	Profile *profile.Profile // of Layout

	ReviewBy time.Time // when somebody should look whether it still fits, to the second; zero when nobody said
	Seasonal *Seasonal // its rows by calendar slot; nil when they are not kept

	Calibrations []Calibration // by watched column; nil when they were not measured

	// Statistics and Constraints are the contents of statistics.json and constraints.json, which [Baseline.Save] writes
	// beside the baseline. They are nil when the baseline was loaded.
	Statistics  *Statistics
	Constraints *Constraints
}

// Roles says what the columns of a file mean, by name. Columns not named are features. Categorical forces the
// kind of a column and goes with any role; the other roles exclude each other.
type Roles struct {
	Predictions, Labels, Times, IDs, Ignored, Categorical []string

	// NoHeader says that CSV files begin with a row instead of the names of the columns, which are then called _c0, _c1
	// and so on.
	NoHeader bool
}

// schema gives each column its role; kinds are found later.
func (r Roles) schema(names []string) (capture.Schema, error) {
	roles := make(map[string]capture.Role)
	for _, group := range []struct {
		role  capture.Role
		names []string
	}{
		{capture.Prediction, r.Predictions},
		{capture.Label, r.Labels},
		{capture.EventTime, r.Times},
		{capture.ID, r.IDs},
		{capture.Ignored, r.Ignored},
	} {
		for _, name := range group.names {
			if !slices.Contains(names, name) {
				return capture.Schema{}, unknownColumn(string(group.role), name, names)
			}
			if other, taken := roles[name]; taken && other != group.role {
				return capture.Schema{}, fmt.Errorf("column %q is given two roles, %s and %s: keep one", name, other, group.role)
			}
			roles[name] = group.role
		}
	}
	for _, name := range r.Categorical {
		if !slices.Contains(names, name) {
			return capture.Schema{}, unknownColumn("categorical", name, names)
		}
	}
	schema := capture.Schema{Columns: make([]capture.Column, len(names))}
	for i, name := range names {
		role, named := roles[name]
		if !named {
			role = capture.Feature
		}
		schema.Columns[i] = capture.Column{Name: name, Role: role}
	}
	return schema, nil
}

func unknownColumn(role, name string, names []string) error {
	hint := ""
	if near := nearest(name, names); near != "" {
		hint = fmt.Sprintf(": did you mean %q?", near)
	}
	return fmt.Errorf("no column %q, which is named as %s%s (the columns are %s)", name, role, hint, strings.Join(names, ", "))
}

// nearest returns the name that is the fewest edits from word, or "" when none is close.
func nearest(word string, names []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, name := range names {
		if d := edits(strings.ToLower(word), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// contentID hashes what a score depends on, and neither dates nor the names of the files.
func (b *Baseline) contentID() (string, error) {
	content, err := json.Marshal(struct {
		Schema   capture.Schema
		Layout   *profile.Layout
		Rows     int64
		Features []counts
		Joint    *joint         `json:",omitempty"`
		Seasonal *slotsDocument `json:",omitempty"`

		Calibrations []Calibration `json:",omitempty"`
	}{b.Schema, &b.Layout, b.Profile.Rows, countsOf(b.Profile), jointOf(b.Profile), b.Seasonal.document(), b.Calibrations})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8]), nil
}
