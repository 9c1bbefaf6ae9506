package config

import (
	"regexp"
	"strings"
)

var (
	// secretKey is a key that may hold a secret, to the beginning of its value. A misspelt key and a file that is not
	// YAML show no secret either, so the keys are known by their look.
	secretKey = regexp.MustCompile(`(?i)(?:pas|psw|pwd|secret|token|hook|authorization)(?:[^:]*:\s*|\S*\s*$)`)
	// fileKey is a key that names the file that holds a secret.
	fileKey = regexp.MustCompile(`(?i)_file["']?\s*:\s*$`)
	// variable is a value that says which variable has the secret.
	variable = regexp.MustCompile(`^["']?\$\{[A-Za-z_][A-Za-z0-9_]*\}["']?\s*(?:$|[,}#])`)
)

// redact returns the lines of a file without the secrets in them: what follows such a key is left out, to the end of
// the line and with the lines that may go on with it.
func redact(lines []string) []string {
	shown := make([]string, len(lines))
	inside := -1  // the indent of the key whose value may go on, or -1
	open := false // the value has yet to begin or its quotes to end, which may be at any indent
	for i, line := range lines {
		text := strings.TrimLeft(line, " \t")
		indent := len(line) - len(text)
		if text == "" {
			continue
		}
		if open || inside >= 0 && indent > inside {
			shown[i], open = line[:indent]+"[redacted]", false
			continue
		}
		shown[i], inside = line, -1
		for _, at := range secretKey.FindAllStringIndex(line, -1) {
			value := line[at[1]:]
			if fileKey.MatchString(line[at[0]:at[1]]) || variable.MatchString(value) {
				continue
			}
			shown[i], inside = line[:at[1]]+"[redacted]", indent
			open = value == "" || strings.ContainsAny(value[:1], "|>") || strings.Count(value, `"`)%2 == 1 || strings.Count(value, "'")%2 == 1
			break
		}
	}
	return shown
}
