package main

import (
	"strings"
	"testing"
)

// What cannot be used is summed up, and goes back where it came from once, on both brokers.
func TestDeadLetters(t *testing.T) { eachBroker(t, testDeadLetters) }

func testDeadLetters(s *site) {
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}}\n")
	if out := s.tidemark("deadletters", "list"); out != "No dead letters.\n" {
		s.t.Errorf("without dead letters the list is %q", out)
	}
	p := s.run()
	s.publish("{", "nonsense", `{"endpoint":"number","time":"yesterday","features":{"x":1}}`)
	await(s.t, "three dead letters", func() bool { return len(s.records("tidemark.deadletters")) == 3 })

	table := s.tidemark("deadletters", "list")
	for _, want := range []string{
		"REASON     COUNT  LATEST", "malformed  2      ", "time       1      ", "capture/2:0  time: time is \"yesterday\": want ",
	} {
		if !strings.Contains(table, want) {
			s.t.Errorf("the list lacks %q:\n%s", want, table)
		}
	}
	var listed struct {
		DeadLetters []deadHeap `json:"dead_letters"`
	}
	decode(s.t, []byte(s.tidemark("deadletters", "list", "--json", "--since", "1h")), &listed)
	if heaps := listed.DeadLetters; len(heaps) != 2 || heaps[0].Reason != "malformed" || heaps[0].Count != 2 || heaps[1].Topic != "capture" || heaps[1].Partition != 2 {
		s.t.Errorf("the list is %+v", listed)
	}

	if out := s.tidemark("deadletters", "replay"); out != "3 dead letters replayed\n" {
		s.t.Errorf("replay says %q", out)
	}
	await(s.t, "them to come back", func() bool { return len(s.records("tidemark.deadletters")) == 6 })
	decode(s.t, []byte(s.tidemark("deadletters", "list", "--json")), &listed)
	if heaps := listed.DeadLetters; len(heaps) != 2 || heaps[0].Count != 4 || heaps[0].Replayed != 2 {
		s.t.Errorf("after the replay the list is %+v", listed)
	}
	if out := s.tidemark("deadletters", "replay", "--attempts", "1"); out != "0 dead letters replayed\n3 passed over: they were replayed 1 times before\n" {
		s.t.Errorf("the second replay says %q", out)
	}
	var done map[string]int
	decode(s.t, []byte(s.tidemark("deadletters", "replay", "--json")), &done)
	if done["replayed"] != 0 || len(done) != 4 {
		s.t.Errorf("the third replay did %v", done)
	}
	p.stop()
	if n := len(s.records("capture")); n != 6 {
		s.t.Errorf("%d captures, want 6", n)
	}
}
