package baseline

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/capture"
)

var built = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// write makes a file in a fresh directory and returns its path. A name that ends in .gz is compressed.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	data := []byte(content)
	if strings.HasSuffix(name, ".gz") {
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		data = zipped.Bytes()
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustBuild(t *testing.T, roles Roles, paths ...string) *Baseline {
	t.Helper()
	b, err := Build(paths, roles, built)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// small has every kind of column and of cell.
const small = `id,when,age,plan,active,score,churned,note
a1,2026-01-01,30,basic,True,0.25,0,"hello, you"
a2,2026-01-02,,gold,False,0.5,1,
a3,2026-01-03,41,basic,True,0.75,0,x
a4,2026-01-04,30,,true,NaN,1,y
a5,2026-01-05,NA,gold,FALSE,Inf,0,z
a6,2026-01-06,52,silver,1.0,1,1,z
`

var smallRoles = Roles{Predictions: []string{"score"}, Labels: []string{"churned"}, Times: []string{"when"}, IDs: []string{"id"}, Ignored: []string{"note"}}

func TestBuild(t *testing.T) {
	b := mustBuild(t, smallRoles, write(t, "small.csv", small))
	want := capture.Schema{Columns: []capture.Column{
		{Name: "id", Role: capture.ID},
		{Name: "when", Role: capture.EventTime},
		{Name: "age", Role: capture.Feature, Kind: capture.Numeric},
		{Name: "plan", Role: capture.Feature, Kind: capture.Categorical},
		{Name: "active", Role: capture.Feature, Kind: capture.Categorical},
		{Name: "score", Role: capture.Prediction, Kind: capture.Numeric},
		{Name: "churned", Role: capture.Label},
		{Name: "note", Role: capture.Ignored},
	}}
	if diff := cmp.Diff(want, b.Schema); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"small.csv"}, b.Source); diff != "" || !b.Created.Equal(built) {
		t.Errorf("created %v from %v", b.Created, b.Source)
	}
	age := b.Profile.Feature("age")
	if age.Captured != 6 || age.Missing != 2 || age.Present() != 4 {
		t.Errorf("age: %d captured, %d missing, %d present, want 6, 2, 4", age.Captured, age.Missing, age.Present())
	}
	// Bins are below 30, 30, to 41, 41, to 52, 52, above.
	if diff := cmp.Diff([]int64{0, 2, 0, 1, 0, 1, 0}, age.Bins); diff != "" {
		t.Errorf("age bins (-want +got):\n%s", diff)
	}
	// 30, 41, 30, 52: the mean is 38.25, the squares' sum 68.0625*2 + 7.5625 + 189.0625 = 332.75
	if mean, _ := age.Moments.Mean(); mean != 38.25 || age.Layout.Center != 38.25 {
		t.Errorf("age: mean %v, centre %v, want 38.25", mean, age.Layout.Center)
	}
	if deviation, _ := age.Moments.StdDev(); deviation != math.Sqrt(332.75/4) {
		t.Errorf("age: standard deviation %v", deviation)
	}
	plan := b.Profile.Feature("plan")
	if diff := cmp.Diff([]string{"basic", "gold"}, plan.Layout.Categories); diff != "" {
		t.Errorf("plan categories (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"silver"}, plan.Layout.Rare); diff != "" || plan.Missing != 1 {
		t.Errorf("plan: %d missing, rare (-want +got):\n%s", plan.Missing, diff)
	}
	if diff := cmp.Diff([]int64{2, 2, 1}, plan.Bins); diff != "" {
		t.Errorf("plan bins (-want +got):\n%s", diff)
	}
	active := b.Profile.Feature("active")
	if diff := cmp.Diff([]string{"false", "true"}, active.Layout.Categories); diff != "" {
		t.Errorf("active categories (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1"}, active.Layout.Rare); diff != "" {
		t.Errorf("active rare (-want +got):\n%s", diff)
	}
	score := b.Profile.Feature("score")
	if !score.Layout.Prediction || score.NaN != 1 || score.Inf != 1 || score.Bins[len(score.Bins)-1] != 1 || score.Moments.Count != 4 {
		t.Errorf("score %+v", score)
	}
}

func TestSameContentSameID(t *testing.T) {
	lines := strings.SplitAfter(small, "\n")
	whole := mustBuild(t, smallRoles, write(t, "small.csv", small))
	for name, other := range map[string]*Baseline{
		"compressed": mustBuild(t, smallRoles, write(t, "other.csv.gz", small)),
		"byte order mark and CRLF": mustBuild(t, smallRoles,
			write(t, "excel.csv", "\ufeff"+strings.ReplaceAll(small, "\n", "\r\n"))),
		"two files": mustBuild(t, smallRoles,
			write(t, "1.csv", strings.Join(lines[:4], "")), write(t, "2.CSV", lines[0]+strings.Join(lines[4:], ""))),
	} {
		if other.ID != whole.ID {
			t.Errorf("%s: id %s, want %s", name, other.ID, whole.ID)
		}
	}
	roles := smallRoles
	roles.Categorical = []string{"age"}
	if other := mustBuild(t, roles, write(t, "small.csv", small)); other.ID == whole.ID || other.Layout.ID() == whole.Layout.ID() {
		t.Error("another kind of a column gives the same id")
	}
}

func TestKinds(t *testing.T) {
	column := func(good, bad int) string {
		return "x,y\n" + strings.Repeat("1.5,1\n", good) + strings.Repeat("?,1\n", bad) + strings.Repeat(",1\n", 50)
	}
	for _, test := range []struct {
		name, content string
		roles         Roles
		kind          capture.Kind
		invalid       int64
	}{
		{"numbers", column(100, 0), Roles{}, capture.Numeric, 0},
		{"forced", column(100, 0), Roles{Categorical: []string{"x"}}, capture.Categorical, 0},
		{"1 % is not a number", column(99, 1), Roles{}, capture.Numeric, 1},
		{"more than 1 % is not a number", column(98, 1), Roles{}, capture.Categorical, 0},
		{"nothing", column(0, 0), Roles{}, capture.Numeric, 0},
		{"missing in all spellings", "x,y\nNA,1\nN/A,1\nnull,1\nNULL,1\nNone,1\n3,1\n", Roles{}, capture.Numeric, 0},
		{"booleans", "x,y\nTrue,1\nFalse,1\n", Roles{}, capture.Categorical, 0},
		{"hexadecimal", "x,y\n0x10,1\n0x11,1\n", Roles{}, capture.Categorical, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := mustBuild(t, test.roles, write(t, "x.csv", test.content)).Profile.Feature("x")
			if f.Layout.Kind != test.kind || f.Invalid != test.invalid {
				t.Errorf("kind %s with %d invalid, want %s with %d", f.Layout.Kind, f.Invalid, test.kind, test.invalid)
			}
		})
	}
}

