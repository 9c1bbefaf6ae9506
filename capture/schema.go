package capture

import "fmt"

// Kind is how a column's values are counted.
type Kind string

const (
	Numeric     Kind = "numeric"
	Categorical Kind = "categorical"
)

// Role is what a column means to the model.
type Role string

const (
	Feature    Role = "feature"
	Prediction Role = "prediction"
	Label      Role = "label"
	EventTime  Role = "time"
	ID         Role = "id"
	Ignored    Role = "ignored"
)

// Column is one column of the data a model was trained on.
type Column struct {
	Name string `json:"name"`
	Role Role   `json:"role"`
	Kind Kind   `json:"kind,omitempty"`
}

// Schema is an endpoint's columns in file order. The positions of a CSV payload's cells follow it.
type Schema struct {
	Columns []Column `json:"columns"`
}

// Watched returns the columns that captures carry and monitors compare: the features in file order, then the
// predictions in file order. A column's place in it is its place in a [Batch] and in a profile.
func (s Schema) Watched() []Column {
	return append(s.With(Feature), s.With(Prediction)...)
}

// With returns the columns of one role in file order.
func (s Schema) With(role Role) []Column {
	var columns []Column
	for _, c := range s.Columns {
		if c.Role == role {
			columns = append(columns, c)
		}
	}
	return columns
}

// Validate reports the first column that captures could not be matched with.
func (s Schema) Validate() error {
	seen := make(map[string]bool, len(s.Columns))
	for i, c := range s.Columns {
		if c.Name == "" {
			return fmt.Errorf("column %d has no name: give each column a name in the header line", i+1)
		}
		if seen[c.Name] {
			return fmt.Errorf("column %q appears twice: rename one of them", c.Name)
		}
		seen[c.Name] = true
		watched := c.Role == Feature || c.Role == Prediction
		if watched && c.Kind != Numeric && c.Kind != Categorical {
			return fmt.Errorf("column %q has kind %q: use %q or %q", c.Name, c.Kind, Numeric, Categorical)
		}
	}
	if len(s.Watched()) == 0 {
		return fmt.Errorf("no column is a feature or a prediction: at least one is needed")
	}
	return nil
}
