package monitor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidemark/baseline"
	"tidemark/detectors"
	"tidemark/profile"
)

// Violation is an entry of SageMaker Model Monitor's constraint_violations.json.
type Violation struct {
	Feature     string `json:"feature_name"`
	Check       string `json:"constraint_check_type"` // data_type_check, completeness_check, ...
	Description string `json:"description"`
}

// CheckConstraints evaluates constraints on current data as Model Monitor does: which columns there are, of each
// column the types, the completeness and, for text, the known values, and how far its distribution is from the
// baseline's. It returns the violations, first those of missing and extra columns, then the others in the order of the
// constraints.
//
// Statistics are those of the current data. Reference and current, which must be of one layout, are what
// distributions are compared from; a feature that one of them does not have is not compared, and with nil none is.
//
// Where Model Monitor's behaviour is not published, it is this: whole numbers fit a Fractional column; a String column
// is one with any text in it; missing and extra columns are found by name, one violation each.
func CheckConstraints(c *baseline.Constraints, reference, current *profile.Profile, statistics *baseline.Statistics) []Violation {
	if !c.Settings.Evaluate {
		return nil
	}
	columns := columnsOf(statistics)
	found := columnViolations(c, columns, statistics)
	for i := range c.Features {
		f := &c.Features[i]
		column := columns[f.Name]
		if column == nil || !f.Settings.Evaluate {
			continue
		}
		for _, check := range constraintChecks {
			if breach := check.breached(f, column, reference, current); breach.description != "" {
				found = append(found, Violation{f.Name, check.name, breach.description})
			}
		}
	}
	return found
}

func columnsOf(statistics *baseline.Statistics) map[string]*baseline.FeatureStatistics {
	columns := make(map[string]*baseline.FeatureStatistics, len(statistics.Features))
	for i := range statistics.Features {
		columns[statistics.Features[i].Name] = &statistics.Features[i]
	}
	return columns
}

// breach is how a constraint is violated: the description, empty when it is not, and the figure with its limit.
type breach struct {
	description     string
	observed, limit float64
}

const driftCheck = "baseline_drift_check"

// constraintChecks are the checks of one column.
var constraintChecks = []struct {
	name     string
	breached func(f *baseline.FeatureConstraints, column *baseline.FeatureStatistics, reference, current *profile.Profile) breach
}{
	{"data_type_check", typeBreach},
	{"completeness_check", completenessBreach},
	{driftCheck, driftBreach},
	{"categorical_values_check", domainBreach},
}

// columnViolations are those of columns that are missing or extra.
func columnViolations(c *baseline.Constraints, columns map[string]*baseline.FeatureStatistics, statistics *baseline.Statistics) []Violation {
	var found []Violation
	counts := fmt.Sprintf("Number of columns in current dataset: %d, Number of columns in baseline constraints: %d", len(statistics.Features), len(c.Features))
	for _, f := range c.Features {
		if columns[f.Name] == nil && f.Settings.Evaluate {
			found = append(found, Violation{f.Name, "missing_column_check", "There are missing columns in current dataset. " + counts})
		}
	}
	for _, column := range statistics.Features {
		if !slices.ContainsFunc(c.Features, func(f baseline.FeatureConstraints) bool { return f.Name == column.Name }) {
			found = append(found, Violation{column.Name, "extra_column_check", "There are extra columns in current dataset. " + counts})
		}
	}
	return found
}

func typeBreach(f *baseline.FeatureConstraints, column *baseline.FeatureStatistics, _, _ *profile.Profile) breach {
	if column.Present == 0 {
		return breach{}
	}
	var fitting int64
	switch types := column.Types; f.Type {
	case baseline.Integral:
		fitting = types.Integral
	case baseline.Fractional:
		fitting = types.Integral + types.Fractional
	case baseline.String:
		if types.String > 0 {
			fitting = column.Present
		}
	default:
		return breach{}
	}
	share := float64(fitting) / float64(column.Present)
	if share >= f.Settings.TypeThreshold {
		return breach{}
	}
	return breach{fmt.Sprintf("Data type match requirement is not met. Expected data type: %s, Expected match: %s. Observed: Only %s of data is %s.",
		f.Type, percent(f.Settings.TypeThreshold), percent(share), f.Type), share, f.Settings.TypeThreshold}
}

func completenessBreach(f *baseline.FeatureConstraints, column *baseline.FeatureStatistics, _, _ *profile.Profile) breach {
	share := column.Completeness()
	if share >= f.Completeness {
		return breach{}
	}
	return breach{fmt.Sprintf("Completeness requirement is not met. Expected completeness: %s. Observed: Only %s of data is complete.",
		percent(f.Completeness), percent(share)), share, f.Completeness}
}

func domainBreach(f *baseline.FeatureConstraints, column *baseline.FeatureStatistics, _, _ *profile.Profile) breach {
	if f.Domains == nil || column.Names == nil || column.Present == 0 {
		return breach{}
	}
	domain := make(map[string]bool, len(f.Domains))
	for _, value := range f.Domains {
		domain[value] = true
	}
	var known int64
	for _, v := range column.Names.Values {
		if domain[v.Value] {
			known += v.Count
		}
	}
	if slices.ContainsFunc(column.Names.Among, func(name string) bool { return domain[name] }) {
		known += column.Names.Unlisted
	}
	share := float64(known) / float64(column.Present)
	if share >= f.Settings.DomainThreshold {
		return breach{}
	}
	return breach{fmt.Sprintf("Domain content requirement is not met. Expected match: %s. Observed: Only %s of data is in the domain.",
		percent(f.Settings.DomainThreshold), percent(share)), share, f.Settings.DomainThreshold}
}

func driftBreach(f *baseline.FeatureConstraints, _ *baseline.FeatureStatistics, reference, current *profile.Profile) breach {
	if !f.Settings.Compare || reference == nil || current == nil {
		return breach{}
	}
	r, c := reference.Feature(f.Name), current.Feature(f.Name)
	if r == nil || c == nil {
		return breach{}
	}
	threshold := f.Settings.Threshold
	var distance detectors.Score
	var defined bool
	switch {
	case r.Numeric() && f.Settings.Robust:
		distance, defined = detectors.KSRobust{}.Score(r, c)
	case r.Numeric():
		distance, defined = detectors.KS{}.Score(r, c)
	case f.Settings.ChiSquared:
		return chiSquaredBreach(f, r, c)
	default:
		threshold = f.Settings.CategoryThreshold
		distance, defined = detectors.LInfinity{}.Score(r, c)
	}
	if !defined || distance.Value <= threshold {
		return breach{}
	}
	return breach{fmt.Sprintf("Baseline drift distance: %s exceeds threshold: %s", decimal(distance.Value), decimal(threshold)), distance.Value, threshold}
}

// chiSquaredBreach is one when the test's p-value is below the threshold.
func chiSquaredBreach(f *baseline.FeatureConstraints, reference, current *profile.Feature) breach {
	score, defined := detectors.ChiSquare{}.Score(reference, current)
	if limit := f.Settings.CategoryThreshold; defined {
		if p := score.PValue(); p != nil && *p < limit {
			return breach{fmt.Sprintf("Baseline drift p-value: %s is below threshold: %s", decimal(*p), decimal(limit)), *p, limit}
		}
	}
	return breach{}
}

func percent(share float64) string { return decimal(share*100) + "%" }

// decimal writes a number with a point, whole ones too.
func decimal(x float64) string {
	text := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
