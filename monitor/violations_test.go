package monitor

import (
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

func constraintsOf(t testing.TB, text string) *baseline.Constraints {
	t.Helper()
	c, err := baseline.ParseConstraints([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A constraint fires with the first window that violates it and is resolved by the first that does not. Its words are
// Model Monitor's, in the report too.
func TestConstraintsInTheStream(t *testing.T) {
	m := watch("churn", tumbling(minute), func(c *Config) { c.Constraints = "constraints.json" })
	if len(m.Quality) != 0 {
		t.Errorf("quality is judged by %v beside the constraints", m.Quality)
	}
	if err := m.Constrain(constraintsOf(t, `{"features":[{"name":"x","inferred_type":"Integral","completeness":1},{"name":"plan","completeness":1}],
		"monitoring_config":{"datatype_check_threshold":0.5,"distribution_constraints":{"comparison_method":"Simple","comparison_threshold":0.3}}}`)); err != nil {
		t.Fatal(err)
	}
	s := newSim(t, m)
	whole := func(i int) float64 { return float64(i%4)*25 + 12 }
	for i, x := range []func(int) float64{whole, usual, usual, whole, drifted, drifted, whole} {
		n := 300
		if i == 5 {
			n = 199 // too few to compare distributions: the alert stays
		}
		s.rows(0, "churn", noon.Add(time.Duration(i)*minute), n, x)
		s.commit(minute)
	}
	s.rows(0, "churn", noon.Add(7*minute+5*second), 1, whole)
	s.commit(minute)
	const types = "Data type match requirement is not met. Expected data type: Integral, Expected match: 50.0%. Observed: Only 0.0% of data is Integral."
	const drift = "Baseline drift distance: 1.0 exceeds threshold: 0.3"
	type told struct{ Kind, Rule, Message string }
	var got []told
	for _, a := range s.out.Alerts {
		if a.Rule != "psi" {
			got = append(got, told{a.Kind, a.State, a.Message})
		}
	}
	want := []told{
		{"quality", "firing", "data_type_check of x on churn, in the 1m window to 2026-03-01T12:02:00Z: " + types},
		{"quality", "resolved", "data_type_check of x on churn is passed again, in the 1m window to 2026-03-01T12:04:00Z"},
		{"drift", "firing", "baseline_drift_check of x on churn, in the 1m window to 2026-03-01T12:05:00Z: " + drift},
		{"drift", "resolved", "baseline_drift_check of x on churn is passed again, in the 1m window to 2026-03-01T12:07:00Z"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
	for i, want := range [][]Violation{nil, {{"x", "data_type_check", types}}, {{"x", "data_type_check", types}}, nil, {{"x", driftCheck, drift}}, nil, nil} {
		if diff := cmp.Diff(want, s.out.Reports[i].Violations); diff != "" {
			t.Errorf("report %d (-want +got):\n%s", i, diff)
		}
	}
	for _, a := range s.out.Alerts {
		if a.Rule == "data_type_check" && (a.Score != 0 && a.State == firing || a.Threshold != 0.5 && a.State == firing || a.Samples != Samples{1000, 300} || len(a.Histogram.Reference) == 0) {
			t.Errorf("alert %+v", a)
		}
	}
}

// A constraint on a column that the baseline does not have is a fault, one on a label is not.
func TestConstraintsFitTheBaseline(t *testing.T) {
	built, err := baseline.Build([]string{csvFile(t, "data.csv", column("x", "1", "2", "3"))}, baseline.Roles{Labels: []string{"id"}}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	c := DefaultConfig()
	c.Name, c.Constraints = "churn", "c.json"
	m := New(c, built)
	if err := m.Constrain(constraintsOf(t, `{"features":[{"name":"id"},{"name":"x"}]}`)); err != nil {
		t.Errorf("constraints on a label: %v", err)
	}
	err = m.Constrain(constraintsOf(t, `{"features":[{"name":"y"}]}`))
	if want := `monitor "churn": constraints are on "y", a column that the baseline does not have: build it from the data that the constraints are of, or leave the feature out of c.json`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// Counts tell the same violations as the data that was counted, for values whose text and number are one.
func TestCountsTellTheViolationsOfTheData(t *testing.T) {
	dir := t.TempDir()
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.OneOf(
			rapid.SampledFrom([]string{"", "1", "2", "-3", "1.5", "a", "b", "true", "x y"}),
			rapid.StringMatching(`[0-9]{1,3}`), rapid.StringMatching(`[a-d]`),
		)
		file := func(name string) string {
			cells := cell
			if rapid.Bool().Draw(t, "numbers") {
				cells = rapid.SampledFrom([]string{"1", "2", "3", "4.5", ""})
			}
			var b strings.Builder
			b.WriteString("id,x\n")
			for i := range rapid.IntRange(1, 20).Draw(t, "rows") { // each twice: rare categories have no count of their own
				fmt.Fprintf(&b, "%d,%[2]s\n%[1]d,%[2]s\n", i, cells.Draw(t, "x"))
			}
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			return path
		}
		built, err := baseline.Build([]string{file("reference.csv")}, baseline.Roles{}, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		data, err := built.Open([]string{file("current.csv")})
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
		want := CheckConstraints(built.Constraints, built.Profile, p, s)
		if diff := cmp.Diff(want, CheckConstraints(built.Constraints, built.Profile, p, baseline.StatisticsOf(p))); diff != "" {
			t.Fatalf("violations (-of the data +of the counts):\n%s", diff)
		}
		found += len(want)
	})
	if found == 0 {
		t.Error("there was no violation at all")
	}
}
