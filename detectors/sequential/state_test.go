package sequential

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// small are parameters that make each detector decide often on short streams.
var small = map[string]map[string]float64{
	"adwin":        {"delta": 0.5, "clock": 3, "max_buckets": 2, "min_window_length": 2, "grace_period": 4},
	"page_hinkley": {"min_instances": 5, "threshold": 2, "alpha": 0.9},
	"cusum":        {"min_num_instances": 5, "lambda": 2},
	"kswin":        {"alpha": 0.2, "window_size": 20, "stat_size": 6, "seed": 7},
	"ddm":          {"warm_start": 5, "warning_threshold": 1, "drift_threshold": 1.5},
	"eddm":         {"warm_start": 3},
	"hddm_a":       {"drift_confidence": 0.3, "warning_confidence": 0.6, "two_sided_test": 1},
	"hddm_w":       {"drift_confidence": 0.1, "warning_confidence": 0.9, "two_sided_test": 1, "lambda_val": 0.2},
}

// onErrors says whether the detector takes only what error streams have.
func onErrors(name string) bool { return strings.Contains(name, "ddm") }

// drawStream has changes of the mean, and values that are ignored.
func drawStream(t *rapid.T, name string) []float64 {
	var value *rapid.Generator[float64]
	if onErrors(name) {
		value = rapid.SampledFrom([]float64{0, 0, 0, 1, 1, 2, math.NaN()})
	} else {
		value = rapid.OneOf(rapid.Float64Range(-3, 3), rapid.SampledFrom([]float64{0, 1, 40, math.Inf(1), math.NaN()}))
	}
	stream := rapid.SliceOfN(value, 60, 300).Draw(t, "stream")
	shift := rapid.IntRange(0, len(stream)).Draw(t, "shift")
	for i := shift; i < len(stream); i++ {
		if onErrors(name) {
			stream[i] = max(stream[i], float64(i%2))
		} else {
			stream[i] += 5
		}
	}
	return stream
}

func state(t rapid.TB, d Sequential) []byte {
	t.Helper()
	b, err := d.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func create(t rapid.TB, name string, params map[string]float64) Sequential {
	t.Helper()
	d, err := New(name, params)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A detector that is stopped anywhere and restored goes on as if it had not been: the same levels and equal bytes.
func TestRestore(t *testing.T) {
	for _, name := range Names {
		t.Run(name, func(t *testing.T) {
			seen := map[Level]bool{}
			rapid.Check(t, func(t *rapid.T) {
				stream := drawStream(t, name)
				cut := rapid.IntRange(0, len(stream)).Draw(t, "cut")
				d := create(t, name, small[name])
				for _, x := range stream[:cut] {
					seen[d.Update(x)] = true
				}
				before := state(t, d)
				restored := create(t, name, small[name])
				restored.Update(1) // is replaced
				if err := restored.UnmarshalBinary(before); err != nil {
					t.Fatal(err)
				}
				for i, x := range stream[cut:] {
					want := d.Update(x)
					seen[want] = true
					if got := restored.Update(x); got != want {
						t.Fatalf("%d after the cut: %v restored, %v else", i, got, want)
					}
				}
				if !bytes.Equal(state(t, d), state(t, restored)) {
					t.Fatal("the states differ at the end")
				}
			})
			want := map[Level]bool{OK: true, Drift: true, Ignored: true}
			if onErrors(name) {
				want[Warning] = true
			}
			if !maps.Equal(seen, want) {
				t.Errorf("the streams gave %v, want %v: they do not try the detector", seen, want)
			}
		})
	}
}

// After a drift a detector is as new but for what has been drawn: the rest of the stream decides alone.
func TestForgets(t *testing.T) {
	for _, name := range Names {
		if name == "kswin" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				d := create(t, name, small[name])
				fresh := create(t, name, small[name])
				forgets := false
				for _, x := range drawStream(t, name) {
					level := d.Update(x)
					if forgets && level != fresh.Update(x) {
						t.Fatal("it decides by what was before the drift")
					}
					if level == Drift {
						fresh, forgets = create(t, name, small[name]), true
					}
				}
			})
		})
	}
}

