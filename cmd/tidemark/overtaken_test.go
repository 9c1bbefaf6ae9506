package main

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What retention deletes before it is read is passed over and told, and a topic that is made again is read from its start,
// on both brokers.
func TestOvertaken(t *testing.T) { eachBroker(t, testOvertaken) }

func testOvertaken(s *site) {
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}, drift: []}\n")
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	p := s.run()
	s.publish(minutes("number", start, 30, 30, 30)...)
	j := s.journal()
	j.untilRows("number", 60)
	p.stop()

	admin := kadm.NewClient(s.client)
	s.publish(minutes("number", start.Add(time.Hour), 30)...)
	ends, err := admin.ListEndOffsets(s.t.Context(), "capture")
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := admin.DeleteRecords(s.t.Context(), ends.Offsets()); err != nil {
		s.t.Fatal(err)
	}
	p = s.run()
	await(s.t, "three alerts of lost records", func() bool { return len(s.alerts()) == 3 })
	for _, a := range s.alerts() {
		if a.Kind != "system" || a.Rule != "lost" || a.State != "firing" {
			s.t.Errorf("alert %s: %s", a.Rule, a.Message)
		}
	}

	if _, err := admin.DeleteTopics(s.t.Context(), "capture"); err != nil {
		s.t.Fatal(err)
	}
	await(s.t, "the topic to be made again", func() bool {
		_, err := admin.CreateTopic(s.t.Context(), 3, 1, nil, "capture")
		return err == nil
	})
	s.client = s.dial(kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	await(s.t, "the producer to know it", func() bool {
		return s.client.ProduceSync(s.t.Context(), &kgo.Record{Topic: "capture", Value: []byte(flat("number", start.Add(2*time.Hour), 1))}).FirstErr() == nil
	})
	s.publish(minutes("number", start.Add(3*time.Hour), 30, 30)...)
	j.untilRows("number", 60+1+30)
	p.stop()
}
