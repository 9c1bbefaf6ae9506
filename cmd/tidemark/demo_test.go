package main

import (
	"regexp"
	"strings"
	"testing"
)

// The demos run one after the other, as they would take each other's ports.
func TestDemo(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	out := s.tidemark("demo", "--exit-on-alert", "--for", "60s")
	for _, want := range []string{
		`(?m)^Embedded Kafka broker on localhost:\d+: captures on topic "capture", alerts on topic "alerts"\. Metrics on http://127\.0\.0\.1:\d+/metrics$`,
		`(?m)^\d\d:\d\d:\d\d  window of 3s  +\d+ rows  largest PSI 0\.\d{3} \(\w+\)$`,
		`(?m)^\d\d:\d\d:\d\d  ALERT     (income on loans has been lower|debt_ratio on loans has been higher) since about .*, and the budget is 1 per 30d `,
		`(?m)^(income|debt_ratio): baseline beside the records from \d\d:\d\d:\d\d to \d\d:\d\d:\d\d$`,
		`(?m)^\d alerts, on \d features\.$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("the demo does not print %s:\n%s", want, out)
		}
	}
	_, chart, _ := strings.Cut(out, ": baseline beside the records from ")
	if bars := strings.Count(chart, "█"); bars < 20 || strings.Count(chart, "\n") < 12 {
		t.Errorf("the chart has %d blocks:\n%s", bars, chart)
	}

	p := s.start("demo", "--no-drift", "--exit-on-alert", "--for", "15s")
	code := p.wait()
	if text := p.stdout.String(); code != exitFailed || !strings.HasSuffix(text, "\n\nNo alert.\n") || !strings.Contains(text, "largest PSI") {
		t.Errorf("without drift the demo ends with %d and prints:\n%s", code, text)
	}
	if text := p.stderr.String(); !strings.Contains(text, "tidemark: no alert within 15s\n") {
		t.Errorf("without drift the demo says %q", text)
	}
}
