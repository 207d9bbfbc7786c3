package tree

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Labels are what the three sides of a merge are called where they conflict.
type Labels struct{ Ours, Base, Theirs string }

// Merge merges three ways: it makes in ours the changes from base to theirs. Where both have changed the same lines differently, the
// merged text has both, and those of base, between the markers of git; and conflicts is true. It runs git, which need know no
// repository.
func Merge(ours, base, theirs string, labels Labels) (merged string, conflicts bool, err error) {
	dir, err := os.MkdirTemp("", "orrery-merge-")
	if err != nil {
		return "", false, fmt.Errorf("making room for a merge: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	args := []string{"merge-file", "--stdout", "--diff3", "-L", labels.Ours, "-L", labels.Base, "-L", labels.Theirs}
	for name, text := range map[string]string{"ours": ours, "base": base, "theirs": theirs} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return "", false, fmt.Errorf("writing what is to be merged: %w", err)
		}
	}
	cmd := exec.Command("git", append(args, "ours", "base", "theirs")...)
	cmd.Dir = dir
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err = cmd.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return out.String(), false, nil
	case errors.As(err, &ended) && ended.ExitCode() > 0 && ended.ExitCode() <= maxConflicts:
		return out.String(), true, nil
	case errors.Is(err, exec.ErrNotFound):
		return "", false, errors.New("git merges what was edited, and there is none: install git")
	}
	return "", false, fmt.Errorf("running git merge-file: %w: %s", err, bytes.TrimSpace(said.Bytes()))
}

// maxConflicts is what git merge-file ends with at most to say how many there are; what is greater is an error.
const maxConflicts = 127
