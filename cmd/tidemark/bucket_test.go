package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/sinks/archive"
	"tidemark/testbed"
)

// python returns the programs of an environment with the packages that the tests use.
func python(t *testing.T) string {
	t.Helper()
	return testbed.Python(t, "boto3==1.44.8", "confluent-kafka==2.16.1", "duckdb==2.0.1", "pyarrow==26.0.1")
}

// bucket is an S3 server with a bucket for the archive of a site.
type bucket struct {
	*testbed.SeaweedFS
	s      *site
	python string
}

// addBucket starts the server. What the site starts from now on finds the keys in its environment.
func (s *site) addBucket() *bucket {
	s.t.Helper()
	return s.addBucketOn(testbed.StartSeaweedFS(s.t))
}

// addBucketOn makes one on a server.
func (s *site) addBucketOn(server *testbed.SeaweedFS) *bucket {
	s.t.Helper()
	b := &bucket{server, s, filepath.Join(python(s.t), "python")}
	s.env = append(s.env, "AWS_ACCESS_KEY_ID="+b.AccessKey, "AWS_SECRET_ACCESS_KEY="+b.SecretKey)
	b.do("make", "captures")
	return b
}

// section is the configuration of an archive in the bucket.
func (b *bucket) section() string {
	return fmt.Sprintf("archive: {url: s3://captures/prod, endpoint: %q, path_style: true, every: 1s}\n", b.URL)
}

// do runs a command of bucket.py on a bucket and returns what it prints.
func (b *bucket) do(command, bucket string, arguments ...string) []byte {
	b.s.t.Helper()
	return b.s.program(b.python, append([]string{script(b.s.t, "bucket.py"), b.URL, command, bucket}, arguments...)...)
}

// program runs a program of somebody else, which must succeed, and returns what it prints.
func (s *site) program(name string, arguments ...string) []byte {
	s.t.Helper()
	command := exec.CommandContext(s.t.Context(), name, arguments...)
	command.Dir, command.Env = s.dir, append(os.Environ(), s.env...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		s.t.Fatalf("%s %q: %v\n%s%s", filepath.Base(name), arguments, err, out, stderr.Bytes())
	}
	return out
}

// script is the path of a file of testdata, from anywhere.
func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// verify runs archive verify and returns its exit code and what it prints.
func (b *bucket) verify(flags ...string) (code int, out string) {
	b.s.t.Helper()
	p := b.s.start(append([]string{"archive", "verify", "s3://captures/prod", "--endpoint", b.URL, "--path-style"}, flags...)...)
	code = p.wait()
	if code != 0 && code != exitFound {
		b.s.t.Errorf("archive verify ended with %d: %s", code, p.stderr.String())
	}
	return code, p.stdout.String()
}

// rows is how many the archive has, by its own account.
func (b *bucket) rows() (rows int64) {
	b.s.t.Helper()
	for _, c := range b.report().Chains {
		rows += c.Rows
	}
	return rows
}

// verified is the report on an archive that must be without findings: one chain for each of three partitions, from
// offset 0, with so many rows in all.
func (b *bucket) verified(rows int64) archive.Report {
	b.s.t.Helper()
	var report archive.Report
	code, out := b.verify("--json")
	decode(b.s.t, []byte(out), &report)
	if code != 0 || len(report.Findings) > 0 || len(report.Chains) != 3 {
		b.s.t.Errorf("archive verify ended with %d, %d chains and the findings %+v", code, len(report.Chains), report.Findings)
	}
	var all int64
	for _, c := range report.Chains {
		all += c.Rows
		if c.Topic != "capture" || c.Start != 0 || c.Lost != 0 || c.Generation != 1 {
			b.s.t.Errorf("chain %+v", c)
		}
	}
	if all != rows {
		b.s.t.Errorf("%d rows are archived, want %d", all, rows)
	}
	return report
}

// table is what parquet.py prints.
type table struct {
	Types map[string]string `json:"types"`
	Rows  [][]any           `json:"rows"`
}

// loanColumns are what the test of the archive compares.
var loanColumns = []string{
	"event_id", "event_time", "car_value", "salary_range", "debt_to_income", "colour", "driver_tenure", "y_pred_proba", "y_pred",
	"endpoint", "status",
}

// loanTable is what the rows of a file of loans are in the archive, in the order of their ids.
func loanTable(t *testing.T, text string) (rows [][]any) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
		cells := strings.Split(line, ",")
		at, err := time.Parse("2006-01-02 15:04:05.000", cells[1])
		if err != nil {
			t.Fatal(err)
		}
		row := []any{cells[0], float64(at.UnixMilli())}
		for i, cell := range cells[2:9] {
			number, err := strconv.ParseFloat(cell, 64)
			switch {
			case cell == "":
				row = append(row, nil)
			case i == 1 || i == 3: // salary_range, colour
				row = append(row, cell)
			case err != nil:
				t.Fatal(err)
			default:
				row = append(row, number)
			}
		}
		rows = append(rows, append(row, "loans", "ok"))
	}
	slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	return rows
}

