package baseline

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustParseConstraints(t *testing.T, content string) *Constraints {
	t.Helper()
	c, err := ParseConstraints([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSuggest(t *testing.T) {
	b := mustBuild(t, Roles{Predictions: []string{"score"}}, write(t, "weather.csv", weather))
	want := compact(t, `{"version":0.0,"features":[
		{"name":"score","inferred_type":"Fractional","completeness":1.0,"num_constraints":{"is_non_negative":true}},
		{"name":"days","inferred_type":"Integral","completeness":1.0,"num_constraints":{"is_non_negative":true}},
		{"name":"temperature","inferred_type":"Fractional","completeness":0.75,"num_constraints":{"is_non_negative":false}},
		{"name":"town","inferred_type":"String","completeness":1.0,"string_constraints":{"domains":["Bonn","Bonn, Beuel","Köln"]}},
		{"name":"code","inferred_type":"String","completeness":0.75,"string_constraints":{"domains":["true","false"]}},
		{"name":"empty","inferred_type":"Unknown","completeness":0.0},
		{"name":"mixed","inferred_type":"String","completeness":0.75,"string_constraints":{"domains":["1","2.5","x"]}}],
		"monitoring_config":{"evaluate_constraints":"Enabled","emit_metrics":"Enabled","datatype_check_threshold":1.0,"domain_content_threshold":1.0,
		"distribution_constraints":{"perform_comparison":"Enabled","comparison_threshold":0.1,"comparison_method":"Robust",
		"categorical_comparison_threshold":0.1,"categorical_drift_method":"LInfinity"}}}`)
	if diff := cmp.Diff(want, marshal(t, b.Constraints)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	back := mustParseConstraints(t, want)
	if diff := cmp.Diff(b.Constraints.Settings, back.Settings); diff != "" {
		t.Errorf("settings (-suggested +read):\n%s", diff)
	}
	if got := marshal(t, back); got != want {
		t.Errorf("read and written: %s", got)
	}
}

func TestSettings(t *testing.T) {
	usual := Settings{Evaluate: true, TypeThreshold: 1, DomainThreshold: 1, Compare: true, Threshold: 0.1, Robust: true, CategoryThreshold: 0.1}
	with := func(change func(*Settings)) Settings { s := usual; change(&s); return s }
	for _, test := range []struct {
		name, config, feature string
		general, own          Settings
	}{
		{"nothing given", `{}`, ``, usual, usual},
		{
			"as generated", `{"evaluate_constraints":"Enabled","datatype_check_threshold":0.9,"domain_content_threshold":0.8,
			"distribution_constraints":{"perform_comparison":"Disabled","comparison_threshold":0.3,"comparison_method":"Simple"}}`, ``,
			Settings{true, 0.9, 0.8, false, 0.3, false, 0.3, false},
			Settings{true, 0.9, 0.8, false, 0.3, false, 0.3, false},
		},
		{
			"categories apart", `{"distribution_constraints":{"categorical_comparison_threshold":0.05,"categorical_drift_method":"ChiSquared"}}`, ``,
			with(func(s *Settings) { s.CategoryThreshold, s.ChiSquared = 0.05, true }), with(func(s *Settings) { s.CategoryThreshold, s.ChiSquared = 0.05, true }),
		},
		{
			"old keys", `{"evaluate_constraints":false,"distribution_constraints":{"enable_comparisons":false,"min_domain_mass":0.7,"comparison_threshold":1.0,"comparion_method":"linf_simple"}}`, ``,
			Settings{false, 1, 0.7, false, 1, false, 1, false},
			Settings{false, 1, 0.7, false, 1, false, 1, false},
		},
		{
			"old and new keys", `{"domain_content_threshold":0.6,"distribution_constraints":{"enable_comparisons":false,"perform_comparison":"ENABLED","min_domain_mass":0.7,"comparion_method":"Simple","comparison_method":"linf_robust"}}`, ``,
			with(func(s *Settings) { s.DomainThreshold = 0.6 }), with(func(s *Settings) { s.DomainThreshold = 0.6 }),
		},
		{
			"overrides", `{"datatype_check_threshold":0.9}`, `"monitoringConfigOverrides":{"distribution_constraints":{"comparison_threshold":0.5}}`,
			with(func(s *Settings) { s.TypeThreshold = 0.9 }), with(func(s *Settings) { s.TypeThreshold, s.Threshold, s.CategoryThreshold = 0.9, 0.5, 0.5 }),
		},
		{
			"overrides in string_constraints", `{}`, `"string_constraints":{"domains":["a"],"monitoring_config_overrides":{"evaluate_constraints":"Disabled"}}`,
			usual, with(func(s *Settings) { s.Evaluate = false }),
		},
		{
			"overrides in num_constraints", `{}`, `"num_constraints":{"monitoring_config_overrides":{"datatype_check_threshold":0.2}}`,
			usual, with(func(s *Settings) { s.TypeThreshold = 0.2 }),
		},
		{
			"old overrides of the feature", `{}`, `"monitoring_config_overrides":{"domain_content_threshold":0.3}, "monitoringConfigOverrides":{}`,
			usual, with(func(s *Settings) { s.DomainThreshold = 0.3 }),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.feature != "" {
				test.feature = "," + test.feature
			}
			c := mustParseConstraints(t, `{"features":[{"name":"x","inferred_type":"String"`+test.feature+`}],"monitoring_config":`+test.config+`}`)
			if diff := cmp.Diff(test.general, c.Settings); diff != "" {
				t.Errorf("general (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.own, c.Features[0].Settings); diff != "" {
				t.Errorf("of the feature (-want +got):\n%s", diff)
			}
			again := mustParseConstraints(t, marshal(t, c))
			if diff := cmp.Diff(test.own, again.Features[0].Settings); diff != "" {
				t.Errorf("of the feature, written and read (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseConstraintsRefuses(t *testing.T) {
	for content, want := range map[string]string{
		``:                             "not a constraints.json",
		`{"regression_constraints":0}`: "features: there are none",
		`{"features":[{"name":""}]}`:   `feature 1, "": it has no name`,
		`{"features":[{"name":"x"},{"name":"x"}]}`:                                                                       `feature 2: the name "x" appears twice`,
		`{"features":[{"name":"x","inferred_type":"Text"}]}`:                                                             `inferred_type is "Text"`,
		`{"features":[{"name":"x","completeness":1.1}]}`:                                                                 `feature 1, "x": completeness is 1.1: it must be between 0 and 1`,
		`{"features":[{"name":"x","completeness":"NaN"}]}`:                                                               "completeness is NaN",
		`{"features":[{"name":"x"}],"monitoring_config":{"evaluate_constraints":"Maybe"}}`:                               `"Maybe" is neither Enabled nor Disabled`,
		`{"features":[{"name":"x"}],"monitoring_config":{"datatype_check_threshold":-1}}`:                                "monitoring_config: datatype_check_threshold is -1",
		`{"features":[{"name":"x"}],"monitoring_config":{"distribution_constraints":{"comparison_threshold":-0.1}}}`:     "monitoring_config: distribution_constraints: comparison_threshold is -0.1: it must be 0 or more",
		`{"features":[{"name":"x"}],"monitoring_config":{"distribution_constraints":{"comparison_method":"Median"}}}`:    `comparison_method is "Median"`,
		`{"features":[{"name":"x"}],"monitoring_config":{"distribution_constraints":{"categorical_drift_method":"L2"}}}`: `categorical_drift_method is "L2"`,
		`{"features":[{"name":"x","monitoringConfigOverrides":{"domain_content_threshold":2}}]}`:                         `feature 1, "x": monitoringConfigOverrides: domain_content_threshold is 2`,
	} {
		if _, err := ParseConstraints([]byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", content, err, want)
		}
	}
}

// FuzzConstraints checks that whatever the file holds, it is refused or its settings are in range, and come back when it is
// written and read.
func FuzzConstraints(f *testing.F) {
	f.Add([]byte(`{"features":[{"name":"x","inferred_type":"String","completeness":0.5,"num_constraints":{"is_non_negative":true},"string_constraints":{"domains":["a",""],"monitoring_config_overrides":{"distribution_constraints":{"min_domain_mass":0.5}}}}],
		"monitoring_config":{"distribution_constraints":{"enable_comparisons":true,"comparison_threshold":1e300,"categorical_drift_method":"chisquared"}}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := ParseConstraints(content)
		if err != nil {
			return
		}
		again := mustParseConstraints(t, marshal(t, c))
		for i, x := range c.Features {
			s := x.Settings
			if !(s.TypeThreshold >= 0 && s.TypeThreshold <= 1 && s.DomainThreshold >= 0 && s.DomainThreshold <= 1 && s.Threshold >= 0 && s.CategoryThreshold >= 0) {
				t.Fatalf("%q: %+v", x.Name, s)
			}
			if y := again.Features[i]; y.Name != x.Name || y.Completeness != x.Completeness {
				t.Fatalf("%+v came back as %+v", x, y)
			}
		}
	})
}
