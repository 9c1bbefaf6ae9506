package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/baseline"
	"tidemark/config"
	"tidemark/processor"
	"tidemark/sinks/archive"
)

// attempt is what came of trying one part that the configuration names: a line of check --connect.
type attempt struct {
	Part    string `json:"part"`
	OK      bool   `json:"ok"`
	Message string `json:"message"` // what was found, or what is wrong and what to do
}

// tried is the attempt that ended with the error, or well if there is none.
func tried(part string, err error, found string) attempt {
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %v: %w", attemptTime, err)
		}
		return attempt{part, false, strings.ReplaceAll(processor.Advised(err).Error(), "\n", "; ")}
	}
	return attempt{part, true, found}
}

// attemptTime is how long one part may take.
const attemptTime = 20 * time.Second

// connectChecks try the parts, one after the other. What the configuration does not name gives no attempt.
var connectChecks = []func(context.Context, *config.Config) []attempt{tryBaselines, tryKafka, tryArchive}

// connect tries all parts and prints a line for each, when w is there.
func connect(ctx context.Context, c *config.Config, w io.Writer) (all []attempt) {
	for _, check := range connectChecks {
		for _, a := range check(ctx, c) {
			word := "ok   "
			if !a.OK {
				word = "fault"
			}
			if w != nil {
				fmt.Fprintf(w, "%s  %s: %s\n", word, a.Part, a.Message)
			}
			all = append(all, a)
		}
	}
	return all
}

// connectFailure sums the faults up, if there are any.
func connectFailure(all []attempt) error {
	faults := 0
	for _, a := range all {
		if !a.OK {
			faults++
		}
	}
	if faults > 0 {
		return fmt.Errorf("%d of %d attempts failed", faults, len(all))
	}
	return nil
}

func tryBaselines(_ context.Context, c *config.Config) (all []attempt) {
	for _, m := range c.Monitors {
		b, err := baseline.Load(m.Baseline)
		found := ""
		if err == nil {
			found = fmt.Sprintf("%s, of %d rows", b.ID, b.Profile.Rows)
		}
		all = append(all, tried("baseline of "+m.Name, err, found))
	}
	return all
}

// tryKafka tries the brokers, then the topics, then the rights; these only on brokers that can be used.
func tryKafka(ctx context.Context, c *config.Config) (all []attempt) {
	if c.Processor.Kafka.Broker == "embedded" {
		return []attempt{{"broker", true, "embedded: `tidemark run` starts it"}}
	}
	var reached []string
	for _, address := range c.Processor.Kafka.Brokers {
		err := within(ctx, &c.Processor, processor.VerifyVersion, kgo.SeedBrokers(address))
		if err == nil {
			reached = append(reached, address)
		}
		all = append(all, tried("broker "+address, err, "can be used; it is Kafka 4.0 or later"))
	}
	if len(reached) == 0 {
		return all
	}
	seeds := kgo.SeedBrokers(reached...)
	err := within(ctx, &c.Processor, func(ctx context.Context, client *kgo.Client) error {
		all = append(all, tryAdvertised(ctx, client, reached)...)
		return nil
	}, seeds)
	for _, check := range []struct {
		part, found string
		find        func(context.Context, *kgo.Client) ([]string, error)
	}{
		{"topics", "all are there and set as needed", c.Processor.CheckTopics},
		{"rights", "all that the roles need", func(ctx context.Context, client *kgo.Client) ([]string, error) {
			return c.Processor.CheckRights(ctx, client, configuredRoles(c))
		}},
	} {
		var faults []string
		if err == nil {
			err = within(ctx, &c.Processor, func(ctx context.Context, client *kgo.Client) (err error) {
				faults, err = check.find(ctx, client)
				return err
			}, seeds)
		}
		if err != nil || len(faults) == 0 {
			all = append(all, tried(check.part, err, check.found))
		}
		for _, fault := range faults {
			all = append(all, attempt{check.part, false, fault})
		}
	}
	return all
}

// tryAdvertised tries the brokers of the cluster at the addresses that they give themselves, which clients use.
func tryAdvertised(ctx context.Context, client *kgo.Client, reached []string) (all []attempt) {
	brokers, err := kadm.NewClient(client).ListBrokers(ctx)
	if err != nil {
		return []attempt{tried("brokers of the cluster", err, "")}
	}
	for _, b := range brokers {
		address := fmt.Sprintf("%s:%d", b.Host, b.Port)
		if slices.Contains(reached, address) {
			continue
		}
		_, err := client.Broker(int(b.NodeID)).Request(ctx, kmsg.NewPtrApiVersionsRequest())
		if err != nil {
			err = fmt.Errorf("broker %d says that clients reach it there (advertised.listeners), but: %w", b.NodeID, err)
		}
		all = append(all, tried("broker "+address, err, fmt.Sprintf("is broker %d", b.NodeID)))
	}
	return all
}

// within does something with a client of its own, for as long as one attempt may take.
func within(ctx context.Context, c *processor.Config, do func(context.Context, *kgo.Client) error, options ...kgo.Opt) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	client, err := dial(c, options...)
	if err != nil {
		return err
	}
	defer client.Close()
	return do(ctx, client)
}

// tryArchive writes and reads a small object where the archive is to be, which stays there.
func tryArchive(ctx context.Context, c *config.Config) []attempt {
	if !c.Archive.Enabled() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	to, err := archive.Open(ctx, c.Archive)
	if err == nil {
		err = to.Probe(ctx, "check")
	}
	return []attempt{tried("archive "+c.Archive.URL, err, "can be written to and read, and honours conditions")}
}
