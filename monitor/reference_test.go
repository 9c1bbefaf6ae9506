package monitor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/windows"
)

func lag(d time.Duration) func(*Config) { return func(c *Config) { c.Reference.Lag = d } }

func previous(c *Config) { c.Reference.Kind = ReferencePrevious }

// judged writes the reports as "start verdict reference's start": the verdict is why it is insufficient, or x's PSI.
func judged(reports []Report) []string {
	var lines []string
	for _, r := range reports {
		verdict := r.Insufficient
		if verdict == "" {
			verdict = fmt.Sprintf("%.3g", r.Features[0].Scores["psi"].Score)
		}
		earlier := "no window"
		if r.Reference.Window != nil {
			earlier = r.Reference.Start.Time().Format("15:04:05")
		}
		lines = append(lines, fmt.Sprintf("%s %s, %s %s", r.Window.Start.Time().Format("15:04:05"), verdict, r.Reference.Kind, earlier))
	}
	return lines
}

func TestRollingReference(t *testing.T) {
	for _, test := range []struct {
		name        string
		reference   func(*Config)
		letters     string
		judged      []string
		transitions []string
	}{
		// 17.03 is the PSI of four cells of 1/4 that fall to none, and 17.03 back: see TestAlertSaysWhatChanged.
		{"previous", previous, "..xx.", []string{
			"12:00:00 reference, previous 11:59:00", "12:01:00 0, previous 12:00:00", "12:02:00 17, previous 12:01:00",
			"12:03:00 0, previous 12:02:00", "12:04:00 17, previous 12:03:00",
		}, []string{"firing 12:02", "resolved 12:03", "firing 12:04"}},
		{"a window without rows is no reference", previous, ".x .", []string{
			"12:00:00 reference, previous 11:59:00", "12:01:00 17, previous 12:00:00", "12:03:00 reference, previous 12:02:00",
		}, []string{"firing 12:01"}}, // nothing is known of 12:03
		{"nor is one with too few rows", previous, ".-x", []string{
			"12:00:00 reference, previous 11:59:00", "12:01:00 samples, previous 12:00:00", "12:02:00 samples, previous 12:01:00",
		}, nil},
		{"lag", lag(3 * minute), "...xxx..", []string{
			"12:00:00 reference, lag 11:57:00", "12:01:00 reference, lag 11:58:00", "12:02:00 reference, lag 11:59:00",
			"12:03:00 17, lag 12:00:00", "12:04:00 17, lag 12:01:00", "12:05:00 17, lag 12:02:00",
			"12:06:00 17, lag 12:03:00", "12:07:00 17, lag 12:04:00",
		}, []string{"firing 12:03"}},
		{"a lag of a window is the previous one", lag(minute), ".x", []string{
			"12:00:00 reference, lag 11:59:00", "12:01:00 17, lag 12:00:00",
		}, []string{"firing 12:01"}},
	} {
		s := newSim(t, watch("churn", tumbling(minute), test.reference))
		transitions := s.minutes(test.letters)
		if diff := cmp.Diff(test.judged, judged(s.out.Reports)); diff != "" {
			t.Errorf("%s: reports (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(test.transitions, transitions); diff != "" {
			t.Errorf("%s: transitions (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestRollingReferenceOfSlidingWindows(t *testing.T) {
	s := newSim(t, watch("churn", sliding(20*second, 10*second), previous))
	for i := range 4 {
		s.rows(0, "churn", noon.Add(time.Duration(i)*10*second), 12+4*i, usual)
	}
	s.commit(0)
	s.progress(0, "churn", noon.Add(minute))
	s.commit(minute)
	want := []string{
		"11:59:50 reference, previous 11:59:30", "12:00:00 reference, previous 11:59:40", "12:00:10 0, previous 11:59:50",
		"12:00:20 0, previous 12:00:00", "12:00:30 0, previous 12:00:10",
	}
	if diff := cmp.Diff(want, judged(s.out.Reports)); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	var rows []string
	for _, r := range s.out.Reports {
		rows = append(rows, fmt.Sprintf("%d to %d", r.Rows, r.Reference.Rows))
	}
	if got := strings.Join(rows, ", "); got != "12 to 0, 28 to 0, 36 to 12, 44 to 28, 24 to 36" {
		t.Errorf("rows %s", got)
	}
}

// A window that was partly counted in another layout is no reference.
func TestSuspendedWindowIsNoReference(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), previous))
	s.rows(0, "churn", noon, 20, usual)
	s.foreign("churn", "ffffffffffffffff", noon, minute, 3)
	s.rows(0, "churn", noon.Add(minute), 20, usual)
	s.commit(0)
	s.progress(0, "churn", noon.Add(3*minute))
	s.commit(3 * minute)
	want := []string{"12:00:00 layout, previous 11:59:00", "12:01:00 reference, previous 12:00:00"}
	if diff := cmp.Diff(want, judged(s.out.Reports)); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

func TestAlertNamesTheEarlierWindow(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), previous))
	s.minutes(".x")
	if len(s.out.Alerts) != 1 {
		t.Fatalf("alerts: %v", s.out.Alerts)
	}
	a := s.out.Alerts[0]
	want := &Reference{Kind: "previous", Rows: 20, Window: &windows.Window{Start: noon, End: noon.Add(minute)}}
	if diff := cmp.Diff(want, a.Reference); diff != "" {
		t.Errorf("reference (-want +got):\n%s", diff)
	}
	if a.Samples != (Samples{20, 20}) || !slices.Equal(a.Histogram.Reference, []float64{.25, .25, .25, .25, 0}) {
		t.Errorf("samples %v, reference's shares %v", a.Samples, a.Histogram.Reference)
	}
	if !strings.HasSuffix(a.Message, "(20 values, 20 in the window to 2026-03-01T12:01:00Z)") {
		t.Errorf("message %q", a.Message)
	}
}

