package env

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// fileKey returns the value that a file in a volume gives to a key. One that is empty is none, as with a kubelet.
func (in *Input) fileKey(ref *corev1.FileKeySelector) (value string, present bool, err error) {
	optional := ref.Optional != nil && *ref.Optional
	if in.Open == nil {
		return "", false, nil
	}
	file, err := in.Open(ref.VolumeName, ref.Path)
	if errors.Is(err, fs.ErrNotExist) && optional {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("reading file %q of volume %q: %w", ref.Path, ref.VolumeName, err)
	}
	value, err = valueIn(file, ref.Key)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", false, fmt.Errorf("couldn't parse env file %q of volume %q: %w", ref.Path, ref.VolumeName, err)
	}
	if value == "" && !optional {
		return "", false, fmt.Errorf("environment variable key %q not found in file %q of volume %q", ref.Key, ref.Path, ref.VolumeName)
	}
	return value, value != "", nil
}

// valueIn finds a key in the lines of a file, which are NAME='value', with comments after a #. Within the quotes all is literal,
// also the ends of lines. What comes after the key is not looked at.
func valueIn(file io.Reader, key string) (string, error) {
	lines := &numbered{Scanner: bufio.NewScanner(file)}
	for lines.next() {
		line := strings.TrimLeft(lines.Text(), blank)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, err := lines.assignment(line)
		if err != nil {
			return "", err
		}
		if name == key {
			return value, nil
		}
	}
	return "", lines.Err()
}

const blank = " \t"

// numbered knows at which line it is.
type numbered struct {
	*bufio.Scanner
	line int
}

func (n *numbered) next() bool {
	n.line++
	return n.Scan()
}

func (n *numbered) wrong(line int, what string) error {
	return fmt.Errorf("invalid environment variable format at line %d: %s", line, what)
}

// assignment reads one that begins in a line, to the end of its value.
func (n *numbered) assignment(line string) (name, value string, err error) {
	begin := n.line
	name, rest, found := strings.Cut(line, "=")
	switch {
	case !found:
		return "", "", n.wrong(begin, "missing '='")
	case strings.Trim(name, blank) == "":
		return "", "", n.wrong(begin, "empty variable name")
	case strings.TrimRight(name, blank) != name:
		return "", "", n.wrong(begin, "whitespace before '=' is not allowed")
	case strings.TrimLeft(rest, blank) != rest: // what follows is, to a shell, no part of the assignment
		return name, "", nil
	case !strings.HasPrefix(rest, "'"):
		return "", "", n.wrong(begin, "value must be enclosed in single quotes")
	}
	rest = rest[1:]
	for {
		text, after, closed := strings.Cut(rest, "'")
		value += text
		if closed {
			if after = strings.TrimLeft(after, blank); after != "" && after[0] != '#' {
				return "", "", n.wrong(n.line, "unexpected content after closing quote")
			}
			return name, value, nil
		}
		value += "\n"
		if !n.next() {
			return "", "", errors.Join(n.Err(), n.wrong(begin, "unclosed single quote"))
		}
		rest = n.Text()
	}
}
