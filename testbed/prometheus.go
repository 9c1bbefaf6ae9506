package testbed

import (
	"net/http"
	"testing"
	"time"
)

// StartPrometheus starts Prometheus with a configuration file and returns its URL. It ends with the test.
func StartPrometheus(t testing.TB, config string) string {
	t.Helper()
	Need(t, "prometheus")
	at := address(freePort(t))
	start(t, func(string) bool { return answers("http://" + at + "/-/ready") }, "prometheus",
		"--config.file="+config, "--web.listen-address="+at, "--storage.tsdb.path="+t.TempDir())
	return "http://" + at
}

// StartAlertmanager starts Alertmanager with a configuration file and returns its URL. It ends with the test.
func StartAlertmanager(t testing.TB, config string) string {
	t.Helper()
	Need(t, "prometheus-alertmanager") // as Debian calls it
	at := address(freePort(t))
	start(t, func(string) bool { return answers("http://" + at + "/-/ready") }, "prometheus-alertmanager",
		"--config.file="+config, "--web.listen-address="+at, "--storage.path="+t.TempDir(), "--cluster.listen-address=")
	return "http://" + at
}

var client = http.Client{Timeout: 5 * time.Second}

// answers is whether a page is there.
func answers(url string) bool {
	response, err := client.Get(url)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
