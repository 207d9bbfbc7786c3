package server

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"
)

// Limits of a query; the kubelet's.
const (
	maxServices      = 4
	maxServiceLength = 256
	maxTailLines     = 100000
)

// logQuery asks for logs of the node: of services, or one file.
type logQuery struct {
	services []string
	// file is below the log directory.
	file         string
	since, until time.Time // zero: not limited
	tail         *int
	boot         *int
	pattern      string
}

// unsafe is what no service has in its name; names become arguments of a command.
var unsafe = regexp.MustCompile(`[^a-zA-Z\-_.:0-9@]`)

// parseLogQuery reads a query; asked is false where there is none.
func parseLogQuery(values url.Values) (q logQuery, asked bool, err error) {
	var errs []error
	names, named := values["query"]
	for _, name := range names {
		switch {
		case strings.ContainsAny(name, `/\`) && q.file != "":
			errs = append(errs, errors.New("query: cannot specify more than one file"))
		case strings.ContainsAny(name, `/\`):
			q.file = name
		case strings.TrimSpace(name) != "":
			q.services = append(q.services, name)
		}
	}
	q.since, errs = moment(values, "sinceTime", errs)
	q.until, errs = moment(values, "untilTime", errs)
	q.boot, errs = integer(values, "boot", errs)
	q.tail, errs = integer(values, "tailLines", errs)
	q.pattern = values.Get("pattern")
	asked = named || q.limited() || len(errs) > 0
	return q, asked, errors.Join(append(errs, q.check()...)...)
}

func moment(values url.Values, name string, errs []error) (time.Time, []error) {
	text := values.Get(name)
	if text == "" {
		return time.Time{}, errs
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		errs = append(errs, fmt.Errorf("%s: %q: invalid time format", name, text))
	}
	return at, errs
}

func integer(values url.Values, name string, errs []error) (*int, []error) {
	text := values.Get(name)
	if text == "" {
		return nil, errs
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		return nil, append(errs, fmt.Errorf("%s: %q is not a number", name, text))
	}
	return &number, errs
}

// limited says whether there is more to the query than what to read.
func (q logQuery) limited() bool {
	return !q.since.IsZero() || !q.until.IsZero() || q.tail != nil || q.boot != nil || q.pattern != ""
}

// relative is the file's path within the log directory.
func (q logQuery) relative() string { return strings.TrimPrefix(q.file, "/") }

func (q logQuery) check() (errs []error) {
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, name := range q.services {
		if len(name) > maxServiceLength {
			wrong("query: %q: length must be less than %d", name, maxServiceLength)
		}
		if unsafe.MatchString(name) {
			wrong("query: %q: input contains unsupported characters", name)
		}
	}
	switch {
	case len(q.services) > maxServices:
		wrong("query: must have at most %d items", maxServices)
	case q.file == "" && len(q.services) == 0:
		wrong("query: may not be empty")
	case q.file != "" && len(q.services) > 0:
		wrong("query: cannot specify a file and service")
	case q.file != "" && q.limited():
		wrong("query: cannot specify file with options")
	}
	if !q.since.IsZero() && !q.until.IsZero() && q.since.After(q.until) {
		wrong("untilTime: must be after `sinceTime`")
	}
	if q.boot != nil && *q.boot > 0 {
		wrong("boot: %d: must be less than 1", *q.boot)
	}
	if q.tail != nil && (*q.tail < 0 || *q.tail > maxTailLines) {
		wrong("tailLines: %d: must be between 0 and %d, inclusive", *q.tail, maxTailLines)
	}
	if _, err := syntax.Parse(q.pattern, syntax.Perl); err != nil {
		wrong("pattern: %q: %w", q.pattern, err)
	}
	return errs
}

// arguments are those of journalctl, for services that the journal knows.
func (q logQuery) arguments(services []string) []string {
	const layout = "2006-1-2 15:4:5" // which the journal reads as the machine's own time
	arguments := []string{"--utc", "--no-pager", "--output=short-precise"}
	if !q.since.IsZero() {
		arguments = append(arguments, "--since="+q.since.Local().Format(layout))
	}
	if !q.until.IsZero() {
		arguments = append(arguments, "--until="+q.until.Local().Format(layout))
	}
	if q.tail != nil {
		arguments = append(arguments, "--pager-end", fmt.Sprintf("--lines=%d", *q.tail))
	}
	for _, service := range services {
		arguments = append(arguments, "--unit="+service)
	}
	if q.pattern != "" {
		arguments = append(arguments, "--grep="+q.pattern)
	}
	if q.boot != nil {
		arguments = append(arguments, "--boot", strconv.Itoa(*q.boot))
	}
	return arguments
}
