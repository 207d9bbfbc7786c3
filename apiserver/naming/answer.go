package naming

import (
	"bytes"
	"mime"
	"net/http"
	"slices"

	"k8s.io/apiserver/pkg/endpoints/responsewriter"

	"github.com/orrery-dev/orrery/apis"
)

// answer is the way back of one request: it spells what the server says by the first name as the second does. What comes in
// pieces, as large lists and watches do, goes on in pieces; only what is to become YAML is gathered.
type answer struct {
	http.ResponseWriter
	kind apis.Kind
	yaml bool
	// gzip says that the client reads compressed answers.
	gzip bool

	code     int // 0: nothing has been said yet
	speller  *speller
	out      *compressor
	gathered bytes.Buffer
	gathers  bool
}

// pieceSize is how much is translated at once, however much the server says at once.
const pieceSize = 32 << 10

var _ responsewriter.UserProvidedDecorator = (*answer)(nil)

// Unwrap returns the writer below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader decides how the answer is translated: what it is, is known by now.
func (a *answer) WriteHeader(code int) {
	if code < http.StatusOK { // more is to come
		a.ResponseWriter.WriteHeader(code)
		return
	}
	if a.code != 0 {
		return
	}
	a.code = code
	media, parameters, err := mime.ParseMediaType(a.Header().Get("Content-Type"))
	if err != nil || media != mediaJSON || a.Header().Get("Content-Encoding") != "" {
		a.ResponseWriter.WriteHeader(code)
		return
	}
	watched := parameters["stream"] == "watch" || a.Header().Get("Transfer-Encoding") == "chunked"
	a.Header().Del("Content-Length")
	a.speller = newSpeller(apis.Orrery, a.kind.Kind, object)
	a.gathers = a.yaml && !watched
	if a.gathers {
		a.Header().Set("Content-Type", mediaYAML)
	}
	a.out = &compressor{ResponseWriter: a.ResponseWriter, code: code, wanted: a.gzip && !watched}
	if watched {
		a.out.begin(false)
	}
}

// Write takes a part of the answer.
func (a *answer) Write(data []byte) (int, error) {
	if a.code == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.speller == nil {
		return a.ResponseWriter.Write(data)
	}
	for piece := range slices.Chunk(data, pieceSize) {
		a.speller.write(piece)
		if err := a.pass(a.speller.ready()); err != nil {
			return 0, err
		}
	}
	return len(data), nil
}

// pass sends on what has been translated, or keeps it until all is there.
func (a *answer) pass(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var err error
	if a.gathers {
		a.gathered.Write(data)
	} else {
		_, err = a.out.Write(data)
	}
	a.speller.taken(len(data))
	return err
}

// Flush sends what can be sent by now.
func (a *answer) Flush() {
	if a.gathers {
		return
	}
	if a.out != nil {
		a.out.begin(false)
	}
	if flusher, ok := a.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}

// finish sends the rest, when the server has said all. Whether it arrives is for the client to find out: there is nobody left
// here to tell.
func (a *answer) finish() {
	if a.speller == nil {
		return
	}
	if a.gathers {
		a.gathered.Write(a.speller.out)
		data := a.gathered.Bytes()
		if converted, err := jsonToYAML(data); err == nil {
			data = converted
		}
		_, _ = a.out.Write(data)
	} else if len(a.speller.out) > 0 { // an answer that broke off
		_, _ = a.out.Write(a.speller.out)
	}
	a.out.close()
}
