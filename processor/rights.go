package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// use is what a role does with a topic.
type use struct {
	topic       string
	read, write bool
}

// Roles are what a process can do.
var Roles = []string{"ingest", "evaluate", "archive", "notify"}

// transacts says whether a role writes in transactions.
func transacts(role string) bool { return role == "ingest" || role == "evaluate" }

// uses lists the topics of a role.
func (c *Config) uses(role string) (all []use) {
	t := c.Topics
	switch role {
	case "ingest":
		for _, source := range c.Capture {
			all = append(all, use{topic: source.Topic, read: true})
		}
		return append(all, use{topic: t.Panes, write: true}, use{topic: t.DeadLetters, write: true})
	case "archive":
		for _, source := range c.Capture {
			all = append(all, use{topic: source.Topic, read: true})
		}
		return append(all, use{topic: t.Panes, write: true}) // how it is doing
	case "deadletters":
		all = append(all, use{topic: t.DeadLetters, read: true})
		for _, source := range c.Capture {
			all = append(all, use{topic: source.Topic, write: true})
		}
		return all
	case "notify":
		return []use{{topic: t.Alerts, read: true}, {topic: t.Panes, write: true}} // what it could not send
	case "evaluate":
		return []use{
			{topic: t.Panes, read: true}, {topic: t.State, read: true, write: true},
			{topic: t.Reports, write: true}, {topic: t.Alerts, write: true}, {topic: t.Late, write: true},
		}
	}
	return nil
}

// verify returns the topics of a role. It is an error if the brokers are too old, a topic is not there, or the role may
// not do with it what it does: better now than when the first alert is to be written.
func (c *Config) verify(ctx context.Context, client *kgo.Client, role string) (kadm.TopicDetails, error) {
	if err := VerifyVersion(ctx, client); err != nil {
		return nil, err
	}
	uses := c.uses(role)
	names := make([]string, len(uses))
	for i, u := range uses {
		names[i] = u.topic
	}
	topics, err := lookUp(ctx, client, names...)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := c.topicError(topics, name); err != nil {
			return nil, err
		}
	}
	for _, u := range uses {
		if missing := c.missing(u, topics[u.topic]); len(missing) > 0 {
			return nil, errors.New(missing[0])
		}
	}
	return topics, nil
}

// missing returns a sentence for each right on a topic that a role lacks. Brokers without access control, and those
// that do not say, leave nothing missing.
func (c *Config) missing(u use, topic kadm.TopicDetail) (missing []string) {
	has := topic.AuthorizedOperations
	if len(has) == 0 {
		return nil
	}
	for _, right := range []struct {
		needed    bool
		operation kmsg.ACLOperation
		name      string
	}{{u.read, kmsg.ACLOperationRead, "Read"}, {u.write, kmsg.ACLOperationWrite, "Write"}} {
		if right.needed && !slices.Contains(has, right.operation) {
			missing = append(missing, fmt.Sprintf("topic %q: the right %s is missing: %s", u.topic, right.name, c.grant(right.name, "--topic "+u.topic)))
		}
	}
	return missing
}

// grant is a command that gives Tidemark a right.
func (c *Config) grant(operation, resource string) string {
	principal := "User:NAME"
	if c.Kafka.SASL.Username != "" {
		principal = "User:" + c.Kafka.SASL.Username
	}
	return acls(principal, operation, resource)
}

// CheckRights tries what roles may do and returns a sentence for each right that is missing. It changes nothing.
func (c *Config) CheckRights(ctx context.Context, client *kgo.Client, roles []string) (faults []string, err error) {
	for _, role := range roles {
		uses := c.uses(role)
		names := make([]string, len(uses))
		for i, u := range uses {
			names[i] = u.topic
		}
		topics, err := lookUp(ctx, client, names...)
		if err != nil {
			return nil, err
		}
		for _, u := range uses {
			if topic := topics[u.topic]; errors.Is(topic.Err, kerr.TopicAuthorizationFailed) {
				if fault := c.topicError(topics, u.topic).Error(); !slices.Contains(faults, fault) {
					faults = append(faults, fault)
				}
			} else if topic.Err == nil {
				for _, fault := range c.missing(u, topic) {
					if !slices.Contains(faults, fault) {
						faults = append(faults, fault)
					}
				}
			}
		}
		try := c.tryGroup
		if transacts(role) {
			try = c.tryTransaction
		}
		fault, err := whenCoordinated(ctx, func() (string, error) { return try(ctx, client, role) })
		if err != nil {
			return nil, err
		}
		if fault != "" {
			faults = append(faults, fault)
		}
	}
	return faults, nil
}

// whenCoordinated tries again while the group or the transactional id has no coordinator yet: a new cluster makes the
// topics that they are kept in when somebody first asks.
func whenCoordinated(ctx context.Context, try func() (fault string, err error)) (fault string, err error) {
	for {
		fault, err = try()
		waits := errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.CoordinatorLoadInProgress) || errors.Is(err, kerr.NotCoordinator)
		if !waits {
			return fault, err
		}
		select {
		case <-ctx.Done():
			return fault, err
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// tryTransaction asks to add offsets to a transaction of a producer that does not exist. Brokers refuse that, but they
// look at the rights on the transactional id and on the group first.
func (c *Config) tryTransaction(ctx context.Context, client *kgo.Client, role string) (fault string, err error) {
	request := kmsg.NewPtrAddOffsetsToTxnRequest()
	request.TransactionalID, request.Group = c.transactionalID(role), group(role)
	request.ProducerID, request.ProducerEpoch = 1<<62, 0
	response, err := request.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(response.ErrorCode)
	}
	switch {
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return fmt.Sprintf("transactional id %q: the right Write is missing: %s", request.TransactionalID, c.grant("Write", "--transactional-id "+request.TransactionalID)), nil
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return fmt.Sprintf("group %q: the right Read is missing: %s", request.Group, c.grant("Read", "--group "+request.Group)), nil
	case err == nil || errors.Is(err, kerr.InvalidProducerIDMapping):
		return "", nil
	}
	return "", fmt.Errorf("try a transaction of %s: %w", role, err)
}

// tryGroup asks for the offsets of a role's group, which is for those who may read with it.
func (c *Config) tryGroup(ctx context.Context, client *kgo.Client, role string) (fault string, err error) {
	_, err = kadm.NewClient(client).FetchOffsets(ctx, group(role))
	if errors.Is(err, kerr.GroupAuthorizationFailed) {
		return fmt.Sprintf("group %q: the right Read is missing: %s", group(role), c.grant("Read", "--group "+group(role))), nil
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // it is made when the role first reads
		return "", fmt.Errorf("look at the group of %s: %w", role, err)
	}
	return "", nil
}

// VerifyVersion refuses brokers before Kafka 4.0, whose transactions may let an old process write after it was fenced.
func VerifyVersion(ctx context.Context, client *kgo.Client) error {
	response, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		return lost{fmt.Errorf("ask the brokers what they are: %w", err)}
	}
	for _, key := range response.ApiKeys {
		if key.ApiKey == kmsg.EndTxn.Int16() && key.MaxVersion >= 5 { // KIP-890, since Kafka 4.0
			return nil
		}
	}
	return errTooOld
}

var errTooOld = errors.New("the brokers are older than Kafka 4.0: upgrade them; Tidemark relies on their guards against transactions of old processes (KIP-890)")
