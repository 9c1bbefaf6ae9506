// Package diff compares two baselines: what they watch, and how their data is distributed.
//
// Where both count a column over the same edges or categories, the statistics are those of package detectors. Else only
// what follows from both sides' counts is said: a numeric column has brackets that the statistic is certainly in, a
// categorical one is compared over the categories that both sides can tell apart. Nothing is interpolated.
package diff

import (
	"slices"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/detectors"
	"tidemark/profile"
)

// Result is how the current baseline differs from the reference.
type Result struct {
	Reference  Side     `json:"reference"`
	Current    Side     `json:"current"`
	SameLayout bool     `json:"same_layout"`
	Columns    []Column `json:"columns"`
	Differs    bool     `json:"differs"` // a column does
}

// Side is one of the two baselines.
type Side struct {
	ID     string `json:"id"`
	Layout string `json:"layout"`
	Rows   int64  `json:"rows"`
}

// What happened to a column.
const (
	New      = "new"
	Vanished = "vanished"
	Role     = "role" // it means something else now
	Kind     = "kind" // it is counted in another way now, so nothing is compared
)

// How a column was compared.
const (
	ByBins       = "bins"       // both sides have the same edges or categories: the statistics are exact
	ByBrackets   = "brackets"   // numeric, other edges: bounds
	ByCategories = "categories" // categorical, other categories: over those that both sides tell apart
)

// Column is how one column differs. Columns that neither baseline watches have no figures.
type Column struct {
	Name      string           `json:"name"`
	Change    string           `json:"change,omitempty"` // new, vanished, role, kind, or nothing of these
	Reference *Summary         `json:"reference,omitempty"`
	Current   *Summary         `json:"current,omitempty"`
	Compared  string           `json:"compared,omitempty"` // bins, brackets or categories
	New       []string         `json:"new_categories,omitempty"`
	Vanished  []string         `json:"vanished_categories,omitempty"`
	Scores    map[string]Score `json:"scores,omitempty"`
	Undecided []string         `json:"undecided,omitempty"` // rules whose threshold the figures cannot be held against
	Differs   bool             `json:"differs"`             // it changed, or a score is over its threshold for certain
}

// Summary is a column in one of the baselines. The mean and the standard deviation are exact.
type Summary struct {
	Role    capture.Role `json:"role"`
	Kind    capture.Kind `json:"kind,omitempty"`
	Count   int64        `json:"count"`
	Missing int64        `json:"missing"`
	Mean    *float64     `json:"mean,omitempty"`
	StdDev  *float64     `json:"stddev,omitempty"`
}

// Score is a statistic. If Score is nil it is between Lower and Upper. Else it is exact for the cells compared, and
// Lower and Upper, where given, are what it may be over the values themselves.
type Score struct {
	Score     *float64 `json:"score,omitempty"`
	Lower     *float64 `json:"lower,omitempty"`
	Upper     *float64 `json:"upper,omitempty"`
	PValue    *float64 `json:"p_value,omitempty"`
	Threshold *float64 `json:"threshold,omitempty"`
	Differs   bool     `json:"differs"`
}

// Compare compares two baselines. Thresholds are by the names of statistics; a column differs when a score is above.
func Compare(reference, current *baseline.Baseline, thresholds map[string]float64) Result {
	r := Result{
		Reference: sideOf(reference), Current: sideOf(current),
		SameLayout: reference.Layout.ID() == current.Layout.ID(),
	}
	for _, name := range columns(reference, current) {
		c := compareColumn(name, reference, current, thresholds)
		r.Columns = append(r.Columns, c)
		r.Differs = r.Differs || c.Differs
	}
	return r
}

func sideOf(b *baseline.Baseline) Side {
	return Side{ID: b.ID, Layout: b.Layout.ID(), Rows: b.Profile.Rows}
}

// columns are the names of both schemas: the reference's in their order, then the new ones.
func columns(reference, current *baseline.Baseline) []string {
	var names []string
	for _, b := range []*baseline.Baseline{reference, current} {
		for _, c := range b.Schema.Columns {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	return names
}

func compareColumn(name string, reference, current *baseline.Baseline, thresholds map[string]float64) Column {
	c := Column{Name: name, Reference: summary(reference, name), Current: summary(current, name)}
	switch {
	case c.Reference == nil:
		c.Change = New
	case c.Current == nil:
		c.Change = Vanished
	case c.Reference.Role != c.Current.Role:
		c.Change = Role
	case c.Reference.Kind != c.Current.Kind:
		c.Change = Kind
	}
	c.Differs = c.Change != ""
	r, f := reference.Profile.Feature(name), current.Profile.Feature(name)
	if r == nil || f == nil || c.Reference.Kind != c.Current.Kind {
		return c
	}
	c.New, c.Vanished = unknown(f.Layout, r.Layout), unknown(r.Layout, f.Layout)
	c.Compared, c.Scores = scores(r, f)
	c.judge(thresholds)
	return c
}

// scores compares a column that both baselines watch.
func scores(r, f *profile.Feature) (compared string, scores map[string]Score) {
	scores = map[string]Score{}
	switch {
	case r.Numeric() && slices.Equal(r.Layout.Edges, f.Layout.Edges),
		!r.Numeric() && sameCategories(r.Layout, f.Layout):
		compared = ByBins
		exact(scores, r, f, append(slices.Clone(detectors.Drift), "missing_share", "type_share", "new_categories"))
	case r.Numeric():
		compared = ByBrackets
		exact(scores, r, f, []string{"missing_share", "type_share"})
		if r.Present() > 0 && f.Present() > 0 {
			scores["ks"], scores["psi"] = ksBracket(r, f), psiBracket(r, f)
		}
	default:
		compared = ByCategories
		exact(scores, r, f, []string{"missing_share", "type_share"})
		if f.Present() > 0 {
			scores["new_categories"] = newShare(r, f)
		}
		r, f = common(r, f)
		exact(scores, r, f, detectors.Drift)
	}
	return compared, scores
}

// exact adds the statistics that are defined for the two sides, which must count over the same cells.
func exact(scores map[string]Score, r, f *profile.Feature, names []string) {
	for _, name := range names {
		if s, defined := detectors.New(name).Score(r, f); defined {
			scores[name] = Score{Score: &s.Value, Lower: s.Lower, Upper: s.Upper, PValue: s.PValue()}
		}
	}
}

// judge holds the scores against the thresholds.
func (c *Column) judge(thresholds map[string]float64) {
	for name, threshold := range thresholds {
		s, there := c.Scores[name]
		if !there {
			continue
		}
		s.Threshold = &threshold
		switch {
		case s.Score != nil:
			s.Differs = *s.Score > threshold
		case *s.Lower > threshold:
			s.Differs = true
		case *s.Upper > threshold:
			c.Undecided = append(c.Undecided, name)
		}
		c.Scores[name] = s
		c.Differs = c.Differs || s.Differs
	}
	slices.Sort(c.Undecided)
}

// summary is nil when the baseline does not have the column.
func summary(b *baseline.Baseline, name string) *Summary {
	i := slices.IndexFunc(b.Schema.Columns, func(c capture.Column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	s := &Summary{Role: b.Schema.Columns[i].Role, Kind: b.Schema.Columns[i].Kind}
	f := b.Profile.Feature(name)
	if f == nil {
		return s
	}
	s.Count, s.Missing = f.Captured, f.Missing
	if mean, ok := f.Moments.Mean(); ok {
		s.Mean = &mean
	}
	if deviation, ok := f.Moments.StdDev(); ok {
		s.StdDev = &deviation
	}
	return s
}
