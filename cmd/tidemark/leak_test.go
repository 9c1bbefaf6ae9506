package main

import (
	"fmt"
	"os"

	"go.uber.org/goleak"
)

// exitLeaked is how the program under test ends when it left goroutines behind.
const exitLeaked = 99

// leakless is main, and sees to it that a command that ends well has ended all that it began: roles, sessions, servers.
func leakless() {
	code := run()
	if code == 0 || code == exitFound {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = exitLeaked
		}
	}
	os.Exit(code)
}
