package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
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

type constraintsDocument struct {
	Version  decimal              `json:"version"`
	Features []constraintDocument `json:"features"`
	Config   *configDocument      `json:"monitoring_config,omitempty"`
}

type constraintDocument struct {
	Name         string             `json:"name"`
	Type         DataType           `json:"inferred_type,omitempty"`
	Completeness *decimal           `json:"completeness,omitempty"`
	Numbers      *numberConstraints `json:"num_constraints,omitempty"`
	Names        *nameConstraints   `json:"string_constraints,omitempty"`
	Overrides    *configDocument    `json:"monitoringConfigOverrides,omitempty"`
	OldOverrides *configDocument    `json:"monitoring_config_overrides,omitempty"`
}

type numberConstraints struct {
	NonNegative  *bool           `json:"is_non_negative,omitempty"`
	Overrides    *configDocument `json:"monitoringConfigOverrides,omitempty"`
	OldOverrides *configDocument `json:"monitoring_config_overrides,omitempty"`
}

type nameConstraints struct {
	Domains      []string        `json:"domains,omitempty"`
	Overrides    *configDocument `json:"monitoringConfigOverrides,omitempty"`
	OldOverrides *configDocument `json:"monitoring_config_overrides,omitempty"`
}

type configDocument struct {
	Evaluate        *toggle               `json:"evaluate_constraints,omitempty"`
	EmitMetrics     *toggle               `json:"emit_metrics,omitempty"`
	TypeThreshold   *decimal              `json:"datatype_check_threshold,omitempty"`
	DomainThreshold *decimal              `json:"domain_content_threshold,omitempty"`
	Distribution    *distributionDocument `json:"distribution_constraints,omitempty"`
}

type distributionDocument struct {
	Compare           *toggle  `json:"perform_comparison,omitempty"`
	OldCompare        *toggle  `json:"enable_comparisons,omitempty"`
	DomainMass        *decimal `json:"min_domain_mass,omitempty"`
	Threshold         *decimal `json:"comparison_threshold,omitempty"`
	Method            *string  `json:"comparison_method,omitempty"`
	OldMethod         *string  `json:"comparion_method,omitempty"`
	CategoryThreshold *decimal `json:"categorical_comparison_threshold,omitempty"`
	CategoryMethod    *string  `json:"categorical_drift_method,omitempty"`
}

// read checks the constraints of a feature. Its own settings go before the general ones.
func (d *constraintDocument) read(general Settings) (FeatureConstraints, error) {
	f := FeatureConstraints{Name: d.Name, Type: d.Type, document: d}
	if d.Name == "" {
		return f, errors.New("it has no name")
	}
	if !slices.Contains([]DataType{"", Integral, Fractional, String, Unknown}, d.Type) {
		return f, fmt.Errorf("inferred_type is %q: it must be Integral, Fractional, String or Unknown", d.Type)
	}
	all := []*configDocument{d.OldOverrides, d.Overrides}
	if d.Numbers != nil {
		f.NonNegative = d.Numbers.NonNegative
		all = append(all, d.Numbers.OldOverrides, d.Numbers.Overrides)
	}
	if d.Names != nil {
		f.Domains = d.Names.Domains
		all = append(all, d.Names.OldOverrides, d.Names.Overrides)
	}
	for _, overrides := range all {
		if err := overrides.apply(&general); err != nil {
			return f, fmt.Errorf("monitoringConfigOverrides: %w", err)
		}
	}
	f.Settings = general.complete()
	return f, share("completeness", d.Completeness, &f.Completeness)
}

// apply changes the settings that the document gives.
func (d *configDocument) apply(s *Settings) error {
	if d == nil {
		return nil
	}
	d.Evaluate.apply(&s.Evaluate)
	if d.Distribution != nil {
		if err := d.Distribution.apply(s); err != nil {
			return fmt.Errorf("distribution_constraints: %w", err)
		}
	}
	if err := share("datatype_check_threshold", d.TypeThreshold, &s.TypeThreshold); err != nil {
		return err
	}
	return share("domain_content_threshold", d.DomainThreshold, &s.DomainThreshold)
}

func (d *distributionDocument) apply(s *Settings) error {
	d.OldCompare.apply(&s.Compare)
	d.Compare.apply(&s.Compare)
	for _, method := range []*string{d.OldMethod, d.Method} {
		switch {
		case method == nil:
		case strings.EqualFold(*method, "Simple"), strings.EqualFold(*method, "linf_simple"):
			s.Robust = false
		case strings.EqualFold(*method, "Robust"), strings.EqualFold(*method, "linf_robust"):
			s.Robust = true
		default:
			return fmt.Errorf("comparison_method is %q: it must be Simple or Robust", *method)
		}
	}
	switch {
	case d.CategoryMethod == nil:
	case strings.EqualFold(*d.CategoryMethod, "LInfinity"):
		s.ChiSquared = false
	case strings.EqualFold(*d.CategoryMethod, "ChiSquared"):
		s.ChiSquared = true
	default:
		return fmt.Errorf("categorical_drift_method is %q: it must be LInfinity or ChiSquared", *d.CategoryMethod)
	}
	if err := share("min_domain_mass", d.DomainMass, &s.DomainThreshold); err != nil {
		return err
	}
	if err := distance("comparison_threshold", d.Threshold, &s.Threshold); err != nil {
		return err
	}
	return distance("categorical_comparison_threshold", d.CategoryThreshold, &s.CategoryThreshold)
}

// distance sets a figure that must not be negative. No distance is above 1, so more than 1 allows all.
func distance(field string, from *decimal, to *float64) error {
	if from == nil {
		return nil
	}
	if x := float64(*from); !(x >= 0) {
		return fmt.Errorf("%s is %v: it must be 0 or more", field, x)
	}
	*to = float64(*from)
	return nil
}

// share sets a figure that must be between 0 and 1.
func share(field string, from *decimal, to *float64) error {
	if from == nil {
		return nil
	}
	if x := float64(*from); !(x >= 0 && x <= 1) {
		return fmt.Errorf("%s is %v: it must be between 0 and 1", field, x)
	}
	*to = float64(*from)
	return nil
}

// toggle is Enabled or Disabled.
type toggle bool

func (t *toggle) apply(to *bool) {
	if t != nil {
		*to = bool(*t)
	}
}

// MarshalJSON writes the word.
func (t toggle) MarshalJSON() ([]byte, error) {
	if t {
		return []byte(`"Enabled"`), nil
	}
	return []byte(`"Disabled"`), nil
}

// UnmarshalJSON reads the word, or a boolean.
func (t *toggle) UnmarshalJSON(b []byte) error {
	switch word := strings.Trim(string(b), `"`); {
	case strings.EqualFold(word, "Enabled"), word == "true":
		*t = true
	case strings.EqualFold(word, "Disabled"), word == "false":
		*t = false
	default:
		return fmt.Errorf("%.40s is neither Enabled nor Disabled", b)
	}
	return nil
}
