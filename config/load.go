package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"tidemark/monitor"
)

// Load reads the configuration file at path, completes it and checks it. Paths in it, which start at the directory
// of the file, are made to start at the working directory. The values of ${VAR} come from env, such as
// [os.LookupEnv]. An error is either a [*Faults] or says why the file cannot be read.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w: name the file with --config", err)
	}
	return read(path, source, env)
}

// read is [Load] of the source that is at path.
func read(path string, source []byte, env func(string) (string, bool)) (*Config, error) {
	var err error
	text := normal(source)
	c, d := defaultConfig(), newDecoder(text, env)
	if d.document(text, &c) {
		c.complete()
		if c.Processor.Instance == "" {
			if c.Processor.Instance, err = os.Hostname(); err != nil {
				d.check("instance", fmt.Sprintf("is missing and the host has no name to use (%v): name this instance", err))
			}
		}
		for _, p := range c.Processor.Kafka.Paths() {
			if *p != "" {
				*p = resolve(filepath.Dir(path), *p)
			}
		}
		c.check(filepath.Dir(path), d.check)
	}
	if len(d.faults) > 0 {
		return nil, newFaults(path, d.lines, d.faults)
	}
	for i := range c.Monitors {
		c.Monitors[i].Baseline = resolve(filepath.Dir(path), c.Monitors[i].Baseline)
		if constraints := &c.Monitors[i].Constraints; *constraints != "" {
			*constraints = resolve(filepath.Dir(path), *constraints)
		}
	}
	if directory, ok := c.Archive.Directory(); ok && c.Archive.Enabled() {
		c.Archive.URL = resolve(filepath.Dir(path), directory)
	}
	return &c, nil
}

func newDecoder(text string, env func(string) (string, bool)) *decoder {
	return &decoder{
		env:      env,
		lines:    strings.Split(text, "\n"),
		defaults: map[reflect.Type]any{reflect.TypeFor[monitor.Config](): monitor.DefaultConfig()},
		at:       map[string]position{"": {1, 1}},
		faulty:   map[string]bool{},
		aliases:  map[*ast.AliasNode]ast.Node{},
		entries:  map[*ast.MappingNode][]*ast.MappingValueNode{},
	}
}

// document reads the text into c. It is false if the text is not YAML, so that nothing more can be said of it.
func (d *decoder) document(text string, c *Config) bool {
	file, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return false
	}
	read := false
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.NullType {
			continue
		}
		if read {
			d.fault(start(doc.Body), "", "a second document: keep the whole configuration in one")
			break
		}
		read = true
		d.at[""] = start(doc.Body)
		d.findAnchors(doc.Body, map[string]ast.Node{})
		d.value(doc.Body, reflect.ValueOf(c).Elem(), "")
	}
	return true
}

// syntax reports that the text is not YAML.
func (d *decoder) syntax(err error) {
	var located yaml.Error
	if !errors.As(err, &located) || located.GetToken() == nil {
		d.fault(position{1, 1}, "", "not YAML: "+err.Error())
		return
	}
	at, message := of(located.GetToken()), located.GetMessage()
	message, _, _ = strings.Cut(message, `: "`) // what it quotes may be a secret; the excerpt shows what is none
	before, _ := d.split(at)
	switch {
	case strings.HasSuffix(before, "$"):
		message += "; inside of braces and brackets put quotes around a value with ${}"
	case strings.Contains(message, "'\t'"):
		message += "; indent with spaces, not with tabs"
	case message == "mapping value is not allowed in this context":
		message += "; put quotes around a value that has a colon and a space in it"
	default:
		message += "; check brackets, quotes and indentation up to here"
	}
	d.fault(at, "", "not YAML: "+strings.ReplaceAll(message, "'\t'", "tab"))
}

// normal cuts the byte order mark that some editors begin a file with, and ends lines as Unix does: the parser
// miscounts others.
func normal(source []byte) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(bytes.TrimPrefix(source, []byte("\ufeff"))))
}
