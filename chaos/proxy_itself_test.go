package chaos

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve answers each request of Kafka's protocol with its number, and says which kinds it carried out. Its first
// connections may be mute: they end without an answer.
func serve(t *testing.T, mute int) (address string, carriedOut chan uint16) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	carriedOut = make(chan uint16, 10)
	go func() {
		for n := 0; ; n++ {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				for from := bufio.NewReader(connection); ; {
					request, err := frame(from, 14)
					if err != nil {
						return
					}
					carriedOut <- binary.BigEndian.Uint16(request[4:])
					if n < mute {
						return
					}
					_, _ = connection.Write(append([]byte{0, 0, 0, 4}, request[8:12]...)) // the client may have gone
				}
			}()
		}
	}()
	return listener.Addr().String(), carriedOut
}

// client is a connection that asks as a Kafka client does.
type client struct {
	net.Conn
	from *bufio.Reader
}

func dial(t *testing.T, p *proxy) client {
	t.Helper()
	connection, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return client{connection, bufio.NewReader(connection)}
}

// ask sends a request and returns the number of the answer.
func (c client) ask(kind uint16, number uint32, id string) (uint32, error) {
	request := binary.BigEndian.AppendUint32(nil, uint32(10+len(id)))
	request = binary.BigEndian.AppendUint16(request, kind)
	request = binary.BigEndian.AppendUint16(request, 0)
	request = binary.BigEndian.AppendUint32(request, number)
	request = binary.BigEndian.AppendUint16(request, uint16(len(id)))
	if _, err := c.Write(append(request, id...)); err != nil {
		return 0, err
	}
	answer, err := frame(c.from, 8)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(answer[4:]), nil
}

const endTxn = 26

// A loss that is not to be, as the connection ends before the answer, is that of another request.
func TestLossIsNotWasted(t *testing.T) {
	t.Parallel()
	server, carriedOut := serve(t, 1)
	p := listen(t, kafka)
	p.pass(server)
	hit := make(chan bool, 1)
	p.lose("EndTxn", func() { hit <- true })
	if got, err := dial(t, p).ask(endTxn, 1, "tidemark-ingest-one"); err == nil || <-carriedOut != endTxn {
		t.Fatalf("the answer %d came", got)
	}
	if len(hit) > 0 {
		t.Fatal("an answer that never came was lost")
	}
	for number := uint32(2); ; number++ { // until the proxy knows of the end
		got, err := dial(t, p).ask(endTxn, number, "tidemark-ingest-one")
		<-carriedOut
		if err != nil {
			break
		}
		if got != number {
			t.Fatalf("answer %d to request %d", got, number)
		}
	}
	<-hit
}

// The proxy does what its faults say, to whom they are meant for, and nothing else.
func TestProxy(t *testing.T) {
	t.Parallel()
	server, carriedOut := serve(t, 0)
	p := listen(t, kafka)
	p.pass(server)
	one, two := dial(t, p), dial(t, p)
	for number, c := range map[uint32]client{7: one, 8: two} {
		id := map[uint32]string{7: "tidemark-ingest-one", 8: "tidemark-evaluate-two"}[number]
		if got, err := c.ask(0, number, id); got != number || err != nil || <-carriedOut != 0 {
			t.Fatalf("without a fault: answer %d (%v), want %d", got, err, number)
		}
	}

	if n := p.hold("two", 300*time.Millisecond); n != 1 {
		t.Errorf("%d connections are held, want 1", n)
	}
	begun := time.Now()
	if got, err := two.ask(0, 9, "tidemark-evaluate-two"); got != 9 || err != nil || time.Since(begun) < 250*time.Millisecond {
		t.Errorf("held: answer %d (%v) after %v", got, err, time.Since(begun))
	}
	<-carriedOut

	hit := make(chan bool, 1)
	p.lose("EndTxn", func() { hit <- true })
	if got, err := one.ask(0, 10, "tidemark-ingest-one"); got != 10 || err != nil || <-carriedOut != 0 {
		t.Errorf("a request of another kind: answer %d (%v)", got, err)
	}
	if got, err := one.ask(endTxn, 11, "tidemark-ingest-one"); err == nil {
		t.Errorf("the answer %d came", got)
	}
	if !<-hit || <-carriedOut != endTxn {
		t.Error("the request whose answer was lost was not carried out")
	}

	if n := p.cut("two"); n != 1 {
		t.Errorf("%d connections are cut, want 1", n)
	}
	if _, err := two.ask(0, 12, "tidemark-evaluate-two"); err == nil {
		t.Error("a cut connection answers")
	}
}

// The answer to a PUT is lost after the object was stored.
func TestProxyOfStore(t *testing.T) {
	t.Parallel()
	stored := make(chan int64, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body) // how much came says it
		stored <- n
	}))
	t.Cleanup(server.Close)
	p := listen(t, objects)
	p.pass(server.Listener.Addr().String())
	hit := make(chan bool, 1)
	p.lose("PUT", func() { hit <- true })
	client := http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	put := func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+p.address(), strings.NewReader(strings.Repeat("x", 200_000)))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err == nil {
			response.Body.Close()
		}
		return err
	}
	if err := put(); !errors.Is(err, io.EOF) || !<-hit || <-stored != 200_000 {
		t.Errorf("the answer that is to be lost: %v", err)
	}
	if err := put(); err != nil || <-stored != 200_000 {
		t.Errorf("the next one: %v", err)
	}
}
