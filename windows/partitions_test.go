package windows

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// p is a partition of the capture topic in tests.
func p(partition int32) Source { return Source{"capture", partition} }

// say is a vector of a topic with n partitions.
func say(n int32, status ...Status) Vector {
	return Vector{Counts: map[string]int32{"capture": n}, Sources: status}
}

func TestProofCountsFromTheReportBefore(t *testing.T) {
	var partitions Partitions
	idle := say(1, Status{Source: p(0), Idle: true})
	partitions.Report(idle, 100_000)
	if partitions.sources[p(0)].idle(100_000) {
		t.Error("idle by a first report: how long ago the broker was asked is not known")
	}
	partitions.Report(idle, 101_000)
	for at, want := range map[Time]bool{101_000: true, 109_999: true, 110_000: true, 110_001: false} {
		if got := partitions.sources[p(0)].idle(at); got != want {
			t.Errorf("idle at %d: %t, want %t", at, got, want)
		}
	}
	if got := partitions.sources[p(0)].read(110_000); got != 100_000 {
		t.Errorf("read to %v, want to the report before", got)
	}
	partitions.Report(idle, 111_001) // ten seconds and a millisecond after the report before
	if partitions.sources[p(0)].idle(111_001) {
		t.Error("idle by a proof that may be as old as that")
	}
	partitions.Report(say(1, Status{Source: p(0)}), 111_500)
	if partitions.sources[p(0)].idle(111_500) {
		t.Error("idle after a report that it is not")
	}
	if (Status{}).idle(0) {
		t.Error("a partition that never reported is idle")
	}
}

func TestEarlierGenerationIsIgnored(t *testing.T) {
	for _, test := range []struct {
		name       string
		generation int32
		at         Time
		taken      bool
	}{
		{"earlier", 6, 2_000, false},
		{"the same", 7, 2_000, true},
		{"later", 8, 2_000, true},
		{"earlier, thirty seconds after the last report", 6, 31_000, false},
		{"of a group that was made anew", 1, 31_001, true},
	} {
		var partitions Partitions
		partitions.Report(say(1, Status{Source: p(0), Generation: 7, Position: 100}), 1_000)
		partitions.Report(say(1, Status{Source: p(0), Generation: test.generation, Position: 50}), test.at)
		want := Status{Source: p(0), Generation: 7, Position: 100, At: 1_000}
		if test.taken {
			want = Status{Source: p(0), Generation: test.generation, Position: 50, At: test.at, Since: 1_000}
		}
		if diff := cmp.Diff(want, partitions.sources[p(0)]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestGenerationIsOfASource(t *testing.T) {
	var partitions Partitions
	partitions.Report(say(2, Status{Source: p(0), Generation: 7}), 1_000)
	partitions.Report(say(2, Status{Source: p(0), Generation: 6, Position: 9}, Status{Source: p(1), Generation: 6, Position: 9}), 1_000)
	if partitions.sources[p(0)].Position != 0 || partitions.sources[p(1)].Position != 9 {
		t.Errorf("sources are %v", partitions.sources)
	}
}

func TestComplete(t *testing.T) {
	var partitions Partitions
	check := func(when string, want bool) {
		t.Helper()
		if got := partitions.complete("capture"); got != want {
			t.Errorf("%s: complete is %t", when, got)
		}
	}
	partitions.Report(say(3, Status{Source: p(0)}, Status{Source: p(2)}), 0)
	check("one of three is missing", false)
	partitions.Report(Vector{Counts: map[string]int32{"other": 1}, Sources: []Status{{Source: Source{"other", 1}}}}, 0)
	check("another topic's partition has reported", false)
	partitions.Report(say(2, Status{Source: p(1)}), 0)
	check("all have reported", true)
	partitions.Report(say(4), 0)
	check("a partition was added", false)
	partitions.Report(say(3), 0)
	check("a reader that does not know of it yet", false)
	partitions.Report(say(3, Status{Source: p(3)}), 0)
	check("it has reported", true)
}

func TestPartitionsSurviveJSON(t *testing.T) {
	var partitions, restored Partitions
	partitions.Report(say(3,
		Status{Source: p(0), Generation: 3, Position: 17, Appended: 1_234, Lag: true},
		Status{Source: p(2), Generation: 3, Position: 5, Appended: Never, Idle: true},
		Status{Source: Source{"a.topic-with_marks", 12}}), 5_001)
	text, err := json.Marshal(partitions.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	restored.Report(say(9, Status{Source: p(8)}), 1) // replaced
	var v Vector
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	restored.Restore(v)
	if diff := cmp.Diff(partitions, restored, cmp.AllowUnexported(Partitions{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	restored.Report(say(5), 5_002)
	if partitions.counts["capture"] != 3 {
		t.Error("a report to the copy changed the original")
	}
}

func TestSourceText(t *testing.T) {
	for _, source := range []Source{{"capture", 0}, {"a.b-c_d", 2147483647}, {"", 1}} {
		text, _ := source.MarshalText()
		var back Source
		if err := back.UnmarshalText(text); err != nil || back != source {
			t.Errorf("%q is read back as %v, %v", text, back, err)
		}
	}
	for _, bad := range []string{"", "capture", "capture/", "capture/x", "capture/99999999999"} {
		var s Source
		if err := s.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is read as %v", bad, s)
		}
	}
}

func TestTopicIsMadeAgain(t *testing.T) {
	named := func(id string, n int32, status ...Status) Vector {
		v := say(n, status...)
		v.IDs = map[string]string{"capture": id}
		return v
	}
	var partitions Partitions
	partitions.Report(named("one", 3, Status{Source: p(0)}, Status{Source: p(1)}, Status{Source: p(2)}), 0)
	partitions.Report(say(3), 1_000) // without an ID, as before there were any
	if !partitions.complete("capture") || !partitions.exists(p(2)) {
		t.Fatal("the first topic is not known")
	}
	partitions.Report(named("two", 2, Status{Source: p(0)}), 2_000)
	if partitions.complete("capture") {
		t.Error("the new topic's partition 1 has not reported, and what the old one's did counts")
	}
	partitions.Report(named("two", 2, Status{Source: p(1)}), 3_000)
	if !partitions.complete("capture") || partitions.exists(p(2)) || !partitions.exists(p(1)) {
		t.Errorf("the new topic has two partitions, known are %v of %v", partitions.sources, partitions.counts)
	}

	// What the old topic's last partition told holds nothing any more.
	f := NewFrontier(0)
	for i, eventTime := range []Time{900_000, 900_000, 10_000} {
		f.Observe(Progress{Source: p(int32(i)), EventTime: eventTime, Appended: 900_000}, 0)
	}
	if got := f.Advance(&partitions, 900_000); got != 900_000 {
		t.Errorf("the frontier is %v, want that of the partitions that are there", got)
	}
}
