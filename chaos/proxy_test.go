package chaos

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// proxy is between the processes and a server. It passes on what both say, until it is told to be in the way: to close
// connections, to hold what comes, or to let a request be carried out and lose its answer.
type proxy struct {
	t        *testing.T
	listener net.Listener
	target   string
	dialect  dialect

	mu      sync.Mutex
	links   map[*link]bool
	held    []hold
	armed   []*loss
	over    bool // no answer is to be lost any more
	passed  int  // connections so far
	stopped bool
}

// dialect is how to read what a proxy passes on.
type dialect struct {
	// request reads a request, or a part of one. word says what is asked for, "" of a part that is not the first, who
	// the client is, and number tells the answer to it from others.
	request func(*bufio.Reader) (message []byte, word, who string, number uint32, err error)
	answer  func(*bufio.Reader) (message []byte, number uint32, err error)
}

// link is a connection of a client, and that to the server that belongs to it.
type link struct {
	client, server net.Conn

	mu    sync.Mutex
	who   string // an instance of Tidemark
	lost  map[uint32]*loss
	close sync.Once
}

// hold is that nothing of a client passes for a while.
type hold struct {
	who   string // "": of all
	until time.Time
}

// loss is that the answer to the next request of a kind is lost, with the connection.
type loss struct {
	word string
	hit  func()
}

// listen opens a proxy; nobody can connect through it before it has a target.
func listen(t *testing.T, d dialect) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listener: listener, dialect: d, links: map[*link]bool{}}
	t.Cleanup(p.stop)
	return p
}

// address is where clients connect to.
func (p *proxy) address() string { return p.listener.Addr().String() }

// pass begins to pass connections on to a server.
func (p *proxy) pass(target string) {
	p.target = target
	go func() {
		for {
			client, err := p.listener.Accept()
			if err != nil {
				return // stopped
			}
			go p.connect(client)
		}
	}()
}

func (p *proxy) stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.listener.Close()
	p.cut("")
}

// connect serves a client's connection to its end. It ends at once when the server is not there.
func (p *proxy) connect(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		client.Close()
		return
	}
	l := &link{client: client, server: server, lost: map[uint32]*loss{}}
	p.mu.Lock()
	if p.stopped {
		p.mu.Unlock()
		l.end()
		return
	}
	p.links[l] = true
	p.passed++
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() {
		defer l.end()
		p.requests(l)
	})
	p.answers(l)
	l.end()
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	if !p.over { // those whose answer never came are for the next request
		p.armed = slices.AppendSeq(p.armed, maps.Values(l.lost))
	}
}

func (l *link) end() {
	l.close.Do(func() {
		l.client.Close()
		l.server.Close()
	})
}

func (p *proxy) requests(l *link) {
	from := bufio.NewReaderSize(l.client, 64<<10)
	for {
		message, word, who, number, err := p.dialect.request(from)
		if err != nil {
			return
		}
		loss := p.take(word)
		l.mu.Lock()
		if who != "" {
			l.who = who
		}
		if loss != nil {
			l.lost[number] = loss
		}
		l.mu.Unlock()
		p.wait(l)
		if _, err := l.server.Write(message); err != nil {
			return
		}
	}
}

func (p *proxy) answers(l *link) {
	from := bufio.NewReaderSize(l.server, 64<<10)
	for {
		message, number, err := p.dialect.answer(from)
		if err != nil {
			return
		}
		l.mu.Lock()
		loss := l.lost[number]
		delete(l.lost, number)
		l.mu.Unlock()
		if loss != nil {
			loss.hit()
			return // the connection ends without the answer
		}
		p.wait(l)
		if _, err := l.client.Write(message); err != nil {
			return
		}
	}
}

// wait waits as long as what passes on a link is held.
func (p *proxy) wait(l *link) {
	for {
		wait := time.Duration(0)
		l.mu.Lock()
		who := l.who
		l.mu.Unlock()
		p.mu.Lock()
		for _, h := range p.held {
			if h.who == "" || h.who == who {
				wait = max(wait, time.Until(h.until))
			}
		}
		p.mu.Unlock()
		if wait <= 0 {
			return
		}
		<-time.After(wait)
	}
}

