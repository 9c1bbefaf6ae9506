package archive

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/store"
)

// Config says where captures are archived and how objects are cut. Without a URL there is no archive.
type Config struct {
	store.Config `yaml:",inline"`
	Every        time.Duration `yaml:"every"` // an object is cut when its first record has waited so long
	Size         Size          `yaml:"size"`  // or when its records, as they came or as columns, have so many bytes; the object is smaller
	Codec        Codec         `yaml:"codec"`
}

// Codec is how the Parquet files are encoded: fast takes the least time, small the least space.
type Codec string

// The codecs. A configuration cannot have plain, which compresses nothing: it is for tests in virtual time, which the
// compressor does not live in.
const (
	Fast  Codec = "fast"
	Small Codec = "small"
	plain Codec = ""
)

// pageBytes is about how many bytes of text a page has.
func (c Codec) pageBytes() int {
	if c == Small {
		return 8 << 20
	}
	return 1 << 20
}

// Size is a number of bytes.
type Size int64

// UnmarshalText reads a whole number with one of the units B, KiB, MiB and GiB.
func (s *Size) UnmarshalText(text []byte) error {
	for unit, factor := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		digits, ok := strings.CutSuffix(string(text), unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > 1<<20 {
			break
		}
		*s = Size(n * factor)
		return nil
	}
	return fmt.Errorf("%q is not a size: write a whole number with KiB, MiB or GiB, such as 128MiB", text)
}

// DefaultConfig is the configuration of which nothing is given yet.
func DefaultConfig() Config { return Config{Every: 5 * time.Minute, Size: 64 << 20, Codec: Small} }

// Enabled says whether there is to be an archive.
func (c *Config) Enabled() bool { return c.URL != "" }

// Check reports every fault with the path of its field.
func (c *Config) Check(fault func(path, message string)) {
	if !c.Enabled() {
		d := DefaultConfig()
		if d.Config = c.Config; *c != d || c.Config != (store.Config{}) {
			fault("url", "is missing: give s3://bucket/prefix, or a directory such as ./archive")
		}
		return
	}
	c.Config.Check(fault)
	if c.Every < time.Second {
		fault("every", fmt.Sprintf("is %v: give at least 1s, such as 5m", c.Every))
	}
	if c.Size < 1<<20 || c.Size > 1<<30 {
		fault("size", fmt.Sprintf("is %d bytes: give between 1MiB and 1GiB", c.Size))
	}
	if c.Codec != Fast && c.Codec != Small {
		fault("codec", fmt.Sprintf("is %q: use %s or %s", c.Codec, Fast, Small))
	}
}
