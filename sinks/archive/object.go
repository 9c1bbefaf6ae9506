package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ID names a partition of a topic. The topic's id tells it from a deleted one of its name, whose offsets it repeats.
type ID struct {
	Cluster   string `json:"cluster"`
	Topic     string `json:"topic"`
	TopicID   string `json:"topic_id"`
	Partition int32  `json:"partition"`
}

// Info is what an object says of itself, in its metadata and again in its Parquet footer.
type Info struct {
	ID
	Generation int32
	Start      int64 // the first offset that it covers, which is in its key
	End        int64 // the first offset that it does not cover; control records count
	Rows       int64
	Nonce      string // of this put: no other object has it
	Epoch      int32  // the partition leader's, of the last record; -1 when not known
	Gap        bool   // Kafka deleted these records before they were archived

	// Expired is when [Archive.Expire] took its rows away (RFC 3339), and ExpiredRows how many it had; else they are empty.
	Expired     string
	ExpiredRows int64
}

// Head is what is known of a partition's chain besides its objects. It is itself an object, put once and changed by
// operators and [Archive.Expire] alone.
type Head struct {
	Version    int   `json:"version"`
	Generation int32 `json:"generation"` // another after the log lost records that were archived
	First      int64 `json:"first"`      // START of the generation's first object
	Floor      int64 `json:"floor"`      // START of the first object whose rows have not expired
}

const version = 1

const root = "v1/"

// folder is where the objects of a generation are, and nothing else.
func (id ID) folder(generation int32) string {
	return fmt.Sprintf("%s%s/%s/%s/g%04d/p%05d/", root, id.Cluster, id.Topic, id.TopicID, generation, id.Partition)
}

func (id ID) key(generation int32, start int64) string {
	return fmt.Sprintf("%s%020d.parquet", id.folder(generation), start)
}

func (id ID) headKey() string {
	return fmt.Sprintf("%s%s/%s/%s/p%05d/head.json", root, id.Cluster, id.Topic, id.TopicID, id.Partition)
}

// name is the partition as Kafka's tools write it.
func (id ID) name() string { return fmt.Sprintf("%s/%d", id.Topic, id.Partition) }

// key is the object's place.
func (i Info) key() string { return i.ID.key(i.Generation, i.Start) }

// parseKey reads the key of an object or, without a generation and START, of a head.
func parseKey(key string) (id ID, generation int32, start int64, ok bool) {
	parts := strings.Split(strings.TrimPrefix(key, root), "/")
	switch len(parts) {
	case 5:
		id = ID{Cluster: parts[0], Topic: parts[1], TopicID: parts[2], Partition: int32(number(parts[3], "p", ""))}
		return id, 0, 0, id.headKey() == key
	case 6:
		id = ID{Cluster: parts[0], Topic: parts[1], TopicID: parts[2], Partition: int32(number(parts[4], "p", ""))}
		generation, start = int32(number(parts[3], "g", "")), number(parts[5], "", ".parquet")
		return id, generation, start, id.key(generation, start) == key
	}
	return ID{}, 0, 0, false
}

// number reads digits between a prefix and a suffix. What it makes of others is found out by writing the key again.
func number(text, prefix, suffix string) int64 {
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(text, prefix), suffix), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// The keys of an object's metadata.
const (
	metaVersion    = "tidemark-version"
	metaCluster    = "tidemark-cluster"
	metaTopic      = "tidemark-topic"
	metaTopicID    = "tidemark-topic-id"
	metaPartition  = "tidemark-partition"
	metaGeneration = "tidemark-generation"
	metaStart      = "tidemark-start"
	metaEnd        = "tidemark-end"
	metaRows       = "tidemark-rows"
	metaNonce      = "tidemark-nonce"
	metaEpoch      = "tidemark-leader-epoch"
	metaGap        = "tidemark-gap"

	// Of expired objects alone.
	metaExpired     = "tidemark-expired"
	metaExpiredRows = "tidemark-expired-rows"
)

func (i Info) metadata() map[string]string {
	decimal := func(n int64) string { return strconv.FormatInt(n, 10) }
	m := map[string]string{
		metaVersion: decimal(version), metaCluster: i.Cluster, metaTopic: i.Topic, metaTopicID: i.TopicID,
		metaPartition: decimal(int64(i.Partition)), metaGeneration: decimal(int64(i.Generation)),
		metaStart: decimal(i.Start), metaEnd: decimal(i.End), metaRows: decimal(i.Rows), metaNonce: i.Nonce,
		metaEpoch: decimal(int64(i.Epoch)), metaGap: strconv.FormatBool(i.Gap),
	}
	if i.Expired != "" {
		m[metaExpired], m[metaExpiredRows] = i.Expired, decimal(i.ExpiredRows)
	}
	return m
}

func parseInfo(m map[string]string) (Info, error) {
	var missing error
	integer := func(key string, bits int) int64 {
		n, err := strconv.ParseInt(m[key], 10, bits)
		if err != nil && missing == nil {
			missing = fmt.Errorf("its metadata have %s = %q, which is not a whole number", key, m[key])
		}
		return n
	}
	if v := m[metaVersion]; v != strconv.Itoa(version) {
		return Info{}, fmt.Errorf("its metadata have %s = %q, and this program reads %d", metaVersion, v, version)
	}
	gap, err := strconv.ParseBool(m[metaGap])
	if err != nil {
		return Info{}, fmt.Errorf("its metadata have %s = %q, which is neither true nor false", metaGap, m[metaGap])
	}
	i := Info{
		ID:         ID{Cluster: m[metaCluster], Topic: m[metaTopic], TopicID: m[metaTopicID], Partition: int32(integer(metaPartition, 32))},
		Generation: int32(integer(metaGeneration, 32)),
		Start:      integer(metaStart, 64), End: integer(metaEnd, 64), Rows: integer(metaRows, 64),
		Nonce: m[metaNonce], Epoch: int32(integer(metaEpoch, 32)), Gap: gap, Expired: m[metaExpired],
	}
	if i.Expired != "" {
		i.ExpiredRows = integer(metaExpiredRows, 64)
	}
	return i, missing
}

func parseHead(content []byte) (Head, error) {
	var h Head
	if err := json.Unmarshal(content, &h); err != nil {
		return h, err
	}
	if h.Version != version || h.Generation < 1 || h.First < 0 || h.Floor < h.First {
		return h, errors.New("want version 1, a generation from 1 on, and 0 <= first <= floor")
	}
	return h, nil
}

// Hint is what a writer leaves in the consumer group for the next: END as the committed offset, and with it the START
// of the object that ends there. It may be old or wrong; the chain alone says where it ends.
type Hint struct {
	Generation int32
	Start, End int64
}

// Hint is what to leave for the next writer behind an object.
func (i Info) Hint() Hint { return Hint{Generation: i.Generation, Start: i.Start, End: i.End} }

// String is the text beside the committed offset.
func (h Hint) String() string { return fmt.Sprintf("g%d s%d", h.Generation, h.Start) }

// ParseHint reads what was committed; nothing of use is the zero Hint.
func ParseHint(committed int64, text string) Hint {
	h := Hint{End: committed}
	if n, err := fmt.Sscanf(text, "g%d s%d", &h.Generation, &h.Start); n != 2 || err != nil {
		return Hint{}
	}
	return h
}