// What is replayed through Apache Kafka is in the bucket, for other people's programs too: DuckDB and pyarrow read the
// rows with the types and values of the source, boto3 the metadata. What is removed, doubled or truncated is named.
func TestBucket(t *testing.T) {
	t.Parallel()
	s := newSecureSite(t)
	b := s.addBucket()
	s.write("reference.csv", newLoans(1).rows(5, nil))
	s.tidemark("baseline", "build", "reference.csv", "--prediction", "y_pred_proba,y_pred", "--label", "repaid",
		"--time", "timestamp", "--id", "id")
	s.configure("  - {name: loans, baseline: baseline, windows: {size: 10d}}\n" + strings.Replace(b.section(), "every: 1s", "every: 1s, codec: fast", 1))
	source := newLoans(2).rows(5, nil)
	header, rows, _ := strings.Cut(source, "\n")
	middle := len(rows)/2 + strings.IndexByte(rows[len(rows)/2:], '\n') + 1
	s.write("first.csv", header+"\n"+rows[:middle])
	s.write("second.csv", header+"\n"+rows[middle:])
	want := loanTable(t, source)
	n := int64(len(want))
	p := s.run()
	archived := func() int64 { return counter(p.metrics(), "tidemark_archive_rows_total") }
	s.tidemark("replay", "first.csv")
	first := int64(strings.Count(rows[:middle], "\n"))
	await(t, "the first rows in the archive", func() bool { return archived() == first })
	s.tidemark("replay", "second.csv", "--endpoint", "loans", "--variant", "second")
	await(t, "all rows in the archive", func() bool { return archived() == n })
	p.stop()
	report := b.verified(n)

	var metadata map[string]map[string]string
	decode(t, b.do("get", "captures", "copy"), &metadata)
	var objects []string
	for key, m := range metadata {
		start, isObject := strings.CutSuffix(key, ".parquet")
		if !isObject {
			continue
		}
		objects = append(objects, key)
		offset, err := strconv.ParseInt(start[strings.LastIndexByte(start, '/')+1:], 10, 64)
		if err != nil || m["tidemark-start"] != strconv.FormatInt(offset, 10) || m["tidemark-topic"] != "capture" || m["tidemark-gap"] != "false" {
			t.Errorf("the metadata of %s are %v", key, m)
		}
	}
	slices.Sort(objects)
	for _, reader := range []string{"duckdb", "pyarrow"} {
		var got table
		decode(t, s.program(b.python, append([]string{script(t, "parquet.py"), reader, "copy"}, loanColumns...)...), &got)
		if diff := cmp.Diff(want, got.Rows); diff != "" {
			t.Errorf("%s reads other rows than the source's (-source +read):\n%s", reader, diff)
		}
		if diff := cmp.Diff(loanTypes[reader], got.Types); diff != "" {
			t.Errorf("%s reads other types (-want +read):\n%s", reader, diff)
		}
	}
	b.breaks(objects, report)
}

// loanTypes are the types of the columns, as the readers name them.
var loanTypes = map[string]map[string]string{
	"duckdb": {
		"event_id": "VARCHAR", "event_time": "TIMESTAMP WITH TIME ZONE", "car_value": "DOUBLE", "salary_range": "VARCHAR",
		"debt_to_income": "DOUBLE", "colour": "VARCHAR", "driver_tenure": "DOUBLE", "y_pred_proba": "DOUBLE", "y_pred": "DOUBLE",
		"endpoint": "VARCHAR", "status": "VARCHAR",
	},
	"pyarrow": {
		"event_id": "string", "event_time": "timestamp[ms, tz=UTC]", "car_value": "double", "salary_range": "string",
		"debt_to_income": "double", "colour": "string", "driver_tenure": "double", "y_pred_proba": "double", "y_pred": "double",
		"endpoint": "string", "status": "string",
	},
}

// breaks removes the first object of the archive, doubles another and truncates the last.
func (b *bucket) breaks(objects []string, report archive.Report) {
	t := b.s.t
	t.Helper()
	for _, c := range report.Chains {
		if c.Objects < 2 {
			t.Fatalf("the chain of partition %d has %d objects: one of several is to be removed", c.Partition, c.Objects)
		}
	}
	removed, doubled, truncated := objects[0], objects[report.Chains[0].Objects], objects[len(objects)-1]
	folder, _ := filepath.Split(doubled)
	copied := folder + fmt.Sprintf("%020d.parquet", 7)
	b.do("remove", "captures", removed)
	b.do("double", "captures", doubled, copied)
	b.do("truncate", "captures", truncated)
	code, out := b.verify("--json")
	var broken archive.Report
	if err := json.Unmarshal([]byte(out), &broken); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found := map[string]string{}
	for _, f := range broken.Findings {
		found[f.Key] = fmt.Sprint(f.Kind)
	}
	want := map[string]string{}
	for key, kind := range map[string]string{removed: "missing", copied: "copy", truncated: "damaged"} {
		want[strings.TrimPrefix(key, "prod/")] = kind
	}
	if diff := cmp.Diff(want, found); code != exitFound || diff != "" {
		t.Errorf("archive verify ended with %d, want %d; findings (-want +got):\n%s", code, exitFound, diff)
	}
}