// cut closes the connections of a client, or of all, and says how many there were.
func (p *proxy) cut(who string) int {
	links := p.of(who)
	for _, l := range links {
		l.end()
	}
	return len(links)
}

// hold lets nothing of a client, or of all, pass for a while, and says how many connections it has.
func (p *proxy) hold(who string, d time.Duration) int {
	n := len(p.of(who))
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	kept := p.held[:0]
	for _, h := range p.held {
		if h.until.After(now) {
			kept = append(kept, h)
		}
	}
	p.held = append(kept, hold{who, now.Add(d)})
	return n
}

// of are the connections of a client, or of all.
func (p *proxy) of(who string) []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	var links []*link
	for l := range p.links {
		l.mu.Lock()
		if who == "" || l.who == who {
			links = append(links, l)
		}
		l.mu.Unlock()
	}
	return links
}

// lose loses the answer to the next request of a kind, and tells when it did.
func (p *proxy) lose(word string, hit func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = append(p.armed, &loss{word, hit})
}

// disarm takes back what was not hit.
func (p *proxy) disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed, p.over = nil, true
}

// take takes the first loss that waits for a request.
func (p *proxy) take(word string) *loss {
	if word == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, loss := range p.armed {
		if loss.word == word {
			p.armed = append(p.armed[:i:i], p.armed[i+1:]...)
			return loss
		}
	}
	return nil
}

// kafka reads requests and answers of the Kafka protocol: a length, and behind it in a request the number of its kind,
// its version, a number that its answer begins with, and the client's id, which Tidemark makes of role and instance.
var kafka = dialect{
	request: func(r *bufio.Reader) (message []byte, word, who string, number uint32, err error) {
		if message, err = frame(r, 14); err != nil {
			return nil, "", "", 0, err
		}
		word = requests[binary.BigEndian.Uint16(message[4:])]
		number = binary.BigEndian.Uint32(message[8:]) + 1 // 0 is no answer's
		if n := int(int16(binary.BigEndian.Uint16(message[12:]))); n > 0 && 14+n <= len(message) {
			if id := string(message[14 : 14+n]); strings.HasPrefix(id, "tidemark-") {
				who = id[strings.LastIndexByte(id, '-')+1:]
			}
		}
		return message, word, who, number, nil
	},
	answer: func(r *bufio.Reader) (message []byte, number uint32, err error) {
		if message, err = frame(r, 8); err != nil {
			return nil, 0, err
		}
		return message, binary.BigEndian.Uint32(message[4:]) + 1, nil
	},
}

// requests are those whose answer is to be lost: https://kafka.apache.org/protocol#protocol_api_keys
var requests = map[uint16]string{0: "Produce", 8: "OffsetCommit", 26: "EndTxn", 28: "TxnOffsetCommit"}

// maxFrame is more than any request or answer has.
const maxFrame = 256 << 20

func frame(r *bufio.Reader, least int) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, err
	}
	n := 4 + int(binary.BigEndian.Uint32(head))
	if n < least || n > maxFrame {
		return nil, errors.New("not Kafka's protocol")
	}
	message := make([]byte, n)
	_, err = io.ReadFull(r, message)
	return message, err
}

// objects passes on what comes as it comes. Clients of it send a request when the one before was answered.
var objects = dialect{
	request: func(r *bufio.Reader) (message []byte, word, who string, number uint32, err error) {
		message, err = some(r)
		word, _, _ = strings.Cut(string(message[:min(len(message), 8)]), " ")
		return message, word, "", 1, err
	},
	answer: func(r *bufio.Reader) (message []byte, number uint32, err error) {
		message, err = some(r)
		if strings.HasPrefix(string(message[:min(len(message), 12)]), "HTTP/1.1 100") {
			return message, 0, err // the request itself is still to come
		}
		return message, 1, err
	},
}

// some reads what is there, at least one byte.
func some(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, err
	}
	message := make([]byte, r.Buffered())
	_, err := io.ReadFull(r, message)
	return message, err
}
