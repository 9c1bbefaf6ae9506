package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidemark/config"
)

// healthTimeout is how long an answer may take: less than what container engines wait by default.
const healthTimeout = 2 * time.Second

func healthCommand() *cobra.Command {
	address := config.DefaultListen
	c := &cobra.Command{
		Use:   "health",
		Short: "Ask a running process whether it is ready",
		Long: `Ask a running process whether its roles are restored and reading. The exit code is 0 when they are and 1 otherwise: for
the health checks of containers, whose image has no other program to ask with.`,
		Example: "  tidemark health --http 127.0.0.1:8080",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), healthTimeout)
			defer cancel()
			return askHealth(ctx, address, c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&address, "http", address, "`address` that the process serves HTTP on")
	return c
}

func askHealth(ctx context.Context, address string, out io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return usageError{fmt.Errorf("--http %q: give host:port: %w", address, err)}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	text := strings.TrimSpace(string(answer))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", address, response.Status, text)
	}
	_, err = fmt.Fprintln(out, text)
	return err
}
