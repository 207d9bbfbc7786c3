package naming

import (
	"compress/gzip"
	"net/http"

	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
)

// large is the size from which on an answer is compressed, as the API server does by the first name.
const large = 128 << 10

// gzips are used again: each holds more than half a megabyte.
var gzips = responsewriters.NewGzipWriterPoolOrDie()

// compressor sends an answer, compressed if the client reads that and it is large.
type compressor struct {
	http.ResponseWriter
	code   int
	wanted bool

	held  []byte // until it is known whether the answer is large
	begun bool
	gzip  *gzip.Writer // nil: as it is
}

// Write takes a part of the answer.
func (c *compressor) Write(data []byte) (int, error) {
	switch {
	case c.begun:
	case c.wanted && len(c.held)+len(data) <= large:
		c.held = append(c.held, data...)
		return len(data), nil
	default:
		c.begin(c.wanted)
	}
	if c.gzip != nil {
		return c.gzip.Write(data)
	}
	return c.ResponseWriter.Write(data)
}

// begin sends the header, and what has been held.
func (c *compressor) begin(compressed bool) {
	if c.begun {
		return
	}
	c.begun = true
	if compressed {
		c.Header().Set("Content-Encoding", "gzip")
		c.Header().Add("Vary", "Accept-Encoding")
		c.gzip, _ = gzips.Get().(*gzip.Writer)
		c.gzip.Reset(c.ResponseWriter)
	}
	c.WriteHeader(c.code)
	if len(c.held) > 0 {
		_, _ = c.Write(c.held) // the next part will meet the same error
		c.held = nil
	}
}

// close sends the rest.
func (c *compressor) close() {
	c.begin(false)
	if c.gzip == nil {
		return
	}
	_ = c.gzip.Close() // as above, and there is no next part
	c.gzip.Reset(nil)
	gzips.Put(c.gzip)
}
