package baseline

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/profile"
)

var update = flag.Bool("update", false, "write the golden files")

// same compares baselines to the bit; NaN equals itself.
var same = cmp.Options{cmpopts.IgnoreUnexported(profile.Layout{}), cmp.AllowUnexported(Seasonal{}), cmpopts.EquateNaNs()}

func saved(t *testing.T, b *Baseline) (dir, content string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "new", "baseline")
	if err := b.Save(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	return dir, string(text)
}

func TestGolden(t *testing.T) {
	slots := seasonal(t, DayOfWeek, hourly(2, 2))
	slots.ReviewBy = built.AddDate(0, 0, 90)
	for name, b := range map[string]*Baseline{
		"small.json": mustBuild(t, smallRoles, write(t, "small.csv", small)), "seasonal.json": slots,
	} {
		_, got := saved(t, b)
		golden := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s\nrun go test ./baseline -update if this is meant", name, diff)
		}
	}
}

// A file whose slots are in an older encoding, and one that has pairs and no projections, are read, and have the ID they had.
func TestFilesOfBefore(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "seasonal_v4.json"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), text, 0o644); err != nil {
		t.Fatal(err)
	}
	seasonal, err := Load(dir)
	if err != nil || seasonal.ID != "7436ad3c3c4e278e" || seasonal.Seasonal.Cycle != DayOfWeek {
		t.Errorf("seasonal: %v", err)
	}

	b := mustBuild(t, Roles{}, write(t, "four.csv", "a,b,c,d\n1,2,3,4\n2,3,4,1\n3,4,1,2\n4,1,2,3\n"))
	if len(b.Profile.Joint.Projected) != 4 {
		t.Fatalf("%d projections", len(b.Profile.Joint.Projected))
	}
	for _, counts := range b.Profile.Joint.Projected {
		clear(counts)
	}
	dir, file := saved(t, b)
	loaded, err := Load(dir)
	if err != nil || loaded.ID != b.ID || strings.Contains(file, "projected") || len(loaded.Profile.Joint.Agree) != len(b.Layout.Pairs()) {
		t.Errorf("without projections: %v", err)
	}
}

func TestRoundTrip(t *testing.T) {
	var content strings.Builder
	content.WriteString("x,huge,name,none\n")
	for i := range 997 {
		fmt.Fprintf(&content, "%v,%v,\"n\n%d [\n1, 2]\",\n", math.Sqrt(float64(i)), 1e300*float64(i-500), i%7)
	}
	for name, b := range map[string]*Baseline{
		"small": mustBuild(t, smallRoles, write(t, "small.csv", small)),
		"large": mustBuild(t, Roles{}, write(t, "large.csv", content.String())),
	} {
		t.Run(name, func(t *testing.T) {
			dir, first := saved(t, b)
			loaded, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			b.Statistics, b.Constraints = nil, nil // in files of their own
			if diff := cmp.Diff(b, loaded, same); diff != "" {
				t.Errorf("loaded (-saved +loaded):\n%s", diff)
			}
			if loaded.Layout.ID() != b.Layout.ID() {
				t.Errorf("layout %s, want %s", loaded.Layout.ID(), b.Layout.ID())
			}
			if err := loaded.Save(dir); err != nil { // over the first
				t.Fatal(err)
			}
			second, err := os.ReadFile(filepath.Join(dir, fileName))
			if err != nil || first != string(second) {
				t.Errorf("saved again, the file differs (error %v)", err)
			}
			if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 3 {
				t.Errorf("directory has %v (error %v), want baseline.json, statistics.json and constraints.json", left, err)
			}
		})
	}
}

func TestSaveErrors(t *testing.T) {
	b := mustBuild(t, Roles{}, write(t, "a.csv", "x\n1\n"))
	file := write(t, "file", "")
	if err := b.Save(file); err == nil {
		t.Error("saved into a file")
	}
}

