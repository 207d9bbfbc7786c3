package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Path is where a running instance tells its journal: a line of JSON for each [Entry]. The query's after is the number of the last
// entry that is known; with follow=true the answer goes on with what comes, until the client leaves.
const Path = "/journal"

// Question is the path and the query by which to ask for what came after a number.
func Question(after uint64, follow bool) string {
	query := url.Values{"after": {strconv.FormatUint(after, 10)}}
	if follow {
		query.Set("follow", "true")
	}
	return Path + "?" + query.Encode()
}

// ServeHTTP answers as Path says.
func (j *Journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	if err != nil && r.URL.Query().Has("after") {
		http.Error(w, fmt.Sprintf("after=%s is not the number of an entry", r.URL.Query().Get("after")), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	encoder := json.NewEncoder(w)
	for {
		entries, grown := j.After(after)
		for _, e := range entries {
			if encoder.Encode(e) != nil {
				return // the client has gone away
			}
			after = e.Number
		}
		if r.URL.Query().Get("follow") != "true" || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-grown:
		case <-r.Context().Done():
			return
		}
	}
}

// longest is how long a line may be: a plan for thousands of objects is one.
const longest = 16 << 20

// Read reads what ServeHTTP writes, to its end, and hands each entry to f.
func Read(from io.Reader, f func(Entry)) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, longest)
	for lines.Scan() {
		var e Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("reading an entry of the journal: %w", err)
		}
		f(e)
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // an instance that ends cuts its answer short
		return fmt.Errorf("reading the journal: %w", err)
	}
	return nil
}
