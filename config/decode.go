package config

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// position is a place in the file, from 1.
type position struct{ line, column int }

// decoder reads the syntax tree of a file into structs by their yaml tags. It goes on after a fault. It knows
// structs, lists, maps of strings, strings, booleans, integers, floats, durations and [encoding.TextUnmarshaler]; another type in a
// Config is a mistake in the program, which the tests find.
type decoder struct {
	env      func(string) (string, bool)
	lines    []string
	defaults map[reflect.Type]any // what an element of a list starts from
	faults   []Fault
	at       map[string]position // by path: a scalar's value, else the key of a mapping or list
	faulty   map[string]bool     // the paths that have no value because of a fault
	aliases  map[*ast.AliasNode]ast.Node
	entries  map[*ast.MappingNode][]*ast.MappingValueNode
}

func (d *decoder) fault(at position, path, message string) {
	d.faults = append(d.faults, Fault{Line: at.line, Column: at.column, Path: path, Message: message})
}

// reject reports a fault that leaves path without a value.
func (d *decoder) reject(at position, path, message string) {
	d.fault(at, path, message)
	d.faulty[path] = true
}

// check reports a fault in the meaning of the field at path: at its place, or, for a field that is not there, at
// that of the mapping it should be in. What follows from a fault reported before is not reported.
func (d *decoder) check(path, message string) {
	for p := path; ; p = parent(p) {
		if d.faulty[p] {
			return
		}
		if p == "" {
			break
		}
	}
	for p := path; ; p = parent(p) {
		if at, ok := d.at[p]; ok {
			d.fault(at, path, message)
			return
		}
	}
}

// value reads the node into a variable that holds the default. No value (null) leaves the default.
func (d *decoder) value(node ast.Node, into reflect.Value, path string) {
	if secret(into) && misread(d.unwrap(node)) { // what follow says of it would show it
		d.reject(start(node), path, "begins with a sign that means something in YAML: put quotes around it")
		return
	}
	node = d.follow(node, path)
	if node == nil || node.Type() == ast.NullType {
		return
	}
	_, text := into.Addr().Interface().(encoding.TextUnmarshaler)
	switch {
	case into.Kind() == reflect.Struct && !text:
		d.mapping(node, into, path)
	case into.Kind() == reflect.Slice && !text:
		d.list(node, into, path)
	case into.Kind() == reflect.Map:
		d.words(node, into, path)
	default:
		d.scalar(node, into, path)
	}
}

// words reads a mapping whose keys are not known here into a map of strings.
func (d *decoder) words(node ast.Node, into reflect.Value, path string) {
	m, ok := asMapping(node)
	if !ok {
		d.reject(start(node), path, fmt.Sprintf("is %s: write a mapping of names and values", kind(node)))
		return
	}
	words := map[string]string{}
	for _, e := range d.entriesOf(m, path) {
		key, word := keyOf(e), ""
		d.at[join(path, key)] = d.place(e)
		d.value(e.Value, reflect.ValueOf(&word).Elem(), join(path, key))
		words[key] = word
	}
	into.Set(reflect.ValueOf(words))
}

func (d *decoder) mapping(node ast.Node, into reflect.Value, path string) {
	fields := fieldsOf(into)
	known := keysOf(fields)
	m, ok := asMapping(node)
	if !ok {
		d.reject(start(node), path, fmt.Sprintf("is %s: write a mapping with keys such as %q", kind(node), known[0]+":"))
		return
	}
	for _, e := range d.entriesOf(m, path) {
		key := keyOf(e)
		f, ok := d.choose(fields, key, e.Value)
		if !ok {
			d.unknown(e, path, known)
			continue
		}
		d.at[join(path, key)] = d.place(e)
		d.value(e.Value, f.value, join(path, key))
	}
}

// choose returns the field of a key, of which there are two when the value may be written in two forms: the one with the option
// "or" takes a mapping, unless it has a key that only the elements of the other, a list of mappings, have.
func (d *decoder) choose(fields []field, key string, value ast.Node) (field, bool) {
	i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
	if i < 0 || !fields[i].or {
		return fields[max(i, 0)], i >= 0
	}
	either, list := fields[i], fields[i+1]
	m, ok := asMapping(d.unwrap(value))
	if !ok {
		return list, true
	}
	own, others := keysOf(fieldsOf(either.value)), keysOf(fieldsOf(reflect.New(list.value.Type().Elem()).Elem()))
	for _, e := range m.Values {
		if key := keyOf(e); slices.Contains(others, key) && !slices.Contains(own, key) {
			return list, true
		}
	}
	return either, true
}

func keysOf(fields []field) []string {
	var keys []string
	for _, f := range fields {
		if !f.or {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// unknown reports a key that the mapping at path does not have.
func (d *decoder) unknown(e *ast.MappingValueNode, path string, known []string) {
	at, key := start(e.Key), keyOf(e)
	f := Fault{Line: at.line, Column: at.column, Path: join(path, key), Message: "unknown key", Hint: nearest(key, known)}
	if f.Hint == "" {
		f.Message += "; the keys here are " + strings.Join(known, ", ")
	} else {
		d.faulty[join(path, f.Hint)] = true // it is not missing, but misspelt
	}
	d.faults = append(d.faults, f)
}

func (d *decoder) list(node ast.Node, into reflect.Value, path string) {
	values := []ast.Node{node}
	if sequence, ok := node.(*ast.SequenceNode); ok {
		values = sequence.Values
	} else if _, ok := asMapping(node); !ok && into.Type().Elem().Kind() == reflect.Struct {
		d.reject(start(node), path, fmt.Sprintf("is %s: write a list of mappings, or [] for none", kind(node)))
		return
	}
	list := reflect.MakeSlice(into.Type(), len(values), len(values))
	for i, value := range values {
		element, at := list.Index(i), fmt.Sprintf("%s[%d]", path, i)
		if start, ok := d.defaults[element.Type()]; ok {
			element.Set(reflect.ValueOf(start))
		}
		d.at[at] = start(d.unwrap(value))
		if value.Type() == ast.NullType {
			d.reject(d.at[at], at, "is empty: give a value or remove the entry")
			continue
		}
		d.value(value, element, at)
	}
	into.Set(list)
}

// field is a field of a struct under its key.
type field struct {
	key   string
	value reflect.Value
	or    bool // the next field has the same key, for another form of the value
}

// fieldsOf lists the fields of a struct in their order, those of inlined structs among them.
func fieldsOf(v reflect.Value) []field {
	var all []field
	for i := range v.NumField() {
		key, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			all = append(all, fieldsOf(v.Field(i))...)
		case key != "" && key != "-":
			all = append(all, field{key, v.Field(i), option == "or"})
		}
	}
	return all
}

// place is where a fault of the entry's value is shown: at a scalar itself, else at the key.
func (d *decoder) place(e *ast.MappingValueNode) position {
	node := d.unwrap(e.Value)
	if _, ok := textOf(node); ok {
		return start(node)
	}
	return start(e.Key)
}

// split cuts the line of the file at the position.
func (d *decoder) split(at position) (before, after string) {
	if at.line < 1 || at.line > len(d.lines) {
		return "", ""
	}
	line := []rune(d.lines[at.line-1])
	column := min(max(at.column-1, 0), len(line))
	return string(line[:column]), string(line[column:])
}

// find returns where the text is in the line after the position, or the position.
func (d *decoder) find(text string, after position) position {
	_, rest := d.split(after)
	if before, _, found := strings.Cut(rest, text); found {
		after.column += utf8.RuneCountInString(before)
	}
	return after
}
