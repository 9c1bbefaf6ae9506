package main

import (
	"fmt"
	"math"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/detectors"
	"tidemark/monitor"
	"tidemark/profile"
)

// sides are what is compared, column by column.
type sides struct {
	columns        []capture.Column
	reference      *profile.Profile
	current        *profile.Profile
	values         []baseline.Values // of the reference, with --exact
	currentValues  []baseline.Values
	missing, extra []string

	constraints *baseline.Constraints // that decide quality, or nil
	statistics  *baseline.Statistics  // of the current data, with constraints
}

// scoreResult is what score --json prints.
type scoreResult struct {
	Features   []scoredFeature `json:"features"`   // in the order of the reference
	Violations []violation     `json:"violations"` // of the data's quality
	Drift      bool            `json:"drift"`      // a drift statistic is over its threshold

	rows       [2]int64 // of reference and current
	minSamples int64
}

// scoredFeature is a column with its scores by the name of the statistic. Those that are not defined are left out.
type scoredFeature struct {
	Name      string                  `json:"name"`
	Type      capture.Kind            `json:"type"`
	Reference counts                  `json:"reference"`
	Current   counts                  `json:"current"`
	Scores    map[string]featureScore `json:"scores"`

	profiles [2]*profile.Feature // reference and current
}

// counts are the rows that have a column, and how many of them have no value in it.
type counts struct {
	Count   int64 `json:"count"`
	Missing int64 `json:"missing"`
}

// featureScore is a score and what it means. A statistic without a threshold decides nothing.
type featureScore struct {
	Score        float64  `json:"score"`
	PValue       *float64 `json:"p_value"`
	Threshold    *float64 `json:"threshold"`
	Drift        bool     `json:"drift"`
	Insufficient bool     `json:"insufficient,omitempty"` // too few values to decide
	Lower        *float64 `json:"lower,omitempty"`
	Upper        *float64 `json:"upper,omitempty"`
	Expected     *float64 `json:"expected,omitempty"`
}

// violation is a fault of the data's quality. Check is "missing_column", "extra_column", or the name of a statistic. With
// --constraints it is SageMaker's constraint_check_type, and Message its description.
type violation struct {
	Feature string `json:"feature"`
	Check   string `json:"check"`
	Message string `json:"message"`
}

func (s *sides) score(rules map[string]monitor.Rule) *scoreResult {
	result := &scoreResult{Violations: []violation{}, rows: [2]int64{s.reference.Rows, s.current.Rows}}
	result.Violations = append(result.Violations, s.columnViolations()...)
	for i, column := range s.columns {
		r, c := &s.reference.Features[i], &s.current.Features[i]
		f := scoredFeature{
			Name: column.Name, Type: column.Kind, Scores: make(map[string]featureScore), profiles: [2]*profile.Feature{r, c},
			Reference: counts{r.Captured, r.Missing}, Current: counts{c.Captured, c.Missing},
		}
		for _, name := range statistics() {
			score, defined := s.compute(detectors.New(name), i)
			if !defined {
				continue
			}
			rule, decides := rules[name]
			judged := judge(score, name, rule, decides, r, c)
			f.Scores[name] = judged
			switch {
			case !judged.Drift:
			case detectors.KindOf(name) == detectors.KindQuality:
				result.Violations = append(result.Violations, violation{column.Name, name, fmt.Sprintf("%s is %.3g, over %g", name, score.Value, rule.Threshold)})
			default:
				result.Drift = true
			}
		}
		result.Features = append(result.Features, f)
	}
	return result
}

// columnViolations are those of missing and extra columns, or, with constraints, all that these find.
func (s *sides) columnViolations() []violation {
	var found []violation
	if s.constraints != nil {
		for _, v := range monitor.CheckConstraints(s.constraints, s.reference, s.current, s.statistics) {
			found = append(found, violation{v.Feature, v.Check, v.Description})
		}
		return found
	}
	for _, name := range s.missing {
		found = append(found, violation{name, "missing_column", "the current data has no such column"})
	}
	for _, name := range s.extra {
		found = append(found, violation{name, "extra_column", "the reference has no such column"})
	}
	return found
}

func (s *sides) compute(statistic detectors.Statistic, column int) (detectors.Score, bool) {
	if s.values == nil {
		return statistic.Score(&s.reference.Features[column], &s.current.Features[column])
	}
	r, c := detectors.Sample(s.values[column]), detectors.Sample(s.currentValues[column])
	return statistic.Exact(&r, &c)
}

// judge decides as a monitor does in its reports: by the size of the score beyond what is expected.
func judge(score detectors.Score, name string, rule monitor.Rule, decides bool, reference, current *profile.Feature) featureScore {
	judged := featureScore{Score: score.Value, PValue: score.PValue(), Lower: score.Lower, Upper: score.Upper, Expected: score.Expected}
	if !decides {
		return judged
	}
	samples := min(reference.Captured, current.Captured)
	if detectors.KindOf(name) == detectors.KindDrift {
		samples = min(reference.Present(), current.Present())
	}
	effect := math.Abs(score.Value)
	if score.Expected != nil {
		effect -= *score.Expected
	}
	judged.Threshold = &rule.Threshold
	judged.Insufficient = samples < rule.MinSamples
	judged.Drift = effect > rule.Threshold && !judged.Insufficient
	return judged
}
