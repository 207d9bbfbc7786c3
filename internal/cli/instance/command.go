package instance

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// DefaultName is the instance of a person who needs only one.
const DefaultName = "orrery"

// program is how a person can start this program from any folder: as it was started if the shell finds it by that, or else by its
// whole path.
var program = func() string {
	called := os.Args[0]
	if !strings.ContainsRune(called, filepath.Separator) {
		if _, err := exec.LookPath(called); err == nil {
			return called
		}
	}
	if path, err := os.Executable(); err == nil {
		return path
	}
	return called
}()

// Command is what to type in any folder for a command of this program about this instance, as in "orrery --name second status".
func (i *Instance) Command(words string) string {
	command := []string{quoted(program)}
	if dir := filepath.Dir(i.Dir); dir != DefaultDataDir() {
		command = append(command, "--data-dir", quoted(dir))
	}
	if i.Name != DefaultName {
		command = append(command, "--name", i.Name)
	}
	return strings.Join(append(command, words), " ")
}

// Line is a command line as a shell wants it.
func Line(words ...string) string {
	line := make([]string, len(words))
	for i, word := range words {
		line[i] = quoted(word)
	}
	return strings.Join(line, " ")
}

// plain are words that a shell takes as they are.
var plain = regexp.MustCompile(`^[-+,./:=@_a-zA-Z0-9]+$`)

// quoted is a word as a shell wants it.
func quoted(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
