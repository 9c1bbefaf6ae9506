// Command tidemark watches the inputs and outputs of deployed models on Kafka and says when they no longer look like
// the data the models were trained on.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tidemark/processor"
)

// version is set when the binary is built.
var version = "dev"

// The exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
	exitFound  = 3
)

// errFound ends the process with 3: drift or a violation was found, and has been printed.
var errFound = errors.New("drift or a violation was found")

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := rootCommand().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if errors.Is(err, errFound) {
		return exitFound
	}
	fmt.Fprintln(os.Stderr, "tidemark:", processor.Advised(err))
	if usage := (usageError{}); errors.As(err, &usage) {
		return exitUsage
	}
	if errors.Is(err, errFound) {
		return exitFound
	}
	return exitFailed
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "tidemark",
		Short: "Real-time drift detection for models, on Kafka",
		Long: `Tidemark reads what models are asked and what they answer from Kafka, compares windows of it with the data the
models were trained on, and publishes alerts to Kafka.

Exit codes: 0 fine; 1 failed; 2 wrong usage or configuration; 3 drift or a violation was found.`,
		Example: `  tidemark demo
  tidemark run -c tidemark.yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		demoCommand(), runCommand(), checkCommand(), baselineCommand(), scoreCommand(), detectCommand(), replayCommand(), backtestCommand(),
		alertsCommand(), deadlettersCommand(), archiveCommand(), topicsCommand(), healthCommand(), versionCommand(),
	)
	wrapArgs(root)
	return root
}

// wrapArgs makes wrong arguments, and commands that are not known, usage errors.
func wrapArgs(c *cobra.Command) {
	if c.HasSubCommands() {
		c.Args, c.DisableFlagsInUseLine = knownCommand, true
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
			}
			return nil
		}
	}
	for _, child := range c.Commands() {
		wrapArgs(child)
	}
}

// knownCommand refuses the arguments of a command that only has subcommands: they are not among those.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	err := fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
	if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
		err = fmt.Errorf("%w; did you mean %q?", err, similar[0])
	}
	return err
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  tidemark version",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), "tidemark", version)
			return err
		},
	}
}

// newLog returns the log of a command: to standard error, since results are on standard output.
func newLog(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
