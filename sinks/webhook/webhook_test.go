package webhook

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/monitor"
)

var alert = &monitor.Alert{ID: "0af1", Incident: "0af1", Kind: "drift", State: "firing", Monitor: "churn", Endpoint: "churn", Feature: "plan", Rule: "psi", Score: 0.41, Threshold: 0.2}

func TestSend(t *testing.T) {
	var got monitor.Alert
	headers := http.Header{}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers = r.Header.Clone()
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &got)
		}
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/hook" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer receiver.Close()
	c := Config{URL: receiver.URL + "/hook", Authorization: "Bearer secret"}
	c.Complete()
	if err := New(c, nil).Send(t.Context(), alert); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(alert, &got); diff != "" {
		t.Errorf("alert (-sent +received):\n%s", diff)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Idempotency-Key": "0af1", "Tidemark-Incident": "0af1", "Authorization": "Bearer secret",
		"Ce-Id": "0af1", "Ce-Type": "tidemark.alert.v1", "Ce-Source": "tidemark/churn", "Ce-Specversion": "1.0",
	} {
		if headers.Get(name) != want {
			t.Errorf("header %s is %q, want %q", name, headers.Get(name), want)
		}
	}
}

// What is worth sending again is told from what is not, and no error shows the address, which may hold a secret.
func TestAnswers(t *testing.T) {
	status := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "reason", status)
	}))
	defer receiver.Close()
	send := func(url string) error {
		c := Config{URL: url + "/token-4711"}
		c.Complete()
		return New(c, nil).Send(t.Context(), alert)
	}
	for code, refused := range map[int]bool{400: true, 413: true, 415: true, 422: true, 401: false, 403: false, 404: false, 408: false, 429: false, 500: false, 503: false} {
		status = code
		err := send(receiver.URL)
		if err == nil || errors.Is(err, ErrRefused) != refused || !strings.Contains(err.Error(), http.StatusText(code)+`: "reason`) {
			t.Errorf("%d: %v, refused %v", code, err, refused)
		}
	}
	status = http.StatusOK
	if err := send(receiver.URL); err != nil {
		t.Error(err)
	}
	receiver.Close()
	for _, url := range []string{receiver.URL, "http://no such host", "http://127.0.0.1:1"} {
		if err := send(url); err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "4711") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{}, ""},
		{Config{URL: "https://example.com/hook"}, ""},
		{Config{URL: "example.com/secret"}, "url: is no address: give one that begins with http:// or https://"},
		{Config{URL: "ftp://example.com"}, "url: is no address: give one that begins with http:// or https://"},
		{Config{Authorization: "Bearer x"}, "url: is missing: give the address that alerts are sent to, or leave webhook out"},
		{Config{URL: "http://h", Timeout: -time.Second}, "timeout: is -1s: give a positive duration"},
	} {
		test.config.Complete()
		got := ""
		test.config.Check(func(path, message string) { got += path + ": " + message })
		if got != test.want {
			t.Errorf("%+v: %q, want %q", test.config, got, test.want)
		}
	}
}