func TestBuildErrors(t *testing.T) {
	good := write(t, "good.csv", "age,plan\n1,a\n")
	for _, test := range []struct {
		name  string
		paths []string
		roles Roles
		want  string
	}{
		{"no files", nil, Roles{}, "no files to build a baseline from: name at least one CSV or Parquet file"},
		{"not there", []string{"absent.csv"}, Roles{}, "open absent.csv: no such file or directory"},
		{"another kind", []string{"data.xlsx"}, Roles{}, "data.xlsx: unknown kind of file: use .csv, .csv.gz or .parquet"},
		{"empty", []string{write(t, "a.csv", "")}, Roles{}, "a.csv: the file is empty: it needs a header line with the column names"},
		{"no rows", []string{write(t, "a.csv", "age,plan\n")}, Roles{}, "a.csv: no rows below the header: a baseline needs the rows the model was trained on"},
		{"no rows in the second", []string{good, write(t, "a.csv", "age,plan\n")}, Roles{}, "a.csv: no rows below the header: a baseline needs the rows the model was trained on"},
		{"name twice", []string{write(t, "a.csv", "age,plan,age\n1,a,2\n")}, Roles{}, `a.csv: columns 1 and 3 are both named "age": rename one of them, or give --no-header if the first line is a row`},
		{"no name", []string{write(t, "a.csv", ",age\n0,1\n")}, Roles{}, "a.csv: column 1 has no name: give each column a name in the header line"},
		{"ragged", []string{write(t, "a.csv", "age,plan\n1,a\n2,\"b\nc\"\n3,a,b\n")}, Roles{}, "a.csv:5: 3 cells, but the header has 2: quote cells that hold a comma, or repair the line"},
		{"a stray quote", []string{write(t, "a.csv", "age,plan\n1,a\"b\n")}, Roles{}, `a.csv:2: column 4: bare " in non-quoted-field`},
		{"not compressed", []string{renamed(t, write(t, "a.csv", "age,plan\n1,a\n"), "a.csv.gz")}, Roles{}, "a.csv.gz: gzip: invalid header"},
		{"not Parquet", []string{write(t, "a.parquet", "age,plan\n1,a\n")}, Roles{}, "a.parquet: open Parquet file: "},
		{"fewer columns", []string{good, write(t, "a.csv", "age\n1\n")}, Roles{}, "a.csv: 1 columns, but good.csv has 2: all files need the same columns"},
		{"another order", []string{good, write(t, "a.csv", "plan,age\na,1\n")}, Roles{}, `a.csv: column 1 is "plan", but in good.csv it is "age": all files need the same columns in the same order`},
		{"unknown column", []string{good}, Roles{Labels: []string{"Plam"}}, `good.csv: no column "Plam", which is named as label: did you mean "plan"? (the columns are age, plan)`},
		{"unknown column, nothing near", []string{good}, Roles{Categorical: []string{"country"}}, `good.csv: no column "country", which is named as categorical (the columns are age, plan)`},
		{"two roles", []string{good}, Roles{Labels: []string{"age"}, IDs: []string{"age"}}, `good.csv: column "age" is given two roles, label and id: keep one`},
		{"nothing to watch", []string{good}, Roles{IDs: []string{"age"}, Ignored: []string{"plan"}}, "good.csv: no column is a feature or a prediction: at least one is needed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Build(test.paths, test.roles, built)
			if err == nil {
				t.Fatal("no error")
			}
			got := err.Error()
			for _, path := range append(test.paths, good) {
				got = strings.ReplaceAll(got, path, filepath.Base(path))
			}
			if got != test.want && !(strings.HasSuffix(test.want, ": ") && strings.HasPrefix(got, test.want)) {
				t.Errorf("error\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func renamed(t *testing.T, path, name string) string {
	t.Helper()
	to := filepath.Join(filepath.Dir(path), name)
	if err := os.Rename(path, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// TestBounded builds with limits so low that rows are sampled and names forgotten; counts are of all rows all the same.
func TestBounded(t *testing.T) {
	var content strings.Builder
	content.WriteString("x,id,letter\n")
	const rows = 5000
	for i := range rows {
		fmt.Fprintf(&content, "%d.5,id%d,%c\n", i, i, 'a'+i%3)
	}
	l := limits{rows: 500, values: 1000, names: 100, minimum: 100, batchLen: 64}
	b, err := build([]string{write(t, "a.csv", content.String())}, Roles{}, built, l)
	if err != nil {
		t.Fatal(err)
	}
	x, id, letter := b.Profile.Feature("x"), b.Profile.Feature("id"), b.Profile.Feature("letter")
	total := int64(0)
	for _, n := range x.Bins {
		total += n
	}
	if b.Profile.Rows != rows || total != rows || x.Moments.Count != rows {
		t.Errorf("%d rows, %d in bins, %d in moments, want all %d", b.Profile.Rows, total, x.Moments.Count, rows)
	}
	if len(x.Bins) != 242 || x.Bins[0] != 0 || x.Bins[241] != 0 {
		t.Errorf("%d bins, %d below and %d above, want 242 with none outside", len(x.Bins), x.Bins[0], x.Bins[len(x.Bins)-1])
	}
	if !id.Layout.Open || id.Bins[len(id.Bins)-1] != rows || id.NewRows() != 0 {
		t.Errorf("id: open %v, %d other and %d new", id.Layout.Open, id.Bins[len(id.Bins)-1], id.NewRows())
	}
	if diff := cmp.Diff([]int64{1667, 1667, 1666, 0}, letter.Bins); diff != "" || letter.Layout.Open {
		t.Errorf("letter: open %v, bins (-want +got):\n%s", letter.Layout.Open, diff)
	}
}
