package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"tidemark/processor"
	"tidemark/windows"
)

func (d *decoder) scalar(node ast.Node, into reflect.Value, path string) {
	text, ok := textOf(node)
	if !ok {
		d.reject(start(node), path, fmt.Sprintf("is %s: write one value", kind(node)))
		return
	}
	text, bad := expand(text, d.env)
	for _, b := range bad {
		if secret(into) && !variable.MatchString(b.text) {
			d.reject(start(node), path, "holds a ${ that "+b.message)
			continue
		}
		d.reject(d.find(b.text, start(node)), path, b.text+" "+b.message)
	}
	if len(bad) > 0 {
		return
	}
	if err := convert(text, into); err != nil {
		d.reject(start(node), path, err.Error())
	}
}

// secret is whether the value of a field may not be shown.
func secret(into reflect.Value) bool { return into.Type() == reflect.TypeFor[processor.Secret]() }

// misread is whether a node is an alias or a tag.
func misread(node ast.Node) bool {
	switch node.(type) {
	case *ast.AliasNode, *ast.TagNode:
		return true
	}
	return false
}

// convert sets the variable to what the text says.
func convert(text string, into reflect.Value) (err error) {
	if u, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	if into.Type() == reflect.TypeFor[time.Duration]() {
		value, err := windows.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q %w", text, err)
		}
		into.SetInt(int64(value))
		return nil
	}
	switch into.Kind() {
	case reflect.String:
		into.SetString(text)
	case reflect.Bool:
		switch strings.ToLower(text) {
		case "true", "false":
			into.SetBool(strings.EqualFold(text, "true"))
		default:
			return fmt.Errorf("is %q: write true or false", text)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		value, err := strconv.ParseInt(text, 10, into.Type().Bits())
		if errors.Is(err, strconv.ErrRange) {
			limit := int64(math.MaxInt64) >> (64 - into.Type().Bits())
			return fmt.Errorf("is %s: write a whole number from %d to %d", text, -limit-1, limit)
		}
		if err != nil {
			return fmt.Errorf("is %q: write a whole number", text)
		}
		into.SetInt(value)
	case reflect.Float32, reflect.Float64:
		value, err := strconv.ParseFloat(text, into.Type().Bits())
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return fmt.Errorf("is %q: write a number such as 0.2", text)
		}
		into.SetFloat(value)
	default:
		panic(fmt.Sprintf("config: a field has the type %v, which cannot be read", into.Type()))
	}
	return nil
}
