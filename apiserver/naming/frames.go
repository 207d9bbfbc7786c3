package naming

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"net"
	"net/http"

	"github.com/orrery-dev/orrery/apis"
)

// Hijack hands over the connection, for a watch by websocket.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	f := &frames{Conn: conn, kind: a.kind}
	return f, bufio.NewReadWriter(buffered.Reader, bufio.NewWriter(f)), nil
}

// frames is the connection of a watch by websocket (RFC 6455): it spells the events, of which each is a frame, by the second
// name. What the client says is nobody's object.
type frames struct {
	net.Conn
	kind apis.Kind

	upgraded bool   // the answer to the handshake has passed
	held     []byte // what is no whole frame yet
}

// Write takes a part of what the server says.
func (f *frames) Write(data []byte) (int, error) {
	f.held = append(f.held, data...)
	var out []byte
	if !f.upgraded {
		const end = "\r\n\r\n"
		i := bytes.Index(f.held, []byte(end))
		if i < 0 {
			return len(data), nil
		}
		f.upgraded = true
		out, f.held = append(out, f.held[:i+len(end)]...), f.held[i+len(end):]
	}
	for {
		header, size, ok := frameOf(f.held)
		if !ok || len(f.held) < header+size {
			break
		}
		out = f.spell(out, f.held[:header], f.held[header:header+size])
		f.held = f.held[header+size:]
	}
	if _, err := f.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(data), nil
}

// spell appends a frame, with its event as the second name has it.
func (f *frames) spell(out, header, payload []byte) []byte {
	const wholeText, wholeBinary, masked = 0x81, 0x82, 0x80
	if header[0] != wholeText && header[0] != wholeBinary || header[1]&masked != 0 {
		return append(append(out, header...), payload...)
	}
	payload = toSecond(payload, f.kind)
	out = append(out, header[0])
	switch size := len(payload); {
	case size < 126:
		out = append(out, byte(size))
	case size < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, 126), uint16(size))
	default:
		out = binary.BigEndian.AppendUint64(append(out, 127), uint64(size))
	}
	return append(out, payload...)
}

// frameOf reads the header of a frame: how long it is, and the payload after it. ok is false if it is not there as a whole.
func frameOf(data []byte) (header, size int, ok bool) {
	if len(data) < 2 {
		return 0, 0, false
	}
	const masked = 0x80
	switch header, size = 2, int(data[1]&^masked); size {
	case 126:
		if header = 4; len(data) >= header {
			size = int(binary.BigEndian.Uint16(data[2:]))
		}
	case 127:
		if header = 10; len(data) >= header {
			size = int(binary.BigEndian.Uint64(data[2:]))
		}
	}
	if data[1]&masked != 0 {
		header += 4
	}
	return header, size, len(data) >= header
}
