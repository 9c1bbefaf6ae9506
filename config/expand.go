package config

import (
	"fmt"
	"regexp"
	"strings"
)

// reference is a dollar sign with what it stands for: $$, ${VAR}, ${VAR:-default}, or a faulty ${.
var reference = regexp.MustCompile(`\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}|\$\{`)

// badReference is a reference that has no value, and why.
type badReference struct{ text, message string }

// expand replaces ${VAR} by the variable's value, ${VAR:-default} by the default when the variable is not set or is
// empty, and $$ by a dollar sign. A dollar sign before anything else stands for itself.
func expand(text string, env func(string) (string, bool)) (string, []badReference) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	var bad []badReference
	var b strings.Builder
	done := 0
	for _, m := range reference.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(text[done:m[0]])
		done = m[1]
		whole := text[m[0]:m[1]]
		switch {
		case whole == "$$":
			b.WriteByte('$')
		case m[2] < 0:
			bad = append(bad, badReference{strings.Fields(text[m[0]:])[0], "starts no variable: write ${VAR} or ${VAR:-default}, or $$ for a dollar sign"})
		default:
			name := text[m[2]:m[3]]
			value, set := env(name)
			hasDefault := m[4] >= 0
			switch {
			case hasDefault && strings.Contains(text[m[6]:m[7]], "${"):
				bad = append(bad, badReference{whole, "has a variable in its default: write the default out"})
			case hasDefault && value == "":
				b.WriteString(text[m[6]:m[7]])
			case set:
				b.WriteString(value)
			default:
				bad = append(bad, badReference{whole, fmt.Sprintf("is not set: set the environment variable %s or write ${%[1]s:-default}", name)})
			}
		}
	}
	b.WriteString(text[done:])
	return b.String(), bad
}
