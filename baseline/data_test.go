package baseline

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidemark/capture"
)

const dataRows = `x,name,score,label,when
1,a,0.5,1,2026-01-01
2,b,0.25,0,2026-01-02
-0,a,,1,2026-01-03
NaN,,0.75,0,2026-01-04
Inf,c,1,1,2026-01-05
`

var dataRoles = Roles{Predictions: []string{"score"}, Labels: []string{"label"}, Times: []string{"when"}}

// The rows that a baseline was built from count as they did then, in whatever order their columns are.
func TestDataCountsAsTheBaseline(t *testing.T) {
	b := mustBuild(t, dataRoles, write(t, "data.csv", dataRows))
	other := write(t, "other.csv", "score,name,x\n0.5,a,1\n0.25,b,2\n,a,-0\n0.75,,NaN\n1,c,Inf\n")
	for _, path := range []string{write(t, "data.csv", dataRows), write(t, "data.csv.gz", dataRows), other} {
		d, err := b.Open([]string{path})
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Missing) != 0 || len(d.Extra) != 0 {
			t.Errorf("%s: missing %v, extra %v, want none", path, d.Missing, d.Extra)
		}
		p, err := d.Profile()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(countsOf(b.Profile), countsOf(p)); diff != "" || p.Rows != b.Profile.Rows {
			t.Errorf("%s: %d rows, profile (-baseline +got):\n%s", path, p.Rows, diff)
		}
	}
}

func TestDataValues(t *testing.T) {
	b := mustBuild(t, dataRoles, write(t, "data.csv", dataRows))
	d, err := b.Open([]string{write(t, "first.csv", "name,x,extra\nb,3,1\nb,?,2\n,NA,3\n"), write(t, "second.csv", "name,x,extra\nTrue,-Inf,1\nb,NaN,1\nb,2,1\n")})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.Missing, []string{"score"}) || !slices.Equal(d.Extra, []string{"extra"}) {
		t.Errorf("missing %v, extra %v, want score and extra", d.Missing, d.Extra)
	}
	got, err := d.Values()
	if err != nil {
		t.Fatal(err)
	}
	want := []Values{
		{Kind: capture.Numeric, Numbers: []float64{math.Inf(-1), 2, 3}, Captured: 6, Missing: 1, Invalid: 1, NaN: 1},
		{Kind: capture.Categorical, Categories: map[string]int64{"b": 4, "true": 1}, Captured: 6, Missing: 1},
		{Kind: capture.Numeric},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	p, err := d.Profile()
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range p.Features {
		v := got[i]
		if f.Captured != v.Captured || f.Missing != v.Missing || f.Invalid != v.Invalid || f.NaN != v.NaN {
			t.Errorf("%s: the profile counts %d captured, %d missing, %d invalid, %d NaN, the values %+v", f.Layout.Name, f.Captured, f.Missing, f.Invalid, f.NaN, v)
		}
	}
}

// Values of more rows than a batch holds are all there.
func TestDataValuesOfManyBatches(t *testing.T) {
	const rows = 9_999
	path := write(t, "data.csv", "x,name\n"+strings.Repeat("3,c\n1,abc\n2,bc\n", rows/3)+"4,d\n")
	d, err := mustBuild(t, Roles{}, path).Open([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	values, err := d.Values()
	if err != nil {
		t.Fatal(err)
	}
	x := values[0].Numbers
	if len(x) != rows+1 || !slices.IsSorted(x) || x[0] != 1 || x[rows/3] != 2 || x[rows] != 4 {
		t.Errorf("%d values from %v to %v, want 10000 from 1 to 4 in order", len(x), x[0], x[len(x)-1])
	}
	if diff := cmp.Diff(map[string]int64{"c": rows / 3, "abc": rows / 3, "bc": rows / 3, "d": 1}, values[1].Categories); diff != "" {
		t.Errorf("categories (-want +got):\n%s", diff)
	}
}

func TestDataErrors(t *testing.T) {
	b := mustBuild(t, dataRoles, write(t, "data.csv", dataRows))
	for content, want := range map[string]string{
		"":              "the file is empty",
		"a,b\n1,2\n":    `has no column of the baseline, such as "x": does it have a header line?`,
		"x,x\n1,2\n":    `columns 1 and 2 are both named "x"`,
		"x\n":           "no rows below the header",
		"x,name\n1\n":   ":2: 1 cells, but the header has 2",
		"x,name\n1,\"a": "column",
	} {
		d, err := b.Open([]string{write(t, "current.csv", content)})
		if err == nil {
			_, err = d.Profile()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", content, err, want)
		}
	}
}
