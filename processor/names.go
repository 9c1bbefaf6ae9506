package processor

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
)

// Headers of capture records.
const (
	headerEndpoint  = "endpoint"
	headerVariant   = "variant"
	headerWatermark = "tidemark-watermark" // a punctuation: no more of the endpoint comes before this event time (ms)
)

// names keeps a copy of each name that records carry, so that a record does not cost one.
type names map[string]string

// maxNames bounds the names kept: producers choose them.
const maxNames = 10_000

func (n names) of(name []byte) string {
	if kept, ok := n[string(name)]; ok {
		return kept
	}
	if len(n) >= maxNames {
		clear(n)
	}
	kept := string(name)
	n[kept] = kept
	return kept
}

func (n names) headers(r *kgo.Record) (endpoint, variant string, watermark []byte) {
	for _, h := range r.Headers {
		switch h.Key {
		case headerEndpoint:
			endpoint = n.of(h.Value)
		case headerVariant:
			variant = n.of(h.Value)
		case "ce_inferenceservicename": // KServe
			endpoint = first(endpoint, n.of(h.Value))
		case "ce_endpoint": // KServe: default or canary
			variant = first(variant, n.of(h.Value))
		case headerWatermark:
			watermark = append([]byte{}, h.Value...)
		}
	}
	return endpoint, variant, watermark
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// soleEndpoint is the endpoint that all monitors watch, if it is one.
func soleEndpoint(monitors []*monitor.Monitor) string {
	sole := ""
	for i, m := range monitors {
		if i == 0 && m.Match.Endpoint != "*" {
			sole = m.Match.Endpoint
		} else if m.Match.Endpoint != sole {
			sole = ""
		}
	}
	return sole
}
