package naming

import (
	"bytes"
	"io"

	"github.com/orrery-dev/orrery/apis"
)

// largestBody is the size from which on a body is not translated as a whole: the API server refuses more than this.
const largestBody = 3 << 20

// spelledBody is the body of a request as the first name has it. Nothing is read before somebody behind the door reads, and by
// then the sender is known and let in.
type spelledBody struct {
	io.Closer
	read func(p []byte) (int, error)
}

// Read implements io.Reader.
func (b spelledBody) Read(p []byte) (int, error) { return b.read(p) }

// inPieces translates a body while it is read.
func inPieces(body io.ReadCloser) io.ReadCloser {
	s := newSpeller(apis.Kubernetes, "", object)
	piece := make([]byte, 0)
	var ended error
	return spelledBody{Closer: body, read: func(p []byte) (int, error) {
		for {
			ready := s.ready()
			if ended != nil {
				ready = s.out
			}
			if n := copy(p, ready); n > 0 || len(p) == 0 {
				s.taken(n)
				return n, nil
			}
			if ended != nil {
				return 0, ended
			}
			if cap(piece) == 0 {
				piece = make([]byte, 8<<10)
			}
			var n int
			n, ended = body.Read(piece)
			s.write(piece[:n])
		}
	}}
}

// asWhole translates a body that has to be there as a whole for that. One that is larger than the server takes goes on as it
// is, to be refused there.
func asWhole(body io.ReadCloser, spell func([]byte) []byte) io.ReadCloser {
	var spelled io.Reader
	return spelledBody{Closer: body, read: func(p []byte) (int, error) {
		if spelled == nil {
			data, err := io.ReadAll(io.LimitReader(body, largestBody+1))
			switch {
			case err != nil:
				return 0, err
			case len(data) > largestBody:
				spelled = io.MultiReader(bytes.NewReader(data), body)
			default:
				spelled = bytes.NewReader(spell(data))
			}
		}
		return spelled.Read(p)
	}}
}
