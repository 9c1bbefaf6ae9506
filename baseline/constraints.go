package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
)

// Constraints is what SageMaker Model Monitor's constraints.json demands of a data set.
type Constraints struct {
	Features []FeatureConstraints
	Settings Settings // of the data set as a whole

	config *configDocument // as in the file
}

// FeatureConstraints are the demands on a column, in force as Settings says.
type FeatureConstraints struct {
	Name         string
	Type         DataType // empty when nothing is said
	Completeness float64  // least share of rows with a value
	NonNegative  *bool    // what the baseline was like; Model Monitor has no check of it, and nor does Tidemark
	Domains      []string // the values that are known; nil when any will do
	Settings     Settings

	document *constraintDocument // of which it was read
}

// Settings say what is checked and how strictly: those of the file, with a feature's own before the general ones. What
// neither gives is as in the files that Model Monitor makes.
type Settings struct {
	Evaluate          bool    // whether anything is checked
	TypeThreshold     float64 // least share of values of the type; 1 by default
	DomainThreshold   float64 // least share of values in the domain; 1 by default
	Compare           bool    // whether distributions are compared
	Threshold         float64 // largest distance of numbers; 0.1 by default
	Robust            bool    // whether the distance of numbers is lessened by what small samples explain; true by default
	CategoryThreshold float64 // largest distance of categories, or with ChiSquared the p-value below which they differ; Threshold by default
	ChiSquared        bool    // whether categories are compared by a chi-square test, not by the largest difference of shares
}

var defaultSettings = Settings{Evaluate: true, TypeThreshold: 1, DomainThreshold: 1, Compare: true, Threshold: 0.1, Robust: true, CategoryThreshold: 0.1}

// ReadConstraints reads a constraints.json.
func ReadConstraints(path string) (*Constraints, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read constraints: %w", err)
	}
	c, err := ParseConstraints(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// ParseConstraints reads the content of a constraints.json. It is tolerant: all keys but the names of the features may be absent, keys that
// it does not know are passed over, and it reads those of older files too: enable_comparisons for perform_comparison,
// min_domain_mass for domain_content_threshold, comparion_method, true and false for Enabled and Disabled, linf_simple and linf_robust
// for Simple and Robust, and monitoring_config_overrides in the feature or in its string_constraints or num_constraints.
func ParseConstraints(content []byte) (*Constraints, error) {
	var d constraintsDocument
	if err := json.Unmarshal(bytes.TrimPrefix(content, byteOrderMark), &d); err != nil {
		return nil, fmt.Errorf("not a constraints.json: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if len(d.Features) == 0 {
		return nil, errors.New("features: there are none: give the constraints.json of a data quality baseline")
	}
	general := defaultSettings
	general.CategoryThreshold = math.NaN() // not given
	if err := d.Config.apply(&general); err != nil {
		return nil, fmt.Errorf("monitoring_config: %w", err)
	}
	c := &Constraints{Settings: general.complete(), config: d.Config}
	seen := make(map[string]bool, len(d.Features))
	for i := range d.Features {
		f, err := d.Features[i].read(general)
		if err != nil {
			return nil, fmt.Errorf("feature %d, %q: %w", i+1, f.Name, err)
		}
		if seen[f.Name] {
			return nil, fmt.Errorf("feature %d: the name %q appears twice: remove one of them", i+1, f.Name)
		}
		seen[f.Name] = true
		c.Features = append(c.Features, f)
	}
	return c, nil
}

// complete gives categories the threshold of numbers when they have none of their own.
func (s Settings) complete() Settings {
	if math.IsNaN(s.CategoryThreshold) {
		s.CategoryThreshold = s.Threshold
	}
	return s
}

// MarshalJSON writes constraints.json as Model Monitor does, and those that were read as they were read, without the keys
// that are not known.
func (c *Constraints) MarshalJSON() ([]byte, error) {
	d := constraintsDocument{Features: make([]constraintDocument, len(c.Features)), Config: c.config}
	for i, f := range c.Features {
		if f.document != nil {
			d.Features[i] = *f.document
			continue
		}
		w := constraintDocument{Name: f.Name, Type: f.Type, Completeness: new(decimal(f.Completeness))}
		if f.NonNegative != nil {
			w.Numbers = &numberConstraints{NonNegative: f.NonNegative}
		}
		if f.Domains != nil {
			w.Names = &nameConstraints{Domains: f.Domains}
		}
		d.Features[i] = w
	}
	return json.Marshal(d)
}

// Suggest makes constraints that the data itself fulfils, as a baselining job does: the types, the completeness, whether there
// are negative numbers, and the values of columns with at most 120 different ones.
func (s *Statistics) Suggest() *Constraints {
	enabled, one, tenth, robust, linf := toggle(true), decimal(1), decimal(0.1), "Robust", "LInfinity"
	c := &Constraints{Features: make([]FeatureConstraints, len(s.Features)), Settings: defaultSettings, config: &configDocument{
		Evaluate: &enabled, EmitMetrics: &enabled, TypeThreshold: &one, DomainThreshold: &one,
		Distribution: &distributionDocument{Compare: &enabled, Threshold: &tenth, Method: &robust, CategoryThreshold: &tenth, CategoryMethod: &linf},
	}}
	for i := range s.Features {
		f := &s.Features[i]
		c.Features[i] = FeatureConstraints{Name: f.Name, Type: f.Type, Completeness: f.Completeness(), Settings: c.Settings}
		if f.Numbers != nil {
			c.Features[i].NonNegative = new(f.Numbers.Min >= 0)
		}
		if f.Names != nil && f.Names.listed() {
			c.Features[i].Domains = []string{}
			for _, v := range f.Names.Values {
				c.Features[i].Domains = append(c.Features[i].Domains, v.Value)
			}
		}
	}
	return c
}
