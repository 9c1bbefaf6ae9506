package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"tidemark/testbed"
)

// newSecureSite starts Apache Kafka. Tidemark reaches it over TLS as the user tidemark, by SCRAM-SHA-512; the test
// itself has a listener without security.
func newSecureSite(t *testing.T) *site {
	t.Helper()
	k := testbed.StartKafka(t, "tidemark")
	s := siteOf(t, k.Plain)
	s.apache, s.section = k, secured(k, k.SASL, "SCRAM-SHA-512", "tidemark")
	s.allow("User:tidemark")
	return s
}

// newPlainSite starts Apache Kafka, which everybody reaches without security.
func newPlainSite(t *testing.T) *site {
	t.Helper()
	s := siteOf(t, testbed.StartKafka(t).Plain)
	s.section = fmt.Sprintf("{brokers: [%q]}", s.kafka)
	return s
}

// secured is a configuration of kafka with TLS and a login.
func secured(k *testbed.Kafka, address, mechanism, user string) string {
	return fmt.Sprintf("{brokers: [%q], tls: {ca: %q}, sasl: {mechanism: %s, username: %s, password: %q}}",
		address, filepath.Join(k.Certificates, "ca.pem"), mechanism, user, testbed.Password)
}

// allow gives a user what Tidemark needs, and no more: these are the rights that the README lists.
func (s *site) allow(principal string) {
	s.t.Helper()
	s.give(principal, kadm.NewACLs().Topics("capture", "alerts").Operations(kadm.OpRead, kadm.OpWrite, kadm.OpCreate, kadm.OpDescribeConfigs))
	s.give(principal, kadm.NewACLs().Topics("tidemark.").ResourcePatternType(kadm.ACLPatternPrefixed).
		Operations(kadm.OpRead, kadm.OpWrite, kadm.OpCreate, kadm.OpDescribeConfigs))
	s.give(principal, kadm.NewACLs().Groups("tidemark-").ResourcePatternType(kadm.ACLPatternPrefixed).Operations(kadm.OpRead))
	s.give(principal, kadm.NewACLs().TransactionalIDs("tidemark-").ResourcePatternType(kadm.ACLPatternPrefixed).Operations(kadm.OpWrite))
}

func (s *site) give(principal string, rights *kadm.ACLBuilder) {
	s.t.Helper()
	results, err := kadm.NewClient(s.client).CreateACLs(s.t.Context(), rights.Allow(principal).AllowHosts())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			s.t.Fatalf("give %s rights on %s: %v", principal, r.Name, r.Err)
		}
	}
}
