package deploy

import (
	"testing"

	"tidemark/testbed"
)

// The rules fire when they should and are silent when not: the cases are in prometheus/tests.yml.
func TestRules(t *testing.T) {
	testbed.Need(t, "promtool")
	command(t, "prometheus", "promtool", "check", "rules", "recording.rules.yml", "alerting.rules.yml")
	command(t, "prometheus", "promtool", "check", "config", "--syntax-only", "prometheus.yml")
	command(t, "prometheus", "promtool", "test", "rules", "tests.yml")
}
