package naming

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"

	"k8s.io/apiserver/pkg/endpoints/responsewriter"
)

// answer is the way back of one request: it spells what the server says by the first name as the second does. An answer is
// gathered and translated whole, but for that to a watch, which is translated line by line as it comes.
type answer struct {
	http.ResponseWriter
	target target
	yaml   bool

	code  int
	form  form
	bytes bytes.Buffer // what has not been translated yet
	err   error        // why nothing more can be sent
}

// form is how an answer is translated. It is known when the server begins to answer.
type form int

const (
	unknown form = iota
	untouched
	whole
	lines
)

var _ responsewriter.UserProvidedDecorator = (*answer)(nil)

// Unwrap returns the writer below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader notes the status code, and sends it on unless the answer is to be translated whole.
func (a *answer) WriteHeader(code int) {
	if code < http.StatusOK { // more is to come
		a.ResponseWriter.WriteHeader(code)
		return
	}
	if a.form != unknown {
		return
	}
	a.code, a.form = code, a.formOf(a.Header())
	if a.form != untouched {
		a.Header().Del("Content-Length")
	}
	if a.form != whole {
		a.ResponseWriter.WriteHeader(code)
	}
}

func (a *answer) formOf(header http.Header) form {
	media, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case err != nil || media != mediaJSON:
		return untouched
	case parameters["stream"] == "watch" || header.Get("Transfer-Encoding") == "chunked":
		return lines
	default:
		return whole
	}
}

// Write takes a part of the answer.
func (a *answer) Write(data []byte) (int, error) {
	if a.form == unknown {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.err != nil:
		return 0, a.err
	case a.form == untouched:
		return a.ResponseWriter.Write(data)
	}
	a.bytes.Write(data)
	if a.form == lines {
		a.err = a.sendLines()
	}
	return len(data), a.err
}

// sendLines sends the lines that have come to an end: each is one event of a watch.
func (a *answer) sendLines() error {
	for {
		end := bytes.IndexByte(a.bytes.Bytes(), '\n')
		if end < 0 {
			return nil
		}
		if _, err := a.ResponseWriter.Write(toSecond(a.bytes.Next(end+1), a.target.kind)); err != nil {
			return err
		}
	}
}

// Flush sends what can be sent by now.
func (a *answer) Flush() {
	if a.form == whole {
		return
	}
	if flusher, ok := a.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}

// finish sends the rest, when the server has said all.
func (a *answer) finish() {
	if a.err != nil || a.form == unknown || a.form == untouched {
		return
	}
	data := toSecond(a.bytes.Bytes(), a.target.kind)
	if a.form == lines { // a watch that broke off within an event
		_, _ = a.ResponseWriter.Write(data)
		return
	}
	if a.yaml {
		if converted, err := jsonToYAML(data); err == nil {
			a.Header().Set("Content-Type", mediaYAML)
			data = converted
		}
	}
	a.Header().Set("Content-Length", fmt.Sprint(len(data)))
	a.ResponseWriter.WriteHeader(a.code)
	// Whether it arrived is for the client to find out: there is nobody left here to tell.
	_, _ = a.ResponseWriter.Write(data)
}
