package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/config"
	"tidemark/processor"
	"tidemark/sinks/archive"
)

// apart runs the archive role in another group than the others', so that it does not share the partitions: it writes
// all of them too.
func apart() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := runApart(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitFailed)
	}
}

func runApart(ctx context.Context, log *slog.Logger) error {
	c, err := config.Load("tidemark.yaml", os.LookupEnv)
	if err != nil {
		return err
	}
	c.Processor.Instance = "apart"
	monitors, err := loadMonitors(c.Monitors)
	if err != nil {
		return err
	}
	to, err := archive.Open(ctx, c.Archive)
	if err != nil {
		return err
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return otherGroup{connection}, err
	}
	return processor.NewArchive(&c.Processor, to, monitors, func(bool) {}, log, prometheus.NewRegistry(), kgo.Dialer(dial)).Run(ctx)
}

// otherGroup is a connection on which the archive's group has another name for the brokers.
type otherGroup struct{ net.Conn }

// groupNames are its names here and there, of one length.
var groupNames = [2][]byte{[]byte("tidemark-archive"), []byte("tidemark-another")}

func (c otherGroup) Write(request []byte) (int, error) {
	return c.Conn.Write(bytes.ReplaceAll(request, groupNames[0], groupNames[1]))
}

func (c otherGroup) Read(response []byte) (int, error) {
	n, err := c.Conn.Read(response)
	copy(response, bytes.ReplaceAll(response[:n], groupNames[1], groupNames[0]))
	return n, err
}

// Two processes write all partitions of Apache Kafka to the same bucket, as neither knows of the other; one of them is
// killed and comes back. There is one chain for each partition, without a gap or an overlap, with every record once.
func TestArchiveApart(t *testing.T) {
	t.Parallel()
	s := newPlainSite(t)
	b := s.addBucket()
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}}\n" + b.section())
	var want [][]any
	publish := func() {
		var captures []string
		for range 30 {
			id, x := fmt.Sprintf("%06d", len(want)), float64(len(want)%1000)/8
			captures = append(captures, fmt.Sprintf(`{"endpoint":"number","id":%q,"time":%d,"features":{"x":%g}}`, id, time.Now().UnixMilli(), x))
			want = append(want, []any{id, x})
		}
		s.publish(captures...)
	}
	// overtake halts a process until the other has put what it had read too, and goes on when it has found that, or that it was
	// halted for longer than its session, after which it reads the archive's end anew.
	overtake := func(p *process) {
		t.Helper()
		overtaken := func() int {
			said := p.stderr.String()
			return strings.Count(said, "another process archived these records") + strings.Count(said, "the consumer group was lost, joining again")
		}
		before := overtaken()
		p.signal(syscall.SIGSTOP)
		for range 2 {
			publish()
			all := int64(len(want))
			await(t, "the other to archive", func() bool { return b.rows() == all })
		}
		p.signal(syscall.SIGCONT)
		await(t, "the one that was halted to find it", func() bool { return overtaken() > before })
	}

	first := s.run("--role", "archive", "--instance", "first")
	second := s.launch(exec.Command("tidemark-apart"))
	publish()
	await(t, "the first objects", func() bool { return b.rows() > 0 })
	overtake(first)
	overtake(second)
	publish()
	second.kill()
	all := int64(len(want))
	await(t, "the one that is left to archive", func() bool { return b.rows() == all })
	second = s.launch(exec.Command("tidemark-apart"))
	publish()
	overtake(first)
	overtake(second)
	first.stop()
	second.stop()
	b.verified(int64(len(want)))
	b.holds(want, "event_id", "x")
}