// Values that a detector is not for change nothing, before the first value, between, and after a drift.
func TestIgnored(t *testing.T) {
	never := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1.1e100, -math.MaxFloat64}
	ignored := map[string][]float64{
		"ddm": {0.5, 2, -1}, "eddm": {0.5, 2, -1}, "hddm_a": {1.0001, -1e-9}, "hddm_w": {1.0001, -1e-9},
	}
	taken := map[string][]float64{
		"ddm": {0, 1, math.Copysign(0, -1)}, "eddm": {0, 1}, "hddm_a": {0, 0.5, 1}, "hddm_w": {0, 0.5, 1},
	}
	for _, name := range Names {
		d := create(t, name, small[name])
		tryAll := func(when string) {
			for _, x := range append(never, ignored[name]...) {
				before := state(t, d)
				if level := d.Update(x); level != Ignored || !bytes.Equal(before, state(t, d)) {
					t.Errorf("%s: %g is %v %s, want ignored without effect", name, x, level, when)
				}
			}
		}
		tryAll("at first")
		values := taken[name]
		if values == nil {
			values = []float64{0, -1, 5e-324}
			if large := create(t, name, nil); large.Update(1e100) == Ignored || large.Update(-1e100) == Ignored {
				t.Errorf("%s ignores 1e100", name)
			}
		}
		for _, x := range values {
			if level := d.Update(x); level == Ignored {
				t.Errorf("%s ignores %g", name, x)
			}
		}
		tryAll("after values")
		for i := 0; d.Update(float64(i/20%2*(1-i%7/6))) != Drift; i++ {
			if i == 10_000 {
				t.Fatalf("%s: no drift", name)
			}
		}
		tryAll("after a drift")
	}
}

// The state stays finite whatever is taken.
func TestFinite(t *testing.T) {
	for _, name := range Names {
		d := create(t, name, nil)
		for i := range 5000 {
			x := []float64{1e100, -1e100, 5e-324, 0}[i%4]
			if onErrors(name) {
				x = float64(i % 2)
			}
			d.Update(x)
		}
		b := state(t, d)
		if err := create(t, name, nil).UnmarshalBinary(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnmarshalErrors(t *testing.T) {
	d := create(t, "ddm", nil)
	for i := range 40 {
		d.Update(float64(i % 2))
	}
	good := state(t, d)
	change := func(at int, with ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], with)
		return b
	}
	body := 5 + 3*8 // version, name and parameters come before
	nan := binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.NaN()))
	for _, test := range []struct {
		name  string
		state []byte
		want  string
	}{
		{"empty", nil, "ddm: the detector's state is damaged: it ends early"},
		{"long name", []byte{stateVersion, 255, 'd'}, "ddm: the detector's state is damaged: it ends early"},
		{"cut in the name", good[:3], "ddm: the detector's state is damaged: it ends early"},
		{"cut in the parameters", good[:20], "ddm: the detector's state is damaged: it ends early"},
		{"cut", good[:len(good)-1], "ddm: the detector's state is damaged: it ends early"},
		{"longer", append(bytes.Clone(good), 0), "ddm: the detector's state is damaged: 1 bytes too many"},
		{"newer", change(0, 2), "ddm: the state has version 2, this program reads 1: begin with a new detector"},
		{"another's", state(t, create(t, "eddm", nil)), `ddm: the state is of another detector, "eddm": begin with a new detector`},
		{"other parameters", state(t, create(t, "ddm", map[string]float64{"warm_start": 31})), "ddm: the state is for warm_start 31, the detector has 30: begin with a new detector, or set it back"},
		{"flag", change(body, 2), "ddm: the detector's state is damaged: it has a count of 2, over 1"},
		{"count", change(body+15, 255), fmt.Sprintf("ddm: the detector's state is damaged: it has a count of %d, over %d", uint64(255)<<56+40, maxCount)},
		{"not finite", change(body+16, nan...), "ddm: the detector's state is damaged: it has a number of NaN"},
	} {
		err := d.UnmarshalBinary(test.state)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: error %v, want %s", test.name, err, test.want)
		}
		if !bytes.Equal(state(t, d), good) {
			t.Errorf("%s: the detector has changed", test.name)
		}
	}
}

// Whatever bytes are read, either nothing happens or a state from which the detector goes on; it is written as read.
func FuzzUnmarshal(f *testing.F) {
	for i, name := range Names {
		d, err := New(name, small[name])
		if err != nil {
			f.Fatal(err)
		}
		for n := range 60 {
			d.Update(float64(n / 20 % 2))
		}
		b, err := d.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), b)
	}
	f.Fuzz(func(t *testing.T, i byte, b []byte) {
		name := Names[int(i)%len(Names)]
		d := create(t, name, small[name])
		if err := d.UnmarshalBinary(b); err != nil {
			return
		}
		if !bytes.Equal(state(t, d), b) {
			t.Fatalf("%s: read %x, written %x", name, b, state(t, d))
		}
		for n := range 100 {
			d.Update(float64(n % 3 / 2))
		}
	})
}
