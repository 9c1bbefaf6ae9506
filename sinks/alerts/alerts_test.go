package alerts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
)

// A record is a CloudEvent in binary mode, keyed by the endpoint, and its alert is read back as it was.
func TestRecord(t *testing.T) {
	a := &monitor.Alert{ID: "9cd90a413db4ad6e", State: "firing", Kind: "drift", Monitor: "loans", Endpoint: "loans-eu", Feature: "income", Rule: "psi", Score: 0.25, Threshold: 0.2}
	r, err := Record("alerts", a)
	if err != nil {
		t.Fatal(err)
	}
	headers := []kgo.RecordHeader{
		{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte("9cd90a413db4ad6e")}, {Key: "ce_type", Value: []byte("tidemark.alert.v1")},
		{Key: "ce_source", Value: []byte("tidemark/loans")}, {Key: "content-type", Value: []byte("application/json")},
	}
	if diff := cmp.Diff(headers, r.Headers); diff != "" || r.Topic != "alerts" || string(r.Key) != "loans-eu" {
		t.Errorf("topic %q, key %q, headers (-want +got):\n%s", r.Topic, r.Key, diff)
	}
	read, err := Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, read); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestDecodeSaysWhere(t *testing.T) {
	_, err := Decode(&kgo.Record{Topic: "alerts", Partition: 3, Offset: 17, Value: []byte("{")})
	if err == nil || !strings.HasPrefix(err.Error(), "decode alert at alerts/3 offset 17: ") {
		t.Errorf("error %v", err)
	}
}

// FuzzDecode: any value is an alert or an error, and an alert can be written again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"id":"a","score":1e400}`, `{"window":{"start":"x"}}`, `null`, "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		a, err := Decode(&kgo.Record{Value: value})
		if err != nil {
			return
		}
		if _, err := Record("alerts", a); err != nil {
			t.Errorf("%s is read, and cannot be written: %v", value, err)
		}
	})
}
