package monitor

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/baseline"
)

// checked evaluates constraints on a current CSV file, against a baseline of the reference's. A nil constraints are those
// that the reference suggests.
func checked(t testing.TB, reference, current, constraints string) []Violation {
	t.Helper()
	b, err := baseline.Build([]string{csvFile(t, "reference.csv", reference)}, baseline.Roles{}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	c := b.Constraints
	if constraints != "" {
		if c, err = baseline.ParseConstraints([]byte(constraints)); err != nil {
			t.Fatal(err)
		}
	}
	data, err := b.Open([]string{csvFile(t, "current.csv", current)})
	if err != nil {
		t.Fatal(err)
	}
	p, err := data.Profile()
	if err != nil {
		t.Fatal(err)
	}
	s, err := data.Statistics()
	if err != nil {
		t.Fatal(err)
	}
	return CheckConstraints(c, b.Profile, p, s)
}

func csvFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// column is a CSV file of one column.
func column(name string, cells ...string) string {
	var b strings.Builder
	b.WriteString("id," + name + "\n")
	for i, cell := range cells {
		fmt.Fprintf(&b, "%d,%s\n", i, cell)
	}
	return b.String()
}

// times repeats cells.
func times(n int, cells ...string) []string {
	var all []string
	for range n {
		all = append(all, cells...)
	}
	return all
}

func TestCheckConstraints(t *testing.T) {
	const robust, simple = `{"features":[{"name":"id"},{"name":"x"}]}`,
		`{"features":[{"name":"id","monitoringConfigOverrides":{"evaluate_constraints":"Disabled"}},{"name":"x"}],"monitoring_config":{"distribution_constraints":{"comparison_method":"Simple"}}}`
	for _, test := range []struct {
		name               string
		reference, current string
		constraints        string
		want               []Violation
	}{
		{"nothing changed", column("x", "1", "2", ""), column("x", "1", "2", ""), "", nil},
		{"types", column("x", "1", "2", "3", "4"), column("x", "1", "2.5", "", "x", "3"), "", []Violation{
			{"x", "data_type_check", "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. Observed: Only 50.0% of data is Integral."},
			{"x", "completeness_check", "Completeness requirement is not met. Expected completeness: 100.0%. Observed: Only 80.0% of data is complete."},
		}},
		{"whole numbers fit a Fractional column", column("x", "1.5", "2"), column("x", "1", "2"), "", nil},
		{"numbers are no text", column("x", "a", "b"), column("x", "1", "2.5"), "", []Violation{
			{"x", "data_type_check", "Data type match requirement is not met. Expected data type: String, Expected match: 100.0%. Observed: Only 0.0% of data is String."},
			{"x", "baseline_drift_check", "Baseline drift distance: 1.0 exceeds threshold: 0.1"},
		}},
		{"some text is text", column("x", "a", "1"), column("x", "a", "1", "1"), "", nil},
		{"columns", "id,x,y\n1,2,3\n", "id,z,x\n1,2,2\n", "", []Violation{
			{"y", "missing_column_check", "There are missing columns in current dataset. Number of columns in current dataset: 3, Number of columns in baseline constraints: 3"},
			{"z", "extra_column_check", "There are extra columns in current dataset. Number of columns in current dataset: 3, Number of columns in baseline constraints: 3"},
		}},
		{"domain", column("x", times(10, "a", "b")...), column("x", append(times(10, "a", "b"), "c", "", "", "")...), "", []Violation{
			{"x", "completeness_check", "Completeness requirement is not met. Expected completeness: 100.0%. Observed: Only 87.5% of data is complete."},
			{"x", "categorical_values_check", "Domain content requirement is not met. Expected match: 100.0%. Observed: Only 95.23809523809523% of data is in the domain."},
		}},
		{"categories drift", column("x", times(50, "a", "b")...), column("x", times(25, "a", "a", "a", "b")...), "", []Violation{
			{"x", "baseline_drift_check", "Baseline drift distance: 0.25 exceeds threshold: 0.1"},
		}},
		{
			"categories drift by chi-square", column("x", times(50, "a", "b")...), column("x", times(25, "a", "a", "a", "b")...),
			`{"features":[{"name":"id"},{"name":"x"}],"monitoring_config":{"distribution_constraints":{"categorical_drift_method":"ChiSquared","categorical_comparison_threshold":0.001}}}`,
			[]Violation{
				// Yates: chi-square is 200*(|50*25-50*75|-100)^2/(100*100*125*75) = 12.288; its p-value with one degree of freedom.
				{"x", "baseline_drift_check", "Baseline drift p-value: 0.00045588000520561386 is below threshold: 0.001"},
			},
		},
		{"robust distance", column("x", times(500, "1.5", "2.5")...), column("x", times(250, "1.5", "1.5", "1.5", "2.5")...), robust, []Violation{
			// 0.25 - 1.8 sqrt(2000/1e6)
			{"x", "baseline_drift_check", "Baseline drift distance: 0.16950155281000756 exceeds threshold: 0.1"},
		}},
		{"robust distance of few rows", column("x", times(50, "1.5", "2.5")...), column("x", times(25, "1.5", "1.5", "1.5", "2.5")...), robust, nil},
		{"simple distance", column("x", times(50, "1.5", "2.5")...), column("x", times(25, "1.5", "1.5", "1.5", "2.5")...), simple, []Violation{
			{"x", "baseline_drift_check", "Baseline drift distance: 0.25 exceeds threshold: 0.1"},
		}},
		{
			"comparison off", column("x", times(50, "1.5", "2.5")...), column("x", times(50, "1.5", "1.5")...),
			`{"features":[{"name":"id"},{"name":"x","monitoringConfigOverrides":{"distribution_constraints":{"perform_comparison":"Disabled"}}}]}`, nil,
		},
		{
			"a feature off", column("x", "a"), column("x", "1"),
			`{"features":[{"name":"id"},{"name":"gone","string_constraints":{"monitoring_config_overrides":{"evaluate_constraints":"Disabled"}}},
			{"name":"x","inferred_type":"String","completeness":1,"string_constraints":{"domains":["b"],"monitoring_config_overrides":{"evaluate_constraints":"Disabled"}}}]}`, nil,
		},
		{"all off", column("x", "a"), column("y", "1"), `{"features":[{"name":"id"},{"name":"x"}],"monitoring_config":{"evaluate_constraints":"Disabled"}}`, nil},
		{
			"thresholds met exactly", column("x", "1"), column("x", "1", "x"),
			`{"features":[{"name":"id"},{"name":"x","inferred_type":"Integral","string_constraints":{"domains":["1"]}}],"monitoring_config":{"datatype_check_threshold":0.5,"domain_content_threshold":0.5}}`, nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, checked(t, test.reference, test.current, test.constraints)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestViolationsAsInTheFile(t *testing.T) {
	text, err := json.Marshal(Violation{"x", "data_type_check", "d"})
	if err != nil || string(text) != `{"feature_name":"x","constraint_check_type":"data_type_check","description":"d"}` {
		t.Errorf("%s (error %v)", text, err)
	}
}

// Data fulfils the constraints that are made of it, whatever it holds.
func TestDataFulfilsItsConstraints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.csv")
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.OneOf(rapid.SampledFrom([]string{"", "1", "2", "-3", "1.5", "a", "true", "NA", "NaN", " 1", ".5", "- 1", "1e999", "1.0"}), rapid.StringMatching(`[0-9]{1,3}`))
		var b strings.Builder
		b.WriteString("x,y,z\n")
		for range rapid.IntRange(1, 40).Draw(t, "rows") {
			fmt.Fprintf(&b, "%s,%s,0\n", cell.Draw(t, "x"), cell.Draw(t, "y"))
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		built, err := baseline.Build([]string{path}, baseline.Roles{}, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		data, err := built.Open([]string{path})
		if err != nil {
			t.Fatal(err)
		}
		s, err := data.Statistics()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(built.Statistics, s); diff != "" {
			t.Fatalf("statistics (-built +of the data):\n%s", diff)
		}
		if found := CheckConstraints(built.Constraints, built.Profile, built.Profile, s); len(found) > 0 {
			t.Fatalf("violations %+v", found)
		}
	})
}
