package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/detectors"
)

// writeRows writes a CSV file in which each row stands 40 times.
func writeRows(t *testing.T, name, header string, rows ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	text := header + "\n" + strings.Repeat(strings.Join(rows, "\n")+"\n", 40)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// score runs the command and returns what it prints.
func score(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := rootCommand()
	root.SetOut(&out)
	root.SetErr(io.Discard)
	root.SetArgs(append([]string{"score"}, args...))
	err := root.Execute()
	return out.String(), err
}

// The contract of --json, with figures computed by hand.
func TestScoreJSON(t *testing.T) {
	reference := writeRows(t, "reference.csv", "flag,colour,amount,gone,p",
		"0,red,1,1,0.5", "0,red,2,1,0.5", "0,red,3,1,0.5", "0,red,4,1,0.5", "0,red,5,1,0.5",
		"1,blue,6,1,0.5", "1,blue,7,1,0.5", "1,blue,8,1,0.5", "1,green,9,1,0.5", "1,green,,1,0.5")
	current := writeRows(t, "current.csv", "p,amount,new,flag,colour",
		"0.5,1,x,0,red", "0.5,2,x,0,red", "0.5,3,x,0,red", "0.5,4,x,0,blue", "0.5,5,x,0,blue",
		"0.5,6,x,0,blue", "0.5,,x,0,blue", "0.5,,x,0,green", "0.5,,x,1,green", "0.5,,x,1,pink")
	for _, flags := range [][]string{nil, {"--exact"}} {
		out, err := score(t, append(flags, "--reference", reference, "--current", current, "--prediction", "p", "--json", "--threshold", "l_infinity=0.1")...)
		if !errors.Is(err, errFound) {
			t.Fatalf("error %v, want drift", err)
		}
		type figures struct {
			Score     *float64 `json:"score"`
			PValue    *float64 `json:"p_value"`
			Threshold *float64 `json:"threshold"`
			Drift     *bool    `json:"drift"`
			Lower     *float64 `json:"lower"`
			Upper     *float64 `json:"upper"`
			Expected  *float64 `json:"expected"`
			Few       *bool    `json:"insufficient"`
		}
		type rows struct{ Count, Missing int64 }
		type found struct {
			Name               string
			Type               string
			Reference, Current rows
			Scores             map[string]figures
		}
		var got struct {
			Features   []found
			Violations []violation
			Drift      bool
		}
		decoder := json.NewDecoder(strings.NewReader(out))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		want := []found{
			{Name: "flag", Type: "numeric", Reference: rows{400, 0}, Current: rows{400, 0}},
			{Name: "colour", Type: "categorical", Reference: rows{400, 0}, Current: rows{400, 0}},
			{Name: "amount", Type: "numeric", Reference: rows{400, 40}, Current: rows{400, 160}},
			{Name: "gone", Type: "numeric", Reference: rows{400, 0}},
			{Name: "p", Type: "numeric", Reference: rows{400, 0}, Current: rows{400, 0}},
		}
		if diff := cmp.Diff(want, got.Features, cmpopts.IgnoreFields(found{}, "Scores")); diff != "" {
			t.Errorf("features (-want +got):\n%s", diff)
		}
		wantViolations := []violation{
			{"gone", "missing_column", "the current data has no such column"},
			{"new", "extra_column", "the reference has no such column"},
			{"colour", "new_categories", "new_categories is 0.1, over 0.02"},
			{"amount", "missing_share", "missing_share is 0.3, over 0.1"},
		}
		if diff := cmp.Diff(wantViolations, got.Violations); diff != "" {
			t.Errorf("violations (-want +got):\n%s", diff)
		}
		if !got.Drift {
			t.Error("no drift")
		}

		scores := map[string]map[string]figures{}
		for _, f := range got.Features {
			scores[f.Name] = f.Scores
			if f.Scores == nil {
				t.Errorf("%s has no object of scores", f.Name)
			}
			for name, s := range f.Scores {
				if detectors.New(name) == nil || s.Score == nil || s.Drift == nil {
					t.Errorf("%s of %s is %+v", name, f.Name, s)
				}
			}
		}
		if n := len(scores["gone"]); n != 0 {
			t.Errorf("%d scores of a column that is not there", n)
		}
		for _, want := range []struct {
			column, name     string
			score, threshold float64 // threshold 0: none
			drift            bool
		}{
			{"flag", "psi", 0.3 * math.Log(4), 0.2, true}, // .5 and .5 became .8 and .2
			{"flag", "ks", 0.3, 0, false},
			{"flag", "missing_share", 0, 0.1, false},
			{"colour", "l_infinity", 0.2, 0.1, true}, // red: .5 became .3
			{"colour", "new_categories", 0.1, 0.02, true},
			{"amount", "missing_share", 0.3, 0.1, true}, // .1 became .4
			{"amount", "ks", 1.0 / 3, 0, false},         // 6/9 against all six
			{"p", "psi", 0, 0.2, false},
		} {
			s, ok := scores[want.column][want.name]
			if !ok {
				t.Errorf("%s of %s is not there", want.name, want.column)
				continue
			}
			threshold := 0.0
			if s.Threshold != nil {
				threshold = *s.Threshold
			}
			if math.Abs(*s.Score-want.score) > 1e-12 || threshold != want.threshold || *s.Drift != want.drift {
				t.Errorf("%s of %s is %v, threshold %v, drift %t; want %v, %v, %t", want.name, want.column,
					*s.Score, threshold, *s.Drift, want.score, want.threshold, want.drift)
			}
		}
		for _, absent := range [][2]string{{"flag", "l_infinity"}, {"colour", "ks"}, {"flag", "new_categories"}} {
			if s, ok := scores[absent[0]][absent[1]]; ok {
				t.Errorf("%s of %s is %+v, want none: it is not for columns of this kind", absent[1], absent[0], s)
			}
		}
	}
}

// A column without a value, in the reference or now, has scores that are numbers or none.
func TestScoreOfNothing(t *testing.T) {
	empty := writeRows(t, "empty.csv", "x,y", ",", ",")
	full := writeRows(t, "full.csv", "x,y", "1,a", "Inf,b", "-Inf,c", "1e308,a", "-1e308,a", "NaN,a", "?,a")
	for _, pair := range [][2]string{{empty, empty}, {empty, full}, {full, empty}, {full, full}} {
		for _, exact := range []string{"--exact=false", "--exact"} {
			out, err := score(t, "--reference", pair[0], "--current", pair[1], "--json", exact)
			if err != nil && !errors.Is(err, errFound) {
				t.Fatal(err)
			}
			var result scoreResult
			if err := json.Unmarshal([]byte(out), &result); err != nil || len(result.Features) != 2 {
				t.Errorf("%v in\n%s", err, out)
			}
			if _, err := score(t, "--reference", pair[0], "--current", pair[1], exact, "--chart", "--svg", t.TempDir()); err != nil && !errors.Is(err, errFound) {
				t.Error(err)
			}
		}
	}
}

// The table fits into 80 columns whatever the columns are called.
func TestScoreTableWidth(t *testing.T) {
	reference := writeRows(t, "reference.csv", strings.Repeat("long", 30)+",b", "1,x", "2,y")
	current := writeRows(t, "current.csv", strings.Repeat("long", 30)+",b", "99999999,y", "-1e300,y")
	out, err := score(t, "--reference", reference, "--current", current)
	if err != nil && !errors.Is(err, errFound) {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(out[strings.Index(out, "column"):], "\n\n")
	for line := range strings.Lines(table) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestPicture(t *testing.T) {
	for name, h := range map[string]detectors.Histogram{
		"numbers":    {Edges: []float64{10, 20.5}, Reference: []float64{0.5, 0.25, 0.25}, Current: []float64{0.2, 0.3, 0.5}},
		"categories": {Labels: []string{"<b>&\"", "größe"}, Reference: []float64{1, 0}, Current: []float64{0.0001, 0.9999}},
		"nothing":    {Labels: []string{"any"}, Reference: []float64{0}, Current: []float64{0}},
	} {
		t.Run(name, func(t *testing.T) {
			var svg bytes.Buffer
			if err := picture(&svg, name, name+": psi 0.047, of which 0.046 is expected", "400 reference values, 300 current values", h); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "picture", name+".svg")
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), svg.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
			for decoder := xml.NewDecoder(&svg); ; {
				if _, err := decoder.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestPictureNames(t *testing.T) {
	taken := map[string]bool{}
	var got []string
	for _, column := range []string{"income", "Income", "../etc/passwd", "größe", "a.b", "", "INCOME"} {
		got = append(got, pictureName(column, taken))
	}
	want := []string{"income.svg", "Income-2.svg", "___etc_passwd.svg", "gr__e.svg", "a_b.svg", ".svg", "INCOME-3.svg"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestShareTicks(t *testing.T) {
	for largest, want := range map[float64][2]float64{0: {0.001, 0.001}, 0.19: {0.05, 0.2}, 0.3: {0.05, 0.3}, 0.31: {0.1, 0.4}, 1: {0.2, 1}} {
		if step, last := shareTicks(largest); math.Abs(step-want[0]) > 1e-12 || math.Abs(last-want[1]) > 1e-12 {
			t.Errorf("largest %v: every %v to %v, want %v", largest, step, last, want)
		}
	}
}