func TestLoadErrors(t *testing.T) {
	_, good := saved(t, mustBuild(t, smallRoles, write(t, "small.csv", small)))
	for _, test := range []struct{ name, from, to, want string }{
		{"cut", good[strings.LastIndex(good, "\"moments\""):], "", "unexpected end of JSON input"},
		{"not JSON", good, "hello", "invalid character 'h' looking for beginning of value"},
		{"another version", `"version": 4`, `"version": 3`, "version is 3, this program reads 4"},
		{"no version", `"version": 4`, `"version": 0`, "version is 0, this program reads 4"},
		{"unknown field", `"rows": 6`, `"rows": 6, "colour": 1`, `unknown field "colour"`},
		{"wrong type", `"rows": 6`, `"rows": "6"`, "cannot unmarshal string into Go struct field document.rows of type int64"},
		{"two documents", good, good + good, "invalid character '{' after top-level value"},
		{"schema", `"kind": "numeric"`, `"kind": "text"`, `schema: column "age" has kind "text": use "numeric" or "categorical"`},
		{"schema against layout", `"role": "id"`, `"role": "feature", "kind": "numeric"`, "layout: 4 features, but the schema has 5 features and predictions"},
		{"edges fall", `"edges": [30, 30.000000000000004, 41`, `"edges": [30, 42, 41`, `layout: feature "age": edges must rise, but edge 2 is 41 after 42`},
		{"ranks", `"ranks": [80, 80`, `"ranks": [240, 80`, `layout: feature "age": rank 1 is 80: ranks go from 0 to 240 and do not fall`},
		{"category twice", `"silver"`, `"basic"`, `layout: feature "plan": category "basic" appears twice`},
		{"no rows", `"rows": 6`, `"rows": 0`, "rows is 0: it must be at least 1"},
		{"counts of another", "\"name\": \"age\",\n      \"captured\"", "\"name\": \"edge\",\n      \"captured\"", `feature "age": name is "edge" in the counts`},
		{"negative", `"missing": 2`, `"missing": -2`, `feature "age": missing is -2: it must be between 0 and rows, 6`},
		{"too many", `"bins": [0, 2, 0, 1, 0, 1, 0]`, `"bins": [0, 7, 0, 1, 0, 1, 0]`, `feature "age": bin 1 is 7: it must be between 0 and rows, 6`},
		{"length", `"bins": [0, 2, 0, 1, 0, 1, 0]`, `"bins": [0, 2, 0, 1, 0, 1]`, `feature "age": 6 bins, but the layout has 7`},
		{"sum", `"bins": [0, 2, 0, 1, 0, 1, 0]`, `"bins": [0, 2, 0, 1, 0, 0, 0]`, `feature "age": bins sum to 3, but captured - missing - invalid - nan is 4`},
		{"offsets of fewer bins", `"offsets": [0, 0, 0, 0, 0, 0, 0]`, `"offsets": [0, 0, 0, 0, 0, 0]`, `feature "age": 6 offsets, want 7`},
		{"offset too large", `"offsets": [0, 0, 0, 0, 0, 0, 0]`, `"offsets": [0, 0, 65536, 0, 0, 0, 0]`, `feature "age": offset 2 is 65536: it must be between 0 and 65535 for each of the bin's 0 values`},
		{"negative values", `"inf": 0`, `"inf": 0, "negative": 5`, `feature "age": negative is 5 of 4 values in bins`},
		{"moments", `"count": 4`, `"count": 5`, `feature "age": moments.count is 5, but 4 values are finite`},
		{"range", `"min": 30`, `"min": 300`, `feature "age": moments.min is 300 and moments.max 52`},
		{"changed", `"max": 52`, `"max": 53`, "id is "},
	} {
		t.Run(test.name, func(t *testing.T) {
			content := strings.Replace(good, test.from, test.to, 1)
			if content == good {
				t.Fatal("the test changes nothing")
			}
			path := write(t, fileName, content)
			_, err := Load(filepath.Dir(path))
			if err == nil {
				t.Fatal("no error")
			}
			got := err.Error()
			if !strings.HasPrefix(got, path+": "+test.want) || !strings.HasSuffix(got, `: build it again with "tidemark baseline build"`) {
				t.Errorf("error\n%s\nwant\n%s: %s", got, path, test.want)
			}
		})
	}
	_, err := Load(t.TempDir())
	if err == nil || !regexp.MustCompile(`^no baseline at .*baseline.json: make one with "tidemark baseline build", or name another directory`).MatchString(err.Error()) {
		t.Errorf("error %v", err)
	}
}

// FuzzLoad checks that whatever the file holds, Load returns an error or a baseline that saves.
func FuzzLoad(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "small.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(`{"version":4,"schema":{"columns":[{"name":"x","role":"feature","kind":"numeric"}]},"rows":1}`))
	seasonal, err := os.ReadFile(filepath.Join("testdata", "seasonal.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seasonal)
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fileName), content, 0o644); err != nil {
			t.Fatal(err)
		}
		b, err := Load(dir)
		if err != nil {
			return
		}
		if err := b.Save(dir); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFloat(t *testing.T) {
	for _, x := range []float64{0, math.Copysign(0, -1), 0.1, 1e300, math.SmallestNonzeroFloat64, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN()} {
		text, err := json.Marshal(float(x))
		if err != nil {
			t.Fatal(err)
		}
		var back float
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if got := float64(back); math.Float64bits(got) != math.Float64bits(x) && !(math.IsNaN(got) && math.IsNaN(x)) {
			t.Errorf("%v came back as %v", x, got)
		}
	}
}
