package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/baseline"
	"tidemark/processor"
)

// patience is how long a run may take.
const patience = 5 * time.Minute

// run measures Tidemark on the whole topic, from nothing.
func (o *options) run(ctx context.Context, name string, rows, records int64, b *baseline.Baseline, expected map[int64]*window, last bool) (m measured, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var own *held
	if o.held {
		own, err = o.hold(ctx, name)
		if own != nil {
			defer func() { err = errors.Join(err, own.end(context.WithoutCancel(ctx))) }()
		}
		if err != nil {
			return m, err
		}
		o = &own.options
	}
	c := o.processor(name)
	client, err := kgo.NewClient(c.Kafka.Options()...)
	if err != nil {
		return m, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := c.CreateTopics(ctx, client); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, o.tidy(context.WithoutCancel(ctx), admin, c)) }()

	var all []*process
	defer func() {
		for _, p := range all {
			_ = p.command.Process.Kill() // it has ended, unless something failed
			<-p.ended
		}
	}()
	for i := range o.processes {
		p, err := o.start(name, i)
		if err != nil {
			return m, err
		}
		all = append(all, p)
	}
	for _, p := range all {
		if err := p.await(ctx); err != nil {
			return m, err
		}
		before, err := p.mallocs()
		if err != nil {
			return m, err
		}
		m.mallocs -= before
	}
	if own != nil {
		if records, err = own.release(ctx); err != nil {
			return m, err
		}
	}
	started := time.Now()
	var profiles sync.WaitGroup
	defer profiles.Wait()
	var unprofiled error
	if last && o.profile != "" {
		profiles.Go(func() { unprofiled = all[0].profile(o.profile) })
	}
	if err := o.read(ctx, admin, records); err != nil {
		return m, fmt.Errorf("%w\n%s", err, all[0].log)
	}
	m.rows, m.seconds = rows, time.Since(started).Seconds()
	if !o.ingest {
		if err := o.evaluated(ctx, admin, c.Topics.Panes); err != nil {
			return m, err
		}
		at, err := o.lastReport(ctx, c.Topics.Reports, o.closing)
		if err != nil {
			return m, err
		}
		m.until = at.Sub(started).Seconds()
	}
	if profiles.Wait(); unprofiled != nil {
		return m, fmt.Errorf("processor profile: %w", unprofiled)
	}
	for _, p := range all {
		mallocs, err := p.mallocs()
		if err != nil {
			return m, err
		}
		m.mallocs += mallocs
		if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
			return m, err
		}
	}
	for _, p := range all {
		if <-p.ended; !p.command.ProcessState.Success() {
			return m, fmt.Errorf("tidemark ended with %v\n%s", p.command.ProcessState, p.log)
		}
		m.took(p.command.ProcessState)
	}
	if m.stored, err = sizeOf(o.archiveOf(name)); err != nil {
		return m, err
	}
	if expected == nil {
		return m, nil
	}
	m.windows, err = o.compare(ctx, c.Topics, b, expected)
	return m, err
}

// processor is the configuration of a run whose topics nobody else has.
func (o *options) processor(name string) *processor.Config {
	c := processor.DefaultConfig()
	c.Kafka.Brokers = []string{o.brokers}
	c.Capture = []processor.CaptureConfig{{Topic: o.topic()}}
	c.Topics.Panes, c.Topics.State, c.Topics.Reports = name+".panes", name+".state", name+".reports"
	c.Topics.Alerts, c.Topics.Late, c.Topics.DeadLetters = name+".alerts", name+".late", name+".deadletters"
	c.Complete()
	return &c
}

func (o *options) archiveOf(name string) string { return filepath.Join(o.dir, name+".archive") }

// read waits until every record was read and committed.
func (o *options) read(ctx context.Context, admin *kadm.Client, records int64) error {
	for read := int64(0); read < records; {
		if err := pause(ctx); err != nil {
			return fmt.Errorf("%d of %d records were read: %w", read, records, err)
		}
		committed, err := admin.FetchOffsetsForTopics(ctx, "tidemark-ingest", o.topic())
		if err != nil {
			return err
		}
		read = 0
		committed.Each(func(r kadm.OffsetResponse) { read += max(r.At, 0) })
	}
	return nil
}

// evaluated waits until all that was written of the records has been evaluated.
func (o *options) evaluated(ctx context.Context, admin *kadm.Client, panes string) error {
	ends, err := admin.ListEndOffsets(ctx, panes)
	if err != nil {
		return err
	}
	for level := false; !level; {
		if err := pause(ctx); err != nil {
			return fmt.Errorf("not all panes were evaluated: %w", err)
		}
		committed, err := admin.FetchOffsetsForTopics(ctx, "tidemark-evaluate", panes)
		if err != nil {
			return err
		}
		level = true
		ends.Each(func(end kadm.ListedOffset) {
			next, _ := committed.Lookup(end.Topic, end.Partition)
			level = level && next.At >= end.Offset
		})
	}
	return nil
}

// tidy removes a run's groups and topics.
func (o *options) tidy(ctx context.Context, admin *kadm.Client, c *processor.Config) error {
	groups := []string{"tidemark-ingest", "tidemark-evaluate", "tidemark-archive"}
	for _, group := range groups {
		leave := kadm.LeaveGroup(group)
		for i := range o.processes {
			leave = leave.InstanceIDs(fmt.Sprintf("bench-%d", i))
		}
		_, _ = admin.LeaveGroup(ctx, leave) // one that is not there need not leave
	}
	_, err := admin.DeleteGroups(ctx, groups...)
	t := c.Topics
	_, failed := admin.DeleteTopics(ctx, t.Panes, t.State, t.Reports, t.Alerts, t.Late, t.DeadLetters)
	return errors.Join(err, failed)
}

// sizeOf is the size of all files in a directory, 0 without one.
func sizeOf(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
