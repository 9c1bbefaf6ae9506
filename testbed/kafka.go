package testbed

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	kafkaVersion = "4.3.1"
	// provenVersion is that of a broker that is killed. In 4.3.1 the coordinator of a transaction leaves out the
	// markers of partitions that have no leader, as they have none while their only broker starts: records of a
	// transaction that was committed are lost, or hold up those who read committed records. 4.1.1 waits for the leader.
	// https://issues.apache.org/jira/browse/KAFKA-20734
	provenVersion = "4.1.1"
)

// kafkaProject lets Maven resolve the broker, and a logger that writes to standard error.
const kafkaProject = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tidemark</groupId>
  <artifactId>testbed</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>%s</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

// Password is that of every user of a [Kafka].
const Password = "hush-5e71f0a9"

// Kafka is Apache Kafka: one node that is broker and controller. Its fields are the addresses of its listeners.
// Users have no rights but those of access control lists; on Plain, everybody may do everything.
type Kafka struct {
	Plain   string // no security
	SASL    string // TLS; SASL with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512
	Scram   string // no TLS; SASL with SCRAM-SHA-512 alone
	MTLS    string // TLS with certificates of clients: the user is the certificate's subject, such as CN=client
	Expired string // as SASL, but the broker's certificate ended yesterday
	Proxied string // as Plain, but who asks it for the broker's address is given that of a proxy

	// Certificates is a directory with ca.pem, the authority of all that follows, client.pem with client.key,
	// expired.pem with expired.key, which ended yesterday, and stranger.pem, an authority of nothing here.
	Certificates string

	Data string // the directory of its logs

	start func(testing.TB) (stop func())
	stop  func()
}

// StartKafka starts a broker that knows the users. It ends with the test.
func StartKafka(t testing.TB, users ...string) *Kafka {
	t.Helper()
	return startKafka(t, kafkaVersion, "", t.TempDir(), users)
}

// StartKafkaBehind starts a broker that may be stopped and started again, with a proxy, which has to pass on what comes
// to its address to that of the listener Proxied.
func StartKafkaBehind(t testing.TB, proxy string) *Kafka {
	t.Helper()
	return startKafka(t, provenVersion, proxy, t.TempDir(), nil)
}

// StartKafkaOn starts a broker that may be stopped and started again, with its logs on a disk.
func StartKafkaOn(t testing.TB, d *Disk) *Kafka {
	t.Helper()
	return startKafka(t, provenVersion, "", d.Dir, nil)
}

func startKafka(t testing.TB, version, proxy, data string, users []string) *Kafka {
	t.Helper()
	Need(t, "java", "mvn")
	jars := installed(t, "kafka-"+version, func(dir string) error {
		project := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(project, fmt.Appendf(nil, kafkaProject, version), 0o644); err != nil {
			return err
		}
		return execute("mvn", "-q", "-B", "-f", project, "dependency:copy-dependencies", "-DoutputDirectory="+dir)
	})
	k := &Kafka{
		Plain: address(freePort(t)), SASL: address(freePort(t)), Scram: address(freePort(t)), MTLS: address(freePort(t)),
		Expired: address(freePort(t)), Proxied: address(freePort(t)), Certificates: t.TempDir(),
	}
	if proxy == "" {
		proxy = k.Proxied
	}
	newAuthority(t, k.Certificates, "stranger")
	ca := newAuthority(t, k.Certificates, "ca")
	ca.issue("broker", time.Now().Add(24*time.Hour))
	ca.issue("client", time.Now().Add(24*time.Hour))
	ca.issue("expired", time.Now().Add(-24*time.Hour))

	dir := t.TempDir()
	k.Data = filepath.Join(data, "data")
	properties := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(properties, []byte(k.properties(address(freePort(t)), proxy, users)), 0o600); err != nil {
		t.Fatal(err)
	}
	java := []string{
		"-Xms64m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", // to start fast, and several at once
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
		"-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
		"-cp", filepath.Join(jars, "*"),
	}
	format := append(java[:len(java):len(java)], "kafka.tools.StorageTool", "format", "-t", "dGlkZW1hcmstdGVzdGJlZA", "-c", properties)
	for _, user := range users {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			format = append(format, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, Password))
		}
	}
	if err := execute("java", format...); err != nil {
		t.Fatalf("format the broker's storage: %v", err)
	}
	started := func(written string) bool { return strings.Contains(written, "Kafka Server started") }
	k.start = func(t testing.TB) (stop func()) {
		return start(t, started, "java", append(java, "kafka.Kafka", properties)...)
	}
	k.Start(t)
	return k
}

// Stop ends the broker at once, without a chance to clean up; what it holds stays.
func (k *Kafka) Stop() { k.stop() }

// Start starts the broker again, where it was.
func (k *Kafka) Start(t testing.TB) {
	t.Helper()
	k.stop = k.start(t)
}

// properties is the broker's configuration.
func (k *Kafka) properties(controller, proxy string, users []string) string {
	listeners := fmt.Sprintf("PLAIN://%s,SASL://%s,SCRAM://%s,MTLS://%s,EXPIRED://%s", k.Plain, k.SASL, k.Scram, k.MTLS, k.Expired)
	certificate := func(name string) string { return filepath.Join(k.Certificates, name) }
	plain := "org.apache.kafka.common.security.plain.PlainLoginModule required"
	for _, user := range users {
		plain += fmt.Sprintf(" user_%s=%q", user, Password)
	}
	const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
	lines := []string{
		"process.roles=broker,controller",
		"node.id=1",
		"controller.quorum.voters=1@" + controller,
		"listeners=CONTROLLER://" + controller + "," + listeners + ",PROXIED://" + k.Proxied,
		"advertised.listeners=" + listeners + ",PROXIED://" + proxy,
		"listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,SASL:SASL_SSL,SCRAM:SASL_PLAINTEXT,MTLS:SSL,EXPIRED:SASL_SSL,PROXIED:PLAINTEXT",
		"controller.listener.names=CONTROLLER",
		"inter.broker.listener.name=PLAIN",
		"log.dirs=" + k.Data,
		"offsets.topic.replication.factor=1",
		"offsets.topic.num.partitions=2",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"transaction.state.log.num.partitions=2",
		"transaction.abort.timed.out.transaction.cleanup.interval.ms=1000",
		"group.initial.rebalance.delay.ms=0",
		"auto.create.topics.enable=false",
		"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users=User:ANONYMOUS",
		"ssl.keystore.type=PEM",
		"ssl.keystore.location=" + certificate("broker.both.pem"),
		"ssl.truststore.type=PEM",
		"ssl.truststore.location=" + certificate("ca.pem"),
		"listener.name.mtls.ssl.client.auth=required",
		"listener.name.expired.ssl.keystore.location=" + certificate("expired.both.pem"),
		"listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512",
		"listener.name.scram.scram-sha-512.sasl.jaas.config=" + scram,
	}
	for _, listener := range []string{"sasl", "expired"} {
		lines = append(lines,
			"listener.name."+listener+".sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
			"listener.name."+listener+".plain.sasl.jaas.config="+plain+";",
			"listener.name."+listener+".scram-sha-256.sasl.jaas.config="+scram,
			"listener.name."+listener+".scram-sha-512.sasl.jaas.config="+scram,
		)
	}
	return strings.Join(lines, "\n") + "\n"
}
