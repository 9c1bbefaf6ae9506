package monitor

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// filled sets every field that a value has, or leaves it empty, by chance: a field that somebody adds is set too.
func filled(random *rand.Rand, v reflect.Value) {
	if random.IntN(5) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() || f.Anonymous {
				filled(random, v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(random, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), random.IntN(4), 4))
		for i := range v.Len() {
			filled(random, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range random.IntN(5) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			filled(random, key)
			filled(random, value)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		words := []string{"psi", "income", "<b>", "a&b", `"quoted"`, `back\slash`, "umlaut ö", "tab\t", "\u2028", "broken\xff", "del\x7f", "~ z"}
		v.SetString(words[random.IntN(len(words))])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		numbers := []float64{0, math.Copysign(0, -1), 1, -1, 0.2, 1e-6, 9.99e-7, -1e-9, 1e-10, 1e-100, 1e20, 1e21, -1e22, 1e300, math.MaxFloat64, math.SmallestNonzeroFloat64, random.NormFloat64(), random.Float64()}
		v.SetFloat(numbers[random.IntN(len(numbers))])
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(random.Uint64() >> random.IntN(64))
	default:
		v.SetInt(random.Int64N(1<<uint(random.IntN(63))+1) - random.Int64N(2)) // also years that RFC 3339 does not have
	}
}

func sameAsJSON(t *testing.T, r *Report) {
	t.Helper()
	want, err := json.Marshal(r)
	got, failed := r.Append([]byte("before"))
	if (err == nil) != (failed == nil) {
		t.Fatalf("%+v\nerror %v, encoding/json's %v", r, failed, err)
	}
	if err == nil && string(got) != "before"+string(want) {
		t.Fatalf("wrote\n%s, encoding/json\n%s", got[len("before"):], want)
	}
}

// Reports are written as encoding/json writes them.
func TestReportAppend(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		var r Report
		filled(random, reflect.ValueOf(&r).Elem())
		sameAsJSON(t, &r)
	}
}

// So are the states of endpoints, and the heads of panes.
func TestStateAppend(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		var e SavedEndpoint
		filled(random, reflect.ValueOf(&e).Elem())
		want, err := json.Marshal(&e)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Append([]byte("before")); err != nil || string(got) != "before"+string(want) {
			t.Fatalf("wrote\n%s, %v, encoding/json\n%s", got[len("before"):], err, want)
		}
		var p SavedPane
		filled(random, reflect.ValueOf(&p).Elem())
		head, err := appendHead([]byte("before"), &p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.appendHead([]byte("before")); err != nil || string(got) != string(head) {
			t.Fatalf("wrote\n%s, %v, encoding/json\n%s", got, err, head)
		}
	}
}

func TestReportAppendRefusesWhatIsNoNumber(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		r := &Report{Endpoint: "churn", Features: []FeatureReport{{Scores: map[string]Score{"psi": {Score: x}}}}}
		if _, err := r.Append(nil); err == nil || !strings.Contains(err.Error(), `endpoint "churn"`) {
			t.Errorf("%v: error %v", x, err)
		}
	}
}

func FuzzReportAppend(f *testing.F) {
	f.Add("income", 0.25, 1e-9, int64(1_700_000_000_000))
	f.Fuzz(func(t *testing.T, text string, x, y float64, n int64) {
		r := &Report{Endpoint: text, Rows: n, Features: []FeatureReport{{Name: text, Mean: &x, Scores: map[string]Score{text: {Score: y, PValue: &x}}}}}
		sameAsJSON(t, r)
	})
}
