package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"tidemark/sinks/archive"
	"tidemark/windows"
)

func archiveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "archive",
		Short:   "Check an archive of captures, and take away what is old",
		Example: "  tidemark archive verify s3://bucket/captures",
	}
	c.AddCommand(archiveVerifyCommand(), archiveExpireCommand())
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
			a, err := openArchive(c.Context(), &config, args[0])
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
	addStoreFlags(flags, &config)
	flags.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func archiveExpireCommand() *cobra.Command {
	config := archive.DefaultConfig()
	var olderThan string
	var dry, asJSON bool
	c := &cobra.Command{
		Use:   "expire URL --older-than AGE",
		Short: "Take away the rows of objects that are older than an age",
		Long: `Take away the rows of objects of which all records are older than an age by Kafka's timestamp, from the start of each partition
up to the first object that has a younger one. Each such object is replaced by one without rows that covers the same offsets, says
when that was and how many rows it had: so the chain stays whole, archive verify finds nothing missing, and processes that write to
the archive need not be stopped. In a bucket that keeps versions, or under an object lock, the rows are gone only with the
old versions.`,
		Example: `  tidemark archive expire s3://bucket/captures --older-than 90d --dry-run
  tidemark archive expire ./captures --older-than 90d`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			age, err := windows.ParseDuration(olderThan)
			if err == nil && age <= 0 {
				err = errors.New("is not positive: give an age such as 90d")
			}
			if err != nil {
				return usageError{fmt.Errorf("--older-than %q %w", olderThan, err)}
			}
			a, err := openArchive(c.Context(), &config, args[0])
			if err != nil {
				return err
			}
			now := time.Now()
			expiries, err := a.Expire(c.Context(), now.Add(-age), now, dry, progressTo(c.ErrOrStderr()))
			if printed := printExpired(c.OutOrStdout(), expiries, dry, asJSON); err == nil {
				err = printed
			}
			return err
		},
	}
	flags := c.Flags()
	flags.StringVar(&olderThan, "older-than", "", "`age` of the youngest record of an object, such as 90d, from which on its rows are taken away")
	flags.BoolVar(&dry, "dry-run", false, "change nothing, and say what would be taken away")
	addStoreFlags(flags, &config)
	flags.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func printExpired(w io.Writer, expiries []archive.Expiry, dry, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			DryRun  bool             `json:"dry_run"`
			Expired []archive.Expiry `json:"expired"`
		}{dry, expiries})
	}
	verb := "expired"
	if dry {
		verb = "would expire"
	}
	for _, e := range expiries {
		fmt.Fprintf(w, "%s: %s partition %d, %d rows in %d objects of %d bytes, the youngest of %s; what is left begins at offset %d\n",
			verb, e.Topic, e.Partition, e.Rows, e.Objects, e.Bytes, e.Newest.Format(time.RFC3339), e.Floor)
	}
	if len(expiries) == 0 {
		fmt.Fprintln(w, "nothing is so old")
	}
	return nil
}

func addStoreFlags(flags *pflag.FlagSet, config *archive.Config) {
	flags.StringVar(&config.Endpoint, "endpoint", "", "`URL` of an S3 server other than AWS")
	flags.StringVar(&config.Region, "region", "", "`region` of the bucket (default that of the environment)")
	flags.BoolVar(&config.PathStyle, "path-style", false, "the bucket is in the path, not in the host name")
}

// openArchive opens one that is there.
func openArchive(ctx context.Context, config *archive.Config, url string) (*archive.Archive, error) {
	config.URL = url
	var fault error
	config.Check(func(path, message string) {
		if fault == nil {
			fault = usageError{fmt.Errorf("%s %s", path, message)}
		}
	})
	if fault != nil {
		return nil, fault
	}
	if directory, ok := config.Directory(); ok {
		if _, err := os.Stat(directory); err != nil {
			return nil, err
		}
	}
	return archive.Open(ctx, *config)
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
	fmt.Fprintln(table, "TOPIC\tPARTITION\tGENERATION\tOBJECTS\tSTART\tEND\tROWS\tBYTES\tLOST\tEXPIRED")
	for _, c := range report.Chains {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", c.Topic, c.Partition, c.Generation, c.Objects, c.Start, c.End, c.Rows, c.Bytes, c.Lost, c.Expired)
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
