package processor

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"tidemark/windows"
)

// status says of each partition that this process owns how far it is, after asking the broker where those end of which
// nothing came for a while.
func (in *Ingest) status(ctx context.Context) ([]windows.Status, error) {
	owned := map[windows.Source]int64{}
	for topic, partitions := range in.session.Client().CommittedOffsets() {
		for partition, at := range partitions {
			owned[windows.Source{Topic: topic, Partition: partition}] = at.Offset
		}
	}
	_, generation := in.session.Client().GroupMetadata()
	now := time.Now()
	ends := map[windows.Source]int64{}
	if in.intake.Own(owned, now) {
		listed, err := in.admin.ListCommittedOffsets(ctx, in.captures()...)
		if err != nil {
			return nil, lost{fmt.Errorf("list the ends of the partitions: %w", err)}
		}
		listed.Each(func(end kadm.ListedOffset) {
			if end.Err == nil {
				ends[windows.Source{Topic: end.Topic, Partition: end.Partition}] = end.Offset
			}
		})
	}
	status := in.intake.Status(generation, ends, now)
	in.metrics.read(in.intake.sources)
	in.intake.risks = in.risks(ctx, status, now)
	return status, nil
}

// retentions asks how long the capture topics keep records. Without the right to know, only a log that deletes already
// shows that reading is about to be overtaken.
func (in *Ingest) retentions(ctx context.Context) {
	in.keeps = map[string]time.Duration{}
	configs, err := in.admin.DescribeTopicConfigs(ctx, in.captures()...)
	if err != nil {
		in.log.Info("the retention of the capture topics is not known", "error", err)
		return
	}
	for _, topic := range configs {
		for _, c := range topic.Configs {
			if ms, err := strconv.ParseInt(c.MaybeValue(), 10, 64); err == nil && c.Key == "retention.ms" && ms > 0 && ms < math.MaxInt64/int64(time.Millisecond) {
				in.keeps[topic.Name] = time.Duration(ms) * time.Millisecond
			}
		}
	}
}

// riskEvery is how often the brokers are asked where the logs of partitions begin that are behind.
const riskEvery = 10 * time.Second

// risks are the partitions of which retention may soon delete what is unread.
func (in *Ingest) risks(ctx context.Context, status []windows.Status, now time.Time) map[windows.Source]bool {
	risks := map[windows.Source]bool{}
	for _, st := range status {
		s := in.intake.sources[st.Source]
		if !st.Lag || now.Sub(s.appended.Time()) < time.Minute {
			continue
		}
		if now.Sub(in.listed) >= riskEvery {
			in.listed = now
			if starts, err := in.admin.ListStartOffsets(ctx, in.captures()...); err == nil {
				in.starts = starts
			}
		}
		start, _ := in.starts.Lookup(st.Source.Topic, st.Source.Partition)
		if s.atRisk(in.keeps[st.Source.Topic], start.Offset, now) {
			risks[st.Source] = true
		}
	}
	return risks
}

func (in *Ingest) captures() []string { return in.config.captures() }

// silent commits without having read anything: the vector, and what was passed over, if that moves the group on. The
// session would commit such a transaction without asking the group whether this process is still a member, so that one
// which lost its partitions could call them idle. So the transaction carries an offset, which is unchanged when it moves
// nothing.
func (in *Ingest) silent(ctx context.Context, moved *position) (committed bool, err error) {
	status, err := in.status(ctx)
	if err != nil {
		return false, err
	}
	records, err := in.intake.Records(status, in.counts(), in.panes())
	if err != nil {
		return false, err
	}
	if moved == nil {
		if moved = in.unmoved(); moved == nil {
			return false, nil // owns nothing
		}
	}
	return in.config.transactAt(ctx, in.log, in.session, "ingest", in.topics[moved.Topic].ID, records, *moved)
}

// unmoved is the committed offset of some partition that this process owns, or nil.
func (in *Ingest) unmoved() *position {
	for topic, partitions := range in.session.Client().CommittedOffsets() {
		for partition, at := range partitions {
			return &position{windows.Source{Topic: topic, Partition: partition}, at}
		}
	}
	return nil
}
