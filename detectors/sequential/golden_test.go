package sequential

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden is testdata/streams.json.gz: what river and frouros detect.
type golden struct {
	Streams map[string]struct {
		Values         []float64
		River, Frouros map[string]detected
	}
	Traces struct {
		ADWIN       [][]any // index, width, mean, squares, drift
		PageHinkley [][]any `json:"page_hinkley"` // index, rise, low, fall, summit, drift
		KSWIN       [][]any // index, picks, p-value, drift
	}
}

type detected struct {
	Slice         []int
	Drifts        []int
	InSlice       []int `json:"drifts_relative_to_slice"`
	Warnings      int   `json:"n_warnings"`
	FirstWarnings []int `json:"first_warnings"`
}

var loadGolden = sync.OnceValues(func() (*golden, error) {
	f, err := os.Open("testdata/streams.json.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	g := &golden{}
	return g, json.NewDecoder(unzipped).Decode(g)
})

func readGolden(t *testing.T) *golden {
	t.Helper()
	g, err := loadGolden()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// goldenSettings are the detectors of the golden file by its names. KSWIN is tested apart.
var goldenSettings = map[string]struct {
	name   string
	params map[string]float64
}{
	"ADWIN(delta=0.002)": {"adwin", map[string]float64{"delta": 0.002}},
	"ADWIN(delta=0.05)":  {"adwin", map[string]float64{"delta": 0.05}},
	"ADWIN(delta=1e-5)":  {"adwin", map[string]float64{"delta": 1e-5}},
	"ADWIN(clock=1)":     {"adwin", map[string]float64{"clock": 1}},
	"PageHinkley()":      {"page_hinkley", nil},
	"PageHinkley(threshold=20,delta=0.05,mode=up)": {"page_hinkley", map[string]float64{"threshold": 20, "delta": 0.05, "mode": float64(Up)}},
	"PageHinkley(alpha=1)":                         {"page_hinkley", map[string]float64{"alpha": 1}},
	"PageHinkley(mode=down)":                       {"page_hinkley", map[string]float64{"mode": float64(Down)}},
	"DDM()":                                        {"ddm", nil},
	"EDDM()":                                       {"eddm", nil},
	"HDDM_A()":                                     {"hddm_a", nil},
	"HDDM_A(two_sided)":                            {"hddm_a", map[string]float64{"two_sided_test": 1}},
	"HDDM_W()":                                     {"hddm_w", nil},
	"HDDM_W(two_sided)":                            {"hddm_w", map[string]float64{"two_sided_test": 1}},
	"CUSUM":                                        {"cusum", nil},
	"DDM":                                          {"ddm", nil},
}

func TestGolden(t *testing.T) {
	tested := map[string]int{}
	for stream, s := range readGolden(t).Streams {
		for source, results := range map[string]map[string]detected{"river": s.River, "frouros": s.Frouros} {
			for setting, want := range results {
				if strings.HasPrefix(setting, "KSWIN") {
					continue
				}
				g, known := goldenSettings[setting]
				if !known {
					t.Fatalf("%s: unknown setting %s", stream, setting)
				}
				tested[g.name]++
				values, drifts := s.Values, want.Drifts
				if want.Slice != nil {
					values, drifts = values[want.Slice[0]:want.Slice[1]], want.InSlice
				}
				gotDrifts, gotWarnings := run(t, g.name, g.params, values)
				if diff := cmp.Diff(drifts, gotDrifts); diff != "" {
					t.Errorf("%s, %s of %s: drifts (-want +got):\n%s", stream, setting, source, diff)
				}
				if source == "frouros" {
					continue // which does not list warnings
				}
				if len(gotWarnings) != want.Warnings {
					t.Errorf("%s, %s of %s: %d warnings, want %d", stream, setting, source, len(gotWarnings), want.Warnings)
				} else if first := gotWarnings[:len(want.FirstWarnings)]; !slices.Equal(first, want.FirstWarnings) {
					t.Errorf("%s, %s of %s: warnings %v, want %v", stream, setting, source, first, want.FirstWarnings)
				}
			}
		}
	}
	want := map[string]int{"adwin": 72, "page_hinkley": 72, "ddm": 12, "eddm": 6, "hddm_a": 14, "hddm_w": 14, "cusum": 18}
	if diff := cmp.Diff(want, tested); diff != "" {
		t.Errorf("results compared (-want +got):\n%s", diff)
	}
}

// run returns the indices of drifts and of warnings. No value may be ignored.
func run(t *testing.T, name string, params map[string]float64, values []float64) (drifts, warnings []int) {
	t.Helper()
	d, err := New(name, params)
	if err != nil {
		t.Fatal(err)
	}
	drifts, warnings = []int{}, []int{}
	for i, x := range values {
		switch d.Update(x) {
		case Drift:
			drifts = append(drifts, i)
		case Warning:
			warnings = append(warnings, i)
		case Ignored:
			t.Fatalf("%s ignores value %d, %g", name, i, x)
		}
	}
	return drifts, warnings
}

func TestADWINTrace(t *testing.T) {
	g := readGolden(t)
	d, err := NewADWIN(DefaultADWIN())
	if err != nil {
		t.Fatal(err)
	}
	rows := g.Traces.ADWIN
	for i, x := range g.Streams["abrupt_mean"].Values {
		level := d.Update(x)
		if len(rows) == 0 || rows[0][0] != float64(i) {
			continue
		}
		got := []any{float64(i), float64(d.Width()), d.Mean(), d.squares, level == Drift}
		if diff := cmp.Diff(rows[0], got); diff != "" {
			t.Fatalf("at %d (-want +got):\n%s", i, diff)
		}
		rows = rows[1:]
	}
	if len(rows) > 0 {
		t.Errorf("%d rows not reached", len(rows))
	}
}

func TestPageHinkleyTrace(t *testing.T) {
	g := readGolden(t)
	d, err := NewPageHinkley(DefaultPageHinkley())
	if err != nil {
		t.Fatal(err)
	}
	rows := g.Traces.PageHinkley
	for i, x := range g.Streams["abrupt_mean"].Values {
		level := d.Update(x)
		if len(rows) == 0 || rows[0][0] != float64(i) {
			continue
		}
		got := []any{float64(i), d.rise, d.low, d.fall, d.summit, level == Drift}
		if diff := cmp.Diff(rows[0], got); diff != "" {
			t.Fatalf("at %d (-want +got):\n%s", i, diff)
		}
		rows = rows[1:]
	}
	if len(rows) > 0 {
		t.Errorf("%d rows not reached", len(rows))
	}
}

// With the values that river drew, the distances, their p-values and the drifts are river's.
func TestKSWINTrace(t *testing.T) {
	g := readGolden(t)
	d, err := NewKSWIN(DefaultKSWIN())
	if err != nil {
		t.Fatal(err)
	}
	rows := g.Traces.KSWIN
	d.picks = func() []int {
		var picks []int
		for _, place := range rows[0][1].([]any) {
			picks = append(picks, int(place.(float64)))
		}
		return picks
	}
	for i, x := range g.Streams["abrupt_mean"].Values[4600:5600] {
		drift := d.Update(x) == Drift
		if len(rows) == 0 || rows[0][0] != float64(i) {
			if drift {
				t.Errorf("drift at %d, where river does not test", i)
			}
			continue
		}
		if want := rows[0][3].(bool); drift != want {
			t.Fatalf("at %d: drift %v, want %v", i, drift, want)
		}
		p, want := ksExceeds(30, ksSteps(d.older, d.newer)), rows[0][2].(float64)
		if math.Abs(p-want) > 1e-12*want {
			t.Fatalf("at %d: p-value %v, want %v", i, p, want)
		}
		rows = rows[1:]
	}
	if len(rows) > 0 {
		t.Errorf("%d tests not made", len(rows))
	}
}

// With the places that Python's random.Random(42).sample gives, kswin detects where river does on every stream. River
// begins its random numbers anew after each drift.
func TestKSWINGolden(t *testing.T) {
	for stream, s := range readGolden(t).Streams {
		want, ok := s.River["KSWIN(seed=42)"]
		if !ok {
			if strings.HasPrefix(stream, "bern") {
				continue
			}
			t.Fatalf("%s has no result of kswin", stream)
		}
		d, err := NewKSWIN(DefaultKSWIN())
		if err != nil {
			t.Fatal(err)
		}
		twister := newTwister(42)
		d.picks = func() []int { return twister.sample(70, 30) }
		got := []int{}
		for i, x := range s.Values[want.Slice[0]:want.Slice[1]] {
			if d.Update(x) == Drift {
				got = append(got, i)
				twister = newTwister(42)
			}
		}
		if diff := cmp.Diff(want.InSlice, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", stream, diff)
		}
	}
}