// No more windows are kept than later ones are compared with, in memory and in the state topic, and none of a variant
// that went away.
func TestKeptWindowsAreBounded(t *testing.T) {
	s := newSim(t, watch("churn", sliding(20*second, 10*second), lag(50*second)))
	state := &compacted{values: map[string][]byte{}}
	for i := range 100 {
		s.rowsOf(0, "churn", fmt.Sprint("variant", i/20), s.at, 1, usual)
		s.progress(0, "churn", s.at)
		state.save(t, s.shard, s.commit(5*second), int64(len(s.log)))
		for key, kept := range s.shard.endpoints["churn"].past {
			n := 0
			for range kept.All() {
				n++
			}
			if n > 5 {
				t.Fatalf("%d windows of %s are kept, but the lag is 5 slides", n, key.variant)
			}
		}
	}
	if got := len(s.shard.endpoints["churn"].past); got != 1 {
		t.Errorf("windows of %d variants are kept, want those of the last", got)
	}
	for variant := range 5 {
		keys := 0
		for key := range state.values {
			if strings.HasPrefix(key, "window/") && strings.Contains(key, fmt.Sprint("/variant", variant, "/")) {
				keys++
			}
		}
		if keys != 5 {
			t.Errorf("variant %d has %d keys in the state topic, want 5", variant, keys)
		}
	}
}

