package suite

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"time"
)

// progress tells of tests as they end, by reading what Ginkgo prints:
//
//   - [FAILED] [60.989 seconds]
//     [sig-apps] ReplicationController [It] should surface ... [Conformance] [sig-apps, Conformance]
type progress struct {
	say            func(format string, args ...any)
	total          int
	ended, failing int
}

// ending is the first of the two lines. Skipped tests are marked S; those that were not chosen have no such line.
var ending = regexp.MustCompile(`^([•S]) (?:\[([A-Z ]+)\] )?\[([0-9.]+) seconds\]`)

// beginning is how the line begins that says which test is running, behind a rule.
var beginning = regexp.MustCompile(`^(\[sig-|External Storage )`)

// labels are what Ginkgo adds to a name.
var labels = regexp.MustCompile(` \[[^\[\]]*, [^\[\]]*\]$`)

// rule is the line between tests.
const rule = "------------------------------"

// reading returns a writer that passes on to another what Ginkgo prints.
func (p *progress) reading(log io.Writer) io.Writer { return &follower{progress: p, log: log} }

type follower struct {
	progress *progress
	log      io.Writer
	line     []byte
	before   string   // the line before this one
	begun    string   // the name of the test that began last
	state    []string // how a test ended whose name is awaited
}

func (f *follower) Write(b []byte) (int, error) {
	for rest := b; ; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		// A run of marks for tests that were not chosen is one line of kilobytes.
		f.line = append(f.line, line...)
		if !ended {
			break
		}
		f.read(string(f.line))
		f.line, rest = f.line[:0], after
	}
	return f.log.Write(b)
}

func (f *follower) read(line string) {
	switch {
	case f.state != nil && line == rule:
		f.progress.tell(f.state, f.begun)
		f.state = nil
	case f.state != nil:
		f.progress.tell(f.state, line)
		f.state = nil
	case f.before == rule && beginning.MatchString(line):
		f.begun = line
	default:
		f.state = ending.FindStringSubmatch(line)
	}
	f.before = line
}

// tell tells of one test.
func (p *progress) tell(state []string, name string) {
	outcome := Passed
	switch {
	case state[1] == "S":
		outcome = Skipped
	case state[2] != "":
		outcome = strings.ToUpper(state[2])
		p.failing++
	}
	p.ended++
	seconds, err := time.ParseDuration(state[3] + "s")
	if err != nil {
		seconds = 0
	}
	p.say("%3d/%d, %d failed  %-8s %5.1f s  %s", p.ended, p.total, p.failing, outcome, seconds.Seconds(), specName(name))
}

// specName is a test's name, without what Ginkgo adds.
func specName(line string) string {
	return strings.Replace(labels.ReplaceAllString(line, ""), "[It] ", "", 1)
}
