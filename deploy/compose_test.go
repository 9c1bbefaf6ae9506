package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func compose(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"}, cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// binary builds the program once for a test.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tidemark")
	command(t, "..", "go", "build", "-o", path, "./cmd/tidemark")
	return path
}

// What is published is published to this machine alone, what is mounted is there, and images have versions.
func TestComposeServices(t *testing.T) {
	project := compose(t)
	published := map[string]string{}
	for name, s := range project.Services {
		_, tag, tagged := strings.Cut(s.Image, ":")
		if s.Image != "tidemark" && (!tagged || tag == "latest") {
			t.Errorf("%s: image %q has no version", name, s.Image)
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is published to %q, want 127.0.0.1", name, p.Published, p.HostIP)
			}
			if other := published[p.Published]; other != "" {
				t.Errorf("%s: port %s is published by %s too", name, p.Published, other)
			}
			published[p.Published] = name
		}
		for _, v := range s.Volumes {
			switch v.Type {
			case types.VolumeTypeBind:
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if !v.ReadOnly {
					t.Errorf("%s: %s is mounted to be written to", name, v.Source)
				}
			case types.VolumeTypeVolume:
				if _, named := project.Volumes[v.Source]; !named {
					t.Errorf("%s: volume %q is not declared", name, v.Source)
				}
			}
		}
		for other, d := range s.DependsOn {
			if d.Condition == types.ServiceConditionHealthy && project.Services[other].HealthCheck == nil && other != "tidemark" {
				t.Errorf("%s waits for the health of %s, which has no health check", name, other)
			}
		}
	}
	want := map[string]string{"3000": "grafana", "8080": "tidemark", "9090": "prometheus", "9092": "kafka", "9093": "alertmanager"}
	for port, service := range want {
		if published[port] != service {
			t.Errorf("port %s is %q, want %s", port, published[port], service)
		}
	}
}

var flag = regexp.MustCompile(`^--?[a-z]`)

// Each command line of Tidemark has a command and flags that the program knows.
func TestComposeCommands(t *testing.T) {
	program := binary(t)
	checked := 0
	check := func(where string, arguments []string) {
		t.Helper()
		checked++
		var words, flags []string
		for i, a := range arguments {
			switch {
			case flag.MatchString(a):
				flags = append(flags, a)
			case i == 0 || i == 1 && !strings.Contains(a, "/"):
				words = append(words, a)
			}
		}
		help := command(t, ".", program, append(slices.Clone(words), "--help")...)
		if !strings.Contains(help, "Usage:\n  tidemark "+strings.Join(words, " ")) {
			t.Errorf("%s: tidemark %q is no command:\n%s", where, words, help)
		}
		for _, f := range flags {
			if !regexp.MustCompile(`(?m)^ +(-\w, +)?(--[a-z-]+)?`).MatchString(help) || !strings.Contains(help, f) {
				t.Errorf("%s: tidemark %s has no flag %s", where, strings.Join(words, " "), f)
			}
		}
	}
	for name, s := range compose(t).Services {
		if s.Image != "tidemark" {
			continue
		}
		check(name, s.Command)
		if s.HealthCheck != nil {
			if s.HealthCheck.Test[0] != "CMD" || s.HealthCheck.Test[1] != "/usr/bin/tidemark" {
				t.Errorf("%s: health check %v", name, s.HealthCheck.Test)
			}
			check(name+" health check", s.HealthCheck.Test[2:])
		}
	}
	dockerfile := readDockerfile(t)
	var health []string
	_, probe, _ := strings.Cut(dockerfile["final HEALTHCHECK"][0], "CMD ")
	if err := json.Unmarshal([]byte(probe), &health); err != nil {
		t.Fatal(err)
	}
	check("Dockerfile health check", health[1:])
	var run []string
	if err := json.Unmarshal([]byte(dockerfile["final CMD"][0]), &run); err != nil {
		t.Fatal(err)
	}
	check("Dockerfile CMD", run)
	if checked != 6 {
		t.Errorf("%d command lines were checked, want 6", checked)
	}
}

// Tidemark's configuration of the compose file is sound, and agrees with the other services.
func TestComposeConfiguration(t *testing.T) {
	program, project := binary(t), compose(t)
	content, err := os.ReadFile("tidemark/tidemark.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	training := command(t, ".", "python3", "sample/producer.py", "training", "500")
	if err := os.WriteFile(filepath.Join(dir, "loans.csv"), []byte(training), 0o644); err != nil {
		t.Fatal(err)
	}
	build := slices.Clone([]string(project.Services["baseline"].Command))
	for i, a := range build {
		switch a {
		case "/training/loans.csv":
			build[i] = "loans.csv"
		case "/data/baseline":
			build[i] = "baseline"
		}
	}
	command(t, dir, program, build...)
	local := strings.Replace(string(content), "/data/baseline", filepath.Join(dir, "baseline"), 1)
	if local == string(content) {
		t.Fatal("the configuration's baseline is not where the service baseline puts it")
	}
	if err := os.WriteFile(filepath.Join(dir, "tidemark.yaml"), []byte(local), 0o644); err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), program, "check")
	check.Dir, check.Env = dir, []string{}
	for name, value := range project.Services["tidemark"].Environment {
		if value != nil {
			check.Env = append(check.Env, name+"="+*value)
		}
	}
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("tidemark check: %v\n%s", err, out)
	}
	for _, address := range regexp.MustCompile(`\b([a-z]+):(\d+)`).FindAllStringSubmatch(string(content), -1) {
		service := project.Services[address[1]]
		if service.Name == "" {
			t.Errorf("the configuration names %s, which is no service", address[0])
			continue
		}
		inside := strings.Contains(strings.Join(service.Command, " ")+strings.Join(service.HealthCheck.Test, " "), address[2])
		for _, value := range service.Environment {
			inside = inside || value != nil && strings.Contains(*value, ":"+address[2])
		}
		if !inside {
			t.Errorf("the configuration names %s, but nothing says that the service listens there", address[0])
		}
	}
	prometheus, err := os.ReadFile("prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(int(project.Services["tidemark"].Ports[0].Target))
	if !strings.Contains(string(prometheus), `"tidemark:`+port+`"`) || !strings.Contains(string(content), `"0.0.0.0:`+port+`"`) {
		t.Errorf("Prometheus does not scrape Tidemark's port %s", port)
	}
}
