// Package webhook sends alerts to an HTTP endpoint. An alert is a CloudEvent in binary mode: its body is the JSON of the
// alerts topic, its attributes are headers.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"tidemark/monitor"
	"tidemark/sinks/alerts"
)

// Config says where alerts are sent. Nothing is sent without a URL.
type Config struct {
	// URL takes a POST for each alert. It may hold a secret.
	URL string `yaml:"url"`
	// Authorization is the header of that name, such as "Bearer ${TOKEN}".
	Authorization string        `yaml:"authorization"`
	Timeout       time.Duration `yaml:"timeout"`
}

// DefaultTimeout is how long a receiver may take to answer.
const DefaultTimeout = 10 * time.Second

// Complete fills in what was left out.
func (c *Config) Complete() {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
}

// Check reports every fault of a completed configuration with the path of its field. It shows no URL: one may hold a
// secret.
func (c *Config) Check(fault func(path, message string)) {
	if c.URL == "" {
		if c.Authorization != "" {
			fault("url", "is missing: give the address that alerts are sent to, or leave webhook out")
		}
		return
	}
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		fault("url", "is no address: give one that begins with http:// or https://")
	}
	if c.Timeout < 0 {
		fault("timeout", fmt.Sprintf("is %v: give a positive duration", c.Timeout))
	}
}

// Sender sends alerts.
type Sender struct {
	config Config
	client *http.Client
}

// New returns a sender for a completed and checked configuration that has a URL. Requests go over the transport, or, if
// it is nil, the default one.
func New(c Config, transport http.RoundTripper) *Sender {
	return &Sender{config: c, client: &http.Client{Timeout: c.Timeout, Transport: transport}}
}

// ErrRefused says that the receiver will not take this alert however often it is sent.
var ErrRefused = errors.New("refused")

// maxAnswer is how much of an answer is read: enough to say in an error what is wrong.
const maxAnswer = 300

// Send posts the alert. It may come again, with the same Idempotency-Key, the alert's ID. The header
// Tidemark-Incident is what firing and resolved of one incident share. The error never shows the URL.
func (s *Sender) Send(ctx context.Context, a *monitor.Alert) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode alert %s: %w", a.ID, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("post alert: the address cannot be used")
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Idempotency-Key": a.ID, "Tidemark-Incident": a.Incident,
		"ce-specversion": "1.0", "ce-id": a.ID, "ce-type": alerts.Type, "ce-source": "tidemark/" + a.Monitor,
	} {
		request.Header.Set(name, value)
	}
	if s.config.Authorization != "" {
		request.Header.Set("Authorization", s.config.Authorization)
	}
	response, err := s.client.Do(request)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return fmt.Errorf("post alert: %w", err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // what cannot be read is not shown
	switch response.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: post alert: %s: %q", ErrRefused, response.Status, answer)
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("post alert: %s: %q", response.Status, answer)
	}
	return nil
}