// What another configuration saved is not restored: another layout, size or reference.
func TestRestoreWindowOfAnotherConfiguration(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), lag(5*minute)))
	s.minutes("..")
	if len(s.out.Windows) != 2 {
		t.Fatalf("saved %v", s.out.Windows)
	}
	otherLayout := watch("churn", tumbling(minute), lag(5*minute))
	otherLayout.Baseline = reference(51)
	for name, test := range map[string]struct {
		m    *Monitor
		want int
	}{
		"the same":       {watch("churn", tumbling(minute), lag(5*minute)), 2},
		"shorter lag":    {watch("churn", tumbling(minute), previous), 1},
		"another size":   {watch("churn", tumbling(2*minute), lag(6*minute)), 0},
		"no rolling":     {watch("churn", tumbling(minute)), 0},
		"another layout": {otherLayout, 0},
		"no monitor":     {watch("fraud", tumbling(minute), lag(5*minute)), 0},
	} {
		shard := NewShard([]*Monitor{test.m})
		for _, e := range s.shard.Changes() {
			if err := shard.Restore(e); err != nil {
				t.Fatal(err)
			}
		}
		state := s.shard.endpoints["churn"].state()
		if err := shard.Restore(state); err != nil {
			t.Fatal(err)
		}
		for _, w := range s.out.Windows {
			shard.RestoreWindow(w)
		}
		kept := 0
		for _, e := range shard.endpoints {
			for _, p := range e.past {
				for range p.All() {
					kept++
				}
			}
		}
		if kept != test.want {
			t.Errorf("%s: %d windows were restored, want %d", name, kept, test.want)
		}
	}
}

func TestSavedWindowIsDecodedTheSame(t *testing.T) {
	s := newSim(t, watch("churn", tumbling(minute), previous))
	s.minutes(".")
	want := s.out.Windows[0]
	encoded, err := want.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeWindow(encoded)
	if err != nil {
		t.Fatal(err)
	}
	got.Slot = want.Slot
	want.Size = len(want.Profile)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	for n := range encoded {
		if _, err := DecodeWindow(encoded[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are read as a window", n, len(encoded))
		}
	}
	want.Version = 2
	if encoded, err = want.Append(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeWindow(encoded); err == nil {
		t.Error("a window of version 2 was decoded")
	}
}

func TestCheckReference(t *testing.T) {
	hour := []windows.Spec{{Size: time.Hour}, {Size: 20 * minute, Slide: 10 * minute}}
	for _, test := range []struct {
		reference ReferenceConfig
		specs     []windows.Spec
		want      string
	}{
		{ReferenceConfig{}, hour, ""},
		{ReferenceConfig{Kind: "previous"}, hour, ""},
		{ReferenceConfig{Kind: "lag", Lag: 7 * 24 * time.Hour}, hour, ""},
		{ReferenceConfig{Lag: time.Hour}, hour, ""},
		{ReferenceConfig{Kind: "last week"}, hour, `reference.kind "last week" is not known: use one of [baseline previous lag]`},
		{ReferenceConfig{Kind: "previous", Lag: time.Hour}, hour, "reference.lag is given, but the kind is previous: remove it, or make the kind lag"},
		{ReferenceConfig{Kind: "lag"}, hour, "reference.lag is 0s: give how much earlier the reference began, such as 7d"},
		{ReferenceConfig{Lag: -time.Hour}, hour, "reference.lag is -1h0m0s: give how much earlier the reference began, such as 7d"},
		{ReferenceConfig{Lag: 30 * minute}, hour, "reference.lag is 30m: windows of 1h would overlap their own reference; give 1h or more"},
		{ReferenceConfig{Lag: 65 * minute}, hour[1:], "reference.lag is 1h5m: no window of 20m began then; give a multiple of 10m"},
		{ReferenceConfig{Lag: 10 * 24 * time.Hour}, tumbling(10 * minute), ""},
		{ReferenceConfig{Lag: 10*24*time.Hour + 10*minute}, tumbling(10 * minute), "reference.lag is 10d10m: 1441 windows of 10m, one every 10m, would have to be kept, and 1440 may be; give a shorter lag or a longer slide"},
		{ReferenceConfig{Lag: time.Hour}, tumbling(0), ""}, // the window has a fault of its own
	} {
		var faults []string
		test.reference.complete()
		test.reference.check(test.specs, func(path, message string) { faults = append(faults, path+" "+message) })
		if got := strings.Join(faults, "\n"); got != test.want {
			t.Errorf("%+v: faults\n%s\nwant\n%s", test.reference, got, test.want)
		}
	}
}
