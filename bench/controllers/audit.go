package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// request is what the manager asked of the server, as it is counted.
type request struct {
	By      string // the controller, as its user agent ends
	Verb    string
	What    string // the resource, with the subresource if there is one
	Refused bool
}

// writes reports that the request changes something.
func (r request) writes() bool {
	switch r.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return !strings.HasPrefix(r.What, "selfsubject") && !strings.HasPrefix(r.What, "subjectaccess")
	}
	return false
}

// tally counts the requests in an audit log that grows.
type tally struct {
	path   string
	offset int64
	counts map[request]int
}

// read counts what has been written since it was called last, and says how many writes were among that.
func (t *tally) read() (writes int, err error) {
	file, err := os.Open(t.path)
	if os.IsNotExist(err) {
		return 0, nil // it is made with its first line
	}
	if err != nil {
		return 0, fmt.Errorf("reading the audit log: %w", err)
	}
	defer func() { _ = file.Close() }() // It was only read.
	if _, err := file.Seek(t.offset, io.SeekStart); err != nil {
		return 0, fmt.Errorf("reading the audit log: %w", err)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return 0, fmt.Errorf("reading the audit log: %w", err)
	}
	end := bytes.LastIndexByte(text, '\n') + 1 // the last line may still be being written
	t.offset += int64(end)
	for line := range bytes.Lines(text[:end]) {
		r, err := requestOf(line)
		if err != nil {
			return writes, err
		}
		t.counts[r]++
		if r.writes() {
			writes++
		}
	}
	return writes, nil
}

// requestOf reads a line of an audit log.
func requestOf(line []byte) (request, error) {
	var event auditv1.Event
	if err := json.Unmarshal(line, &event); err != nil {
		return request{}, fmt.Errorf("reading the audit log: %w", err)
	}
	r := request{By: event.UserAgent[strings.LastIndexByte(event.UserAgent, '/')+1:], Verb: event.Verb}
	if o := event.ObjectRef; o != nil {
		r.What = o.Resource
		if o.Subresource != "" {
			r.What += "/" + o.Subresource
		}
	}
	r.Refused = event.ResponseStatus != nil && event.ResponseStatus.Code >= http.StatusBadRequest
	return r, nil
}
