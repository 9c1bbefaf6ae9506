package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/processor"
)

func topicsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "topics",
		Short:   "Create or check the topics",
		Example: "  tidemark topics create -c tidemark.yaml\n  tidemark topics check -c tidemark.yaml",
	}
	c.AddCommand(
		topicsVerb("create", "Create the topics that are not there", func(c *cobra.Command, ctx context.Context, p *processor.Config, client *kgo.Client) error {
			created, err := p.CreateTopics(ctx, client)
			for _, name := range created {
				fmt.Fprintln(c.OutOrStdout(), "created", name)
			}
			if err == nil && len(created) == 0 {
				fmt.Fprintln(c.OutOrStdout(), "all topics are there")
			}
			return err
		}),
		topicsVerb("check", "Compare the topics with what is needed", func(c *cobra.Command, ctx context.Context, p *processor.Config, client *kgo.Client) error {
			faults, err := p.CheckTopics(ctx, client)
			for _, fault := range faults {
				fmt.Fprintln(c.OutOrStdout(), fault)
			}
			switch {
			case err != nil:
				return err
			case len(faults) > 0:
				return fmt.Errorf("the topics have %d faults", len(faults))
			}
			fmt.Fprintln(c.OutOrStdout(), "all topics are as needed")
			return nil
		}),
	)
	return c
}

func topicsVerb(use, short string, do func(*cobra.Command, context.Context, *processor.Config, *kgo.Client) error) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		Example: "  tidemark topics " + use + " -c tidemark.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			loaded, err := loadConfig(c, file)
			if err != nil {
				return err
			}
			client, err := dial(&loaded.Processor)
			if err != nil {
				return err
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
			defer cancel()
			return do(c, ctx, &loaded.Processor, client)
		},
	}
	c.Flags().StringVarP(&file, "config", "c", "tidemark.yaml", "configuration `file`")
	return c
}
