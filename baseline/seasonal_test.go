package baseline

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tidemark/profile"
	"tidemark/windows"
)

// hourly has rows for each hour of some days from Monday, 2 March 2026, on: the hour, the day of the week and the row.
func hourly(days, rows int) string {
	var content strings.Builder
	content.WriteString("when,hour,day,row\n")
	for h := range days * 24 {
		when := time.Date(2026, 3, 2, h, 0, 0, 0, time.UTC)
		for i := range rows {
			fmt.Fprintf(&content, "%s,%d,%s,%d\n", when.Add(time.Duration(i)*time.Second).Format(time.RFC3339), when.Hour(), when.Weekday(), i)
		}
	}
	return content.String()
}

func seasonal(t *testing.T, cycle Cycle, content string) *Baseline {
	t.Helper()
	path := write(t, "hourly.csv", content)
	b := mustBuild(t, Roles{Times: []string{"when"}}, path)
	if err := b.AddSeasonal([]string{path}, cycle); err != nil {
		t.Fatal(err)
	}
	return b
}

func reference(t *testing.T, b *Baseline, start, end string) Reference {
	t.Helper()
	r, err := b.Reference(windows.Window{Start: at(start), End: at(end)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// valuesOf is the number of rows of each value of a column of small whole numbers, each of which has a bin.
func valuesOf(p *profile.Profile, column string) map[int]int64 {
	f := p.Feature(column)
	values := map[int]int64{}
	for i, edge := range f.Layout.Edges {
		if n := f.Bins[i+1]; n > 0 {
			values[int(edge)] = n
		}
	}
	return values
}

func TestReference(t *testing.T) {
	b := seasonal(t, HourOfWeek, hourly(14, 100)) // 200 rows in each slot
	for _, test := range []struct {
		name, start, end string
		hours            map[int]int64
		days             map[string]int64
		slots            int
	}{
		{"a minute", "2026-05-06T09:10", "2026-05-06T09:11", map[int]int64{9: 200}, map[string]int64{"Wednesday": 200}, 1},
		{"three hours over midnight", "2026-05-05T22:00", "2026-05-06T01:00",
			map[int]int64{22: 200, 23: 200, 0: 200}, map[string]int64{"Tuesday": 400, "Wednesday": 200}, 3},
		{"a part of an hour", "2026-05-06T09:00", "2026-05-06T10:15", map[int]int64{9: 200, 10: 50}, map[string]int64{"Wednesday": 250}, 2},
	} {
		r := reference(t, b, test.start, test.end)
		if diff := cmp.Diff(test.hours, valuesOf(r.Profile, "hour")); diff != "" {
			t.Errorf("%s: hours (-want +got):\n%s", test.name, diff)
		}
		days, counted := r.Profile.Feature("day"), map[string]int64{}
		for i, name := range days.Layout.Categories {
			if days.Bins[i] > 0 {
				counted[name] = days.Bins[i]
			}
		}
		if diff := cmp.Diff(test.days, counted); diff != "" || r.Cycle != HourOfWeek || r.Slots != test.slots || r.Pooled {
			t.Errorf("%s: %d slots of %q, pooled %v, days (-want +got):\n%s", test.name, r.Slots, r.Cycle, r.Pooled, diff)
		}
	}
	if r := reference(t, b, "2026-05-04T00:00", "2026-05-11T00:00"); r.Profile != b.Profile || r.Cycle != "" {
		t.Errorf("a week is compared with %d slots of %q", r.Slots, r.Cycle)
	}
	plain := mustBuild(t, Roles{Times: []string{"when"}}, write(t, "hourly.csv", hourly(1, 1)))
	if r := reference(t, plain, "2026-05-06T09:10", "2026-05-06T09:11"); r.Profile != plain.Profile || r.Cycle != "" {
		t.Errorf("without slots a minute is compared with %d slots of %q", r.Slots, r.Cycle)
	}
}

func TestThinSlotsArePooled(t *testing.T) {
	for _, test := range []struct {
		name       string
		days, rows int
		cycle      Cycle
		start, end string
		want       map[int]int64 // hours; nil: the whole baseline
	}{
		{"199 rows of Wednesday 9 h, so 995 of the working days", 7, 199, HourOfWeek, "2026-05-06T09:10", "2026-05-06T09:11", map[int]int64{9: 995}},
		{"200 rows in two hours of a Wednesday", 7, 100, HourOfWeek, "2026-05-06T09:00", "2026-05-06T11:00", map[int]int64{9: 100, 10: 100}},
		{"80 rows of Saturday and Sunday 9 h, so 280 of all days", 7, 40, HourOfWeek, "2026-05-09T09:10", "2026-05-09T09:11", map[int]int64{9: 280}},
		{"70 rows of 9 h on all days, so the whole", 7, 10, HourOfWeek, "2026-05-06T09:10", "2026-05-06T09:11", nil},
		{"70 rows of 9 h, so 210 from 8 h on", 7, 10, HourOfDay, "2026-05-06T09:10", "2026-05-06T09:11", map[int]int64{8: 70, 9: 70, 10: 70}},
		{"slots without rows", 1, 200, HourOfWeek, "2026-05-04T23:30", "2026-05-05T00:30", map[int]int64{23: 200}},
	} {
		b := seasonal(t, test.cycle, hourly(test.days, test.rows))
		r := reference(t, b, test.start, test.end)
		if test.want == nil {
			if r.Profile != b.Profile || r.Cycle != "" {
				t.Errorf("%s: %d slots, %d rows", test.name, r.Slots, r.Profile.Rows)
			}
			continue
		}
		if diff := cmp.Diff(test.want, valuesOf(r.Profile, "hour")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if pooled := strings.Contains(test.name, ", so "); r.Pooled != pooled {
			t.Errorf("%s: pooled %v", test.name, r.Pooled)
		}
	}
}

// TestSlotsAddUp counts random rows by each cycle: the slots' sum is the baseline, and so is that of any window which
// covers all of them equally.
func TestSlotsAddUp(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var content strings.Builder
		content.WriteString("when,x,name\n")
		for range rapid.IntRange(1, 60).Draw(t, "rows") {
			when := rapid.Int64Range(0, 2_000_000_000).Draw(t, "when")
			x := rapid.SampledFrom([]string{"", "1.5", "-3", "7", "x", "NaN", "Inf", "1e300"}).Draw(t, "x")
			fmt.Fprintf(&content, "%d,%s,%s\n", when, x, rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "name"))
		}
		path := filepath.Join(dir, "rows.csv")
		if err := os.WriteFile(path, []byte(content.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		b, err := Build([]string{path}, Roles{Times: []string{"when"}}, built)
		if err != nil {
			t.Fatal(err)
		}
		cycle := rapid.SampledFrom(Cycles).Draw(t, "cycle")
		if err := b.AddSeasonal([]string{path}, cycle); err != nil {
			t.Fatal(err)
		}
		sum := profile.New(&b.Layout)
		for slot := range cycle.Slots() {
			p, err := b.Seasonal.Slot(&b.Layout, slot)
			if err != nil {
				t.Fatal(err)
			}
			if p.Rows != b.Seasonal.Rows()[slot] {
				t.Fatalf("slot %d has %d rows, said to be %d", slot, p.Rows, b.Seasonal.Rows()[slot])
			}
			sum.Merge(p)
		}
		if err := sameCounts(b.Profile, sum); err != nil {
			t.Fatal(err)
		}
		if err := b.Save(dir); err != nil {
			t.Fatal(err)
		}
		loaded, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		b.Statistics, b.Constraints = nil, nil // in files of their own
		if diff := cmp.Diff(b, loaded, same); diff != "" {
			t.Fatalf("loaded (-saved +loaded):\n%s", diff)
		}
	})
}

func TestSeasonalID(t *testing.T) {
	content := hourly(2, 3)
	path := write(t, "hourly.csv", content)
	ids := map[string]string{"": mustBuild(t, Roles{Times: []string{"when"}}, path).ID}
	for _, cycle := range Cycles {
		ids[string(cycle)] = seasonal(t, cycle, content).ID
	}
	seen := map[string]string{}
	for cycle, id := range ids {
		if other, twice := seen[id]; twice {
			t.Errorf("by %q and by %q the id is %s", cycle, other, id)
		}
		seen[id] = cycle
	}
}

// TestSeasonalSize holds the promise that slots are kept sparse: two weeks of one row a minute with two numbers take
// less than ten bytes a row, where 168 whole profiles of 240 bins would take over 150.
func TestSeasonalSize(t *testing.T) {
	var content strings.Builder
	content.WriteString("when,x,y\n")
	for m := range 14 * 24 * 60 {
		fmt.Fprintf(&content, "%d,%v,%v\n", m*60_000, float64(m*m%7919)/7, float64(m%1440)/3)
	}
	b := seasonal(t, HourOfWeek, content.String())
	size := 0
	for _, slot := range b.Seasonal.slots {
		size += len(slot)
	}
	if size > 10*14*24*60 {
		t.Errorf("%d bytes for %d rows", size, b.Profile.Rows)
	}
}

func TestAddSeasonalErrors(t *testing.T) {
	path := write(t, "hourly.csv", hourly(1, 1))
	bad := write(t, "bad.csv", "when,hour,day,row\n2026-03-02T00:00:00Z,0,Monday,1\nsoon,1,Monday,2\n")
	missing := write(t, "missing.csv", "when,hour,day,row\n,0,Monday,1\n")
	timed := Roles{Times: []string{"when"}}
	for name, test := range map[string]struct {
		roles Roles
		build string
		count string
		cycle Cycle
		want  string
	}{
		"cycle":      {timed, path, path, "fortnight", `cycle "fortnight" is not known: use one of hour_of_day, hour_of_week, day_of_week, month`},
		"no time":    {Roles{}, path, path, HourOfDay, "a seasonal baseline needs one column with the time of each row, and 0 are named: name one with --time"},
		"two times":  {Roles{Times: []string{"when", "day"}}, path, path, HourOfDay, "a seasonal baseline needs one column with the time of each row, and 2 are named: name one with --time"},
		"bad time":   {timed, bad, bad, HourOfDay, bad + `:3: column "when": "soon" is no time: want RFC 3339 such as 2006-01-02T15:04:05Z, or Unix time in milliseconds or seconds`},
		"no value":   {timed, missing, missing, HourOfDay, missing + `:2: column "when": "" is no time: want RFC 3339 such as 2006-01-02T15:04:05Z, or Unix time in milliseconds or seconds`},
		"other file": {timed, path, write(t, "other.csv", hourly(2, 1)), HourOfDay, "the slots do not add up to the whole baseline: 48 rows of 24: build again when nothing writes to the files"},
		"other rows": {timed, path, write(t, "other.csv", strings.ReplaceAll(hourly(1, 1), ",5,", ",6,")), HourOfDay, `the slots do not add up to the whole baseline: feature "hour": build again when nothing writes to the files`},
	} {
		b := mustBuild(t, test.roles, test.build)
		before := b.ID
		if err := b.AddSeasonal([]string{test.count}, test.cycle); err == nil || err.Error() != test.want {
			t.Errorf("%s: error\n%v\nwant\n%s", name, err, test.want)
		}
		if b.Seasonal != nil || b.ID != before {
			t.Errorf("%s: the baseline was changed", name)
		}
	}
}

func TestLoadSeasonalErrors(t *testing.T) {
	b := seasonal(t, DayOfWeek, hourly(7, 2))
	b.ReviewBy = built.Add(90 * 24 * time.Hour)
	_, good := saved(t, b)
	quoted := func(slot []byte) string { return `"` + base64.StdEncoding.EncodeToString(slot) + `"` }
	monday := func(change func(p *profile.Profile)) string {
		p, err := b.Seasonal.Slot(&b.Layout, 0)
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		return quoted(p.Append(nil))
	}
	first := monday(func(*profile.Profile) {})
	empty := monday(func(p *profile.Profile) { p.Reset() })
	twice := monday(func(p *profile.Profile) { p.Merge(p) })
	odd := monday(func(p *profile.Profile) { p.Features[0].Captured++ })
	apart := monday(func(p *profile.Profile) { p.Joint.Agree[0]-- })
	alone := monday(func(p *profile.Profile) { p.Joint = nil })
	for _, test := range []struct{ name, from, to, want string }{
		{"cycle", `"day_of_week"`, `"fortnight"`, `seasonal: cycle "fortnight" is not known`},
		{"another cycle", `"day_of_week"`, `"month"`, "seasonal: 7 slots, but a cycle of month has 12"},
		{"not base64", first, `"?"`, "illegal base64 data"},
		{"cut", first, `"BA=="`, "seasonal: decode the rows of Mon: profile ends too early"},
		{"rows of a slot gone", first, empty, "seasonal: the slots do not add up to the whole baseline: 288 rows of 336"},
		{"too many rows", first, twice, "seasonal: Sun brings the rows to more than the baseline's 336"},
		{"counts that do not fit", first, odd, `seasonal: Mon: feature "hour": captured is 49: it must be between 0 and rows, 48`},
		{"other pairs", first, apart, "seasonal: the slots do not add up to the whole baseline: pairs of columns"},
		{"pairs of a slot gone", first, alone, "seasonal: the slots do not add up to the whole baseline: pairs of columns"},
		{"review before it was built", `"review_by": "2026-05-30T12:00:00Z"`, `"review_by": "2026-02-28T12:00:00Z"`, "review_by is 2026-02-28T12:00:00Z: it must be after created, 2026-03-01T12:00:00Z"},
	} {
		content := strings.Replace(good, test.from, test.to, 1)
		if content == good {
			t.Fatalf("%s: the test changes nothing", test.name)
		}
		path := write(t, fileName, content)
		if _, err := Load(filepath.Dir(path)); err == nil || !strings.HasPrefix(err.Error(), path+": "+test.want) {
			t.Errorf("%s: error\n%v\nwant\n%s: %s", test.name, err, path, test.want)
		}
	}
	// Whole slots changed places: every check of counts passes, but the content is another.
	second := quoted(b.Seasonal.slots[1])
	swapped := strings.NewReplacer(first, second, second, first).Replace(good)
	path := write(t, fileName, swapped)
	if _, err := Load(filepath.Dir(path)); err == nil || !strings.HasPrefix(err.Error(), path+": id is ") {
		t.Errorf("slots changed places: error %v", err)
	}
}
