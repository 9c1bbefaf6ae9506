package deploy

import (
	"bufio"
	"debug/elf"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"tidemark/testbed"
)

// imageUser is the user that the image names.
const imageUser = 65532

// The image is built without a container engine: by the commands of the Dockerfile, run here, into a directory that
// holds what the last stage copies. Then its binary runs the demo there, as the image's user, with nothing else to
// see of this machine.
func TestImage(t *testing.T) {
	testbed.NeedRoot(t) // to change the root directory
	dockerfile := readDockerfile(t)
	out := t.TempDir()
	root := filepath.Join(out, "image")
	for _, run := range dockerfile["build RUN"] {
		if strings.HasPrefix(run, "go mod download") {
			continue // the test runs where the modules are
		}
		run = strings.ReplaceAll(strings.ReplaceAll(run, "/out/", out+"/"), "$VERSION", "image-test")
		command(t, "..", "sh", "-c", run)
	}
	for _, copied := range dockerfile["final COPY"] {
		fields := strings.Fields(copied)
		from, to := fields[len(fields)-2], fields[len(fields)-1]
		if !strings.HasPrefix(from, "/out/") {
			continue // certificates, which the demo does not need
		}
		from, to = filepath.Join(out, strings.TrimPrefix(from, "/out/")), filepath.Join(root, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(copied, "--chown=65532:65532") {
			if err := os.Chown(to, imageUser, imageUser); err != nil {
				t.Fatal(err)
			}
		}
	}
	if user := dockerfile["final USER"]; len(user) != 1 || user[0] != "65532:65532" {
		t.Fatalf("USER %v, want 65532:65532", user)
	}
	binary, err := elf.Open(filepath.Join(root, "usr/bin/tidemark"))
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, program := range binary.Progs {
		if program.Type == elf.PT_INTERP {
			t.Error("the binary needs a dynamic linker, which the image does not have")
		}
	}
	// The way from here to the image must be open to its user; what is in it is the image's alone.
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// A container engine writes this file.
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "etc/hosts"), []byte("127.0.0.1 localhost\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	in := func(arguments ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "/usr/bin/tidemark", arguments...)
		c.Dir, c.Env = dockerfile["final WORKDIR"][0], []string{"HOME=/"}
		c.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser}}
		text, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("tidemark %q in the image: %v\n%s", arguments, err, text)
		}
		return string(text)
	}
	if got := in("version"); !strings.HasPrefix(got, "tidemark image-test") {
		t.Errorf("version is %q, want tidemark image-test", got)
	}
	if got := in("demo", "--exit-on-alert", "--for", "60s"); !strings.Contains(got, "ALERT") {
		t.Errorf("the demo ends without an alert:\n%s", got)
	}
}

var stage = regexp.MustCompile(`^FROM \S+( AS (\S+))?$`)

// readDockerfile returns the arguments of the instructions by stage and name, such as "build RUN".
func readDockerfile(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	instructions, name := map[string][]string{}, ""
	for reader := bufio.NewReader(f); ; {
		line, err := reader.ReadString('\n')
		line = strings.TrimSpace(line)
		if match := stage.FindStringSubmatch(line); match != nil {
			if name = match[2]; name == "" {
				name = "final"
			}
		} else if instruction, arguments, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			key := name + " " + instruction
			instructions[key] = append(instructions[key], arguments)
		}
		if err == io.EOF {
			return instructions
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
