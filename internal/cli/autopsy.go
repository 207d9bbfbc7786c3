package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/instance"
)

var (
	// crash is a line with which Go says of what a program dies. The stacks after it are for whoever reads the log.
	crash = regexp.MustCompile(`^(panic: |fatal error: |unexpected fault address )`)
	// storage is where etcd reads its data.
	storage = regexp.MustCompile(`go\.etcd\.io/(bbolt|etcd/server/v3/(storage|etcdserver))`)
)

// lastLines is how much of a log is shown of a process that says nothing better.
const lastLines = 5

// autopsy says in a sentence of what a process died that ended without a word, by its log from a place on.
func autopsy(inst *instance.Instance, from int64) error {
	file, err := os.Open(inst.Log())
	if err != nil {
		return errSilent
	}
	defer func() { _ = file.Close() }() // read only
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return errSilent
	}
	cause, inStorage, last := examine(file)
	switch {
	case cause != "" && inStorage:
		return fmt.Errorf("the data in %s is damaged: etcd ended reading it (%s): restore the directory from a copy, or give up all that is stored with '%s'; more is in %s",
			inst.Path("apiserver", "etcd"), cause, inst.Command("reset --yes"), inst.Log())
	case cause != "":
		return fmt.Errorf("%w: %s: this is a fault of the program, told in full in %s", errSilent, cause, inst.Log())
	case len(last) > 0:
		return fmt.Errorf("%w; its last words in %s:\n%s", errSilent, inst.Log(), strings.Join(last, "\n"))
	default:
		return fmt.Errorf("%w without a word: somebody killed it, or there was too little memory", errSilent)
	}
}

// examine finds the line of a crash, and whether the stack that crashed was reading what is stored; and the last lines.
func examine(log io.Reader) (cause string, inStorage bool, last []string) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if cause == "" && crash.MatchString(line) {
			cause = line
		}
		inStorage = inStorage || cause != "" && storage.MatchString(line)
		if last = append(last, line); len(last) > lastLines {
			last = last[1:]
		}
	}
	return cause, inStorage, last
}
