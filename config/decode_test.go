package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/monitor"
	"tidemark/sinks/archive"
)

// A writer makes a value of every key of a type, all different, and the YAML that says so.
type writer struct {
	yaml strings.Builder
	n    int
}

func (w *writer) fill(t *testing.T, v reflect.Value, indent string) {
	t.Helper()
	for i := range v.NumField() {
		f, tag := v.Type().Field(i), v.Type().Field(i).Tag.Get("yaml")
		key, option, _ := strings.Cut(tag, ",")
		if option == "inline" {
			w.fill(t, v.Field(i), indent)
			continue
		}
		if option == "or" {
			continue // the next field has the same key
		}
		if key == "" || key != strings.ToLower(key) {
			t.Errorf("%v.%s has the yaml tag %q: give it a lower-case key", v.Type(), f.Name, tag)
			continue
		}
		fmt.Fprintf(&w.yaml, "%s%s:", indent, key)
		w.value(t, v.Field(i), indent+"    ")
	}
}

func (w *writer) value(t *testing.T, v reflect.Value, indent string) {
	t.Helper()
	w.n++
	switch u := v.Addr().Interface().(type) {
	case *time.Duration:
		*u = time.Duration(w.n)*24*time.Hour + time.Second
		fmt.Fprintf(&w.yaml, " %dd1s\n", w.n)
		return
	case *monitor.For:
		*u = monitor.For{M: 1, N: w.n%64 + 1}
		fmt.Fprintf(&w.yaml, " %v\n", *u)
		return
	case *archive.Size:
		*u = archive.Size(w.n) << 20
		fmt.Fprintf(&w.yaml, " %dMiB\n", w.n)
		return
	case encoding.TextUnmarshaler:
		t.Fatalf("teach this test to make a %v", v.Type())
	}
	switch v.Kind() {
	case reflect.Struct:
		w.yaml.WriteByte('\n')
		w.fill(t, v, indent)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		w.yaml.WriteByte('\n')
		for i := range 2 {
			fmt.Fprintf(&w.yaml, "%s-", indent)
			w.value(t, v.Index(i), indent+"    ")
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"key": fmt.Sprint("text", w.n)}))
		fmt.Fprintf(&w.yaml, "\n%skey: text%d\n", indent, w.n)
	case reflect.String:
		v.SetString(fmt.Sprint("text", w.n))
		fmt.Fprintf(&w.yaml, " %s\n", v.String())
	case reflect.Bool:
		v.SetBool(true)
		w.yaml.WriteString(" true\n")
	case reflect.Int, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(w.n))
		fmt.Fprintf(&w.yaml, " %d\n", w.n)
	case reflect.Float64:
		v.SetFloat(float64(w.n) + 0.5)
		fmt.Fprintf(&w.yaml, " %v\n", v)
	default:
		t.Fatalf("the decoder does not know %v", v.Type())
	}
}

// Every key of every package's Config is read into its field.
func TestEveryKey(t *testing.T) {
	var want, got Config
	var w writer
	w.fill(t, reflect.ValueOf(&want).Elem(), "")
	d := newDecoder(w.yaml.String(), env)
	if !d.document(w.yaml.String(), &got) || len(d.faults) > 0 {
		t.Fatalf("%v\n%s", d.faults, w.yaml.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"name", "baseline", "match", "windows", "allowed_lateness", "drift", "quality", "size", "slide"}
	for key, want := range map[string]string{
		"slde": "slide", "window": "windows", "drfit": "drift", "Baseline": "baseline", "lateness": "allowed_lateness",
		"allowed-lateness": "allowed_lateness", "allowedLateness": "allowed_lateness", "owner": "", "x": "", "": "",
	} {
		if got := nearest(key, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", key, got, want)
		}
	}
}

// Any text gives a configuration or faults that lie in the text.
func FuzzRead(f *testing.F) {
	for _, file := range files(f, ".yaml") {
		f.Add(readFile(f, file))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		c, err := read("testdata/fuzz.yaml", source, env)
		if err == nil {
			if len(c.Monitors) == 0 {
				t.Error("a configuration without monitors")
			}
			return
		}
		var faults *Faults
		if !errors.As(err, &faults) {
			t.Fatalf("%v is not faults", err)
		}
		lines := strings.Count(normal(source), "\n") + 1
		for _, fault := range faults.Faults {
			if fault.Line < 1 || fault.Line > lines || fault.Column < 1 {
				t.Errorf("a fault at %d:%d of %d lines: %v", fault.Line, fault.Column, lines, fault)
			}
		}
		if faults.Error() == "" {
			t.Error("no faults and no configuration")
		}
	})
}
