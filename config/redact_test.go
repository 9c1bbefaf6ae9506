package config

import (
	"fmt"
	"strings"
	"testing"

	"tidemark/processor"
)

// Whatever one wrong character does to a file, the message about it does not show the password.
func TestFaultsShowNoSecret(t *testing.T) {
	const block = `kafka:
  brokers: [one:9093]
  sasl:
    mechanism: PLAIN
    username: tidemark
    password: hunter2
    passwordfile: hunter2
instance: 1
`
	const flow = `kafka: {brokers: [one:9093], sasl: {mechanism: PLAIN, password: "hunter2", user: x}}` + "\ninstance: 1\n"
	const folded = "kafka:\n  sasl:\n    password: >-\n      hunter2\n    mechanism: X\n  brokers: one:9093\n"
	refused := 0
	for _, text := range []string{block, flow, folded} {
		for at := range text {
			for _, wrong := range "{}[]:\"',#&*!|>%@`-?$ \n\tx" {
				changed := text[:at] + string(wrong) + text[at:]
				if strings.Contains(changed, "password:,") || strings.Contains(changed, "password: ,") {
					continue // which makes it a key of its own
				}
				if strings.Count(changed, "hunter2") != strings.Count(text, "hunter2") || strings.Count(changed, "password") != strings.Count(text, "password") {
					continue
				}
				_, err := read("tidemark.yaml", []byte(changed), env)
				if err == nil {
					continue
				}
				refused++
				if strings.Contains(err.Error(), "hunter2") {
					t.Fatalf("%q shows the password:\n%v", changed, err)
				}
			}
		}
	}
	if refused < 1000 {
		t.Errorf("only %d files were refused", refused)
	}
}

func TestSecretIsNotShown(t *testing.T) {
	c := processor.SASLConfig{Username: "tidemark", Password: "hunter2"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(verb, c) + fmt.Sprintf(verb, &c) + fmt.Sprintf(verb, c.Password); strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("%s shows the password: %s", verb, text)
		}
	}
}
