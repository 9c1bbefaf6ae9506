package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tidemark/sinks/archive"
)

func archiveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "archive",
		Short:   "Check an archive of captures",
		Example: "  tidemark archive verify s3://bucket/captures",
	}
	c.AddCommand(archiveVerifyCommand())
	return c
}

func archiveVerifyCommand() *cobra.Command {
	config := archive.DefaultConfig()
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify URL",
		Short: "Look for removed, doubled and damaged objects",
		Long: `Read every object of an archive and walk every chain: each object must begin where the one before ends, and hold what its
key, its metadata and its footer say. Whatever does not is named, and the exit code is 3. That the last object of a chain
was removed cannot be seen in the archive alone.`,
		Example: `  tidemark archive verify s3://bucket/captures
  tidemark archive verify ./archive --json
  tidemark archive verify s3://bucket --endpoint http://localhost:8333 --path-style`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			config.URL = args[0]
			var fault error
			config.Check(func(path, message string) {
				if fault == nil {
					fault = usageError{fmt.Errorf("%s %s", path, message)}
				}
			})
			if fault != nil {
				return fault
			}
			if directory, ok := config.Directory(); ok {
				if _, err := os.Stat(directory); err != nil {
					return err
				}
			}
			a, err := archive.Open(c.Context(), config)
			if err != nil {
				return err
			}
			report, err := a.Verify(c.Context(), progressTo(c.ErrOrStderr()))
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(c.OutOrStdout())
				encoder.SetIndent("", "  ")
				err = encoder.Encode(report)
			} else {
				err = printVerified(c.OutOrStdout(), report)
			}
			if err == nil && len(report.Findings) > 0 {
				err = errFound
			}
			return err
		},
	}
	flags := c.Flags()
	flags.StringVar(&config.Endpoint, "endpoint", "", "`URL` of an S3 server other than AWS")
	flags.StringVar(&config.Region, "region", "", "`region` of the bucket (default that of the environment)")
	flags.BoolVar(&config.PathStyle, "path-style", false, "the bucket is in the path, not in the host name")
	flags.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// progressTo returns what shows on a terminal how far a walk has come.
func progressTo(w io.Writer) func(key string) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(string) {}
	}
	n := 0
	return func(key string) {
		n++
		fmt.Fprintf(w, "\r\x1b[K%d objects  %s\r", n, key)
	}
}

func printVerified(w io.Writer, report archive.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TOPIC\tPARTITION\tGENERATION\tOBJECTS\tSTART\tEND\tROWS\tBYTES\tLOST")
	for _, c := range report.Chains {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", c.Topic, c.Partition, c.Generation, c.Objects, c.Start, c.End, c.Rows, c.Bytes, c.Lost)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, f := range report.Findings {
		fmt.Fprintf(w, "\n%s: %s\n  %s\n", f.Kind, f.Key, f.Detail)
	}
	if n := len(report.Findings); n > 0 {
		fmt.Fprintf(w, "\n%d findings\n", n)
	}
	return nil
}
