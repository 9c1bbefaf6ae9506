// Package config reads Tidemark's configuration: one YAML file, composed of each package's own Config.
//
// A file is read to its end whatever is wrong with it, so that all of its faults are reported at once, each with its
// line and column: unknown keys, values of the wrong type, variables that are not set, and what the packages' own
// checks find. Scalar values may hold ${VAR} and ${VAR:-default}; $$ is a dollar sign. Where a list is expected, one
// value that is not a list is a list of one; [] is the empty list and overrides a default.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"tidemark/baseline"
	"tidemark/monitor"
	"tidemark/processor"
	"tidemark/sinks/archive"
	"tidemark/sinks/webhook"
)

// Config is the whole configuration.
type Config struct {
	Processor processor.Config `yaml:",inline"`
	Monitors  []monitor.Config `yaml:"monitors"`
	Archive   archive.Config   `yaml:"archive"`
	Webhook   webhook.Config   `yaml:"webhook"`
	HTTP      HTTP             `yaml:"http"`
}

// HTTP says where metrics, health and the pages are served.
type HTTP struct {
	Listen string `yaml:"listen"` // host:port; 127.0.0.1:8080 by default
}

// DefaultListen is where HTTP is served when the configuration does not say.
const DefaultListen = "127.0.0.1:8080"

// defaultConfig is the configuration of which nothing is given yet.
func defaultConfig() Config {
	return Config{Processor: processor.DefaultConfig(), Archive: archive.DefaultConfig()}
}

// complete fills in what was left out.
func (c *Config) complete() {
	c.Processor.Complete()
	for i := range c.Monitors {
		c.Monitors[i].Complete()
	}
	c.Webhook.Complete()
	if c.HTTP.Listen == "" {
		c.HTTP.Listen = DefaultListen
	}
}

// check reports every fault of a completed configuration with the path of its field. Relative paths of baselines
// start at dir.
func (c *Config) check(dir string, fault func(path, message string)) {
	c.Processor.Check(fault)
	if len(c.Monitors) == 0 {
		fault("monitors", "is missing: list at least one monitor, such as {name: churn, baseline: ./baseline}")
	}
	for i := range c.Monitors {
		m, at := &c.Monitors[i], fmt.Sprintf("monitors[%d]", i)
		m.Check(func(path, message string) { fault(join(at, path), message) })
		for j := range i {
			if m.Name != "" && m.Name == c.Monitors[j].Name {
				fault(at+".name", fmt.Sprintf("is %q, as monitors[%d] is: give each monitor its own name", m.Name, j))
				break
			}
		}
		if m.Baseline != "" {
			checkBaseline(at+".baseline", m.Baseline, dir, fault)
		}
		if m.Constraints != "" {
			if _, err := baseline.ReadConstraints(resolve(dir, m.Constraints)); err != nil {
				fault(at+".constraints", fmt.Sprintf("is %q: %v: name the constraints.json of a SageMaker data quality baseline, or the one that `tidemark baseline build` wrote", m.Constraints, err))
			}
		}
	}
	c.Archive.Check(func(path, message string) { fault(join("archive", path), message) })
	c.Webhook.Check(func(path, message string) { fault(join("webhook", path), message) })
	checkListen(c.HTTP.Listen, fault)
}

func checkBaseline(path, baseline, dir string, fault func(path, message string)) {
	resolved := resolve(dir, baseline)
	_, err := os.Stat(filepath.Join(resolved, "baseline.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		fault(path, fmt.Sprintf("is %q, which holds no baseline.json: make it with `tidemark baseline build DATA... -o %s`", baseline, resolved))
	case err != nil:
		fault(path, fmt.Sprintf("is %q, which cannot be read: %v: give the directory that `tidemark baseline build` made", baseline, err))
	}
}

func checkListen(listen string, fault func(path, message string)) {
	_, port, err := net.SplitHostPort(listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		fault("http.listen", fmt.Sprintf("is %q: give host:port, such as %s", listen, DefaultListen))
	}
}

// resolve returns the path of a file that the configuration in dir names.
func resolve(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
