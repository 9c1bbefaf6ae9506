package main

import (
	"fmt"
	"os"
	"slices"

	"go.uber.org/goleak"
)

// exitLeaked is how the program under test ends when it left goroutines behind.
const exitLeaked = 99

// unanswered is in the environment of a program whose brokers or store never answer: it ends in time without waiting for
// what it asked of them.
const unanswered = "TIDEMARK_UNANSWERED=1"

// leakless is main, and sees to it that a command that ends well has ended all that it began: roles, sessions, servers. What
// is left are the idle connections to a store or a receiver, which the HTTP client keeps for who may need them next.
func leakless() {
	code := run()
	if (code == 0 || code == exitFound) && !slices.Contains(os.Environ(), unanswered) {
		if err := goleak.Find(
			goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = exitLeaked
		}
	}
	os.Exit(code)
}
