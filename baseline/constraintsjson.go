package baseline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

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
	overrides
}

type numberConstraints struct {
	NonNegative *bool `json:"is_non_negative,omitempty"`
	overrides
}

type nameConstraints struct {
	Domains []string `json:"domains,omitempty"`
	overrides
}

// overrides are the settings that one thing has of its own, under the name of today or an older one.
type overrides struct {
	Overrides    *configDocument `json:"monitoringConfigOverrides,omitempty"`
	OldOverrides *configDocument `json:"monitoring_config_overrides,omitempty"`
}

func (o *overrides) apply(s *Settings) error {
	for _, d := range []*configDocument{o.OldOverrides, o.Overrides} {
		if err := d.apply(s); err != nil {
			return fmt.Errorf("monitoringConfigOverrides: %w", err)
		}
	}
	return nil
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
	all := []*overrides{&d.overrides}
	if d.Numbers != nil {
		f.NonNegative = d.Numbers.NonNegative
		all = append(all, &d.Numbers.overrides)
	}
	if d.Names != nil {
		f.Domains = d.Names.Domains
		all = append(all, &d.Names.overrides)
	}
	for _, o := range all {
		if err := o.apply(&general); err != nil {
			return f, err
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
