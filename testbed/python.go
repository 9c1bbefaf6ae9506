package testbed

import (
	"path/filepath"
	"strings"
	"testing"
)

// Python returns the directory of the programs of a Python environment, python itself among them, that holds packages
// of PyPI. Each is named with its version, such as boto3==1.44.8.
func Python(t testing.TB, packages ...string) string {
	t.Helper()
	Need(t, "python3")
	dir := installed(t, "python-"+strings.Join(packages, "+"), func(dir string) error {
		if err := execute("python3", "-m", "venv", "--clear", dir); err != nil {
			return err
		}
		install := []string{"install", "-q", "--disable-pip-version-check", "--only-binary=:all:"}
		return execute(filepath.Join(dir, "bin", "pip"), append(install, packages...)...)
	})
	return filepath.Join(dir, "bin")
}
