package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/orrery-dev/orrery/scaffold/tree"
)

// Result is what a command would do to a project.
type Result struct {
	// Changes are those of files.
	Changes tree.Changes
	// Notes are what a person has to know, or see to.
	Notes []string
}

// Run carries a command out on a copy of the project in a folder, and returns what became of that. The project is as it was; to
// change it, apply the changes. The command's flags have been parsed by then.
//
// It changes the working directory of the process while it runs.
func Run(folder string, c Command) (*Result, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	before, err := tree.Read(folder)
	if err != nil {
		return nil, err
	}
	var result Result
	err = inCopy(folder, before, func() error {
		result.Notes, err = quietly(func() ([]string, error) {
			notes, err := c.do(folder)
			if err != nil {
				return nil, err
			}
			return notes, remember(folder)
		})
		if err != nil {
			return err
		}
		after, err := tree.Read(".")
		result.Changes = tree.Compare(before, after)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &result, nil
}

// inCopy calls do where a copy of a folder is the working directory. The copy is beside the folder, so that paths such as ../x
// lead where they did; where nothing may be made there, it is among temporary files.
func inCopy(folder string, files tree.Tree, do func() error) (err error) {
	copied, err := os.MkdirTemp(filepath.Dir(folder), ".orrery-scaffold-")
	if err != nil {
		copied, err = os.MkdirTemp("", "orrery-scaffold-")
	}
	if err != nil {
		return fmt.Errorf("making room for a copy of the project: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(copied)) }()
	if err := files.Write(copied); err != nil {
		return fmt.Errorf("copying the project: %w", err)
	}
	home, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.Chdir(copied); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Chdir(home)) }()
	return do()
}

// quietly calls do while kubebuilder's plugins neither log nor print: what is written, changes say.
func quietly(do func() ([]string, error)) ([]string, error) {
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = nowhere.Close() }()
	log, out := slog.Default(), os.Stdout
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Stdout = nowhere
	defer func() {
		slog.SetDefault(log)
		os.Stdout = out
	}()
	return do()
}

// generate brings what is generated in a project up to its types and markers, after its go.mod.
func generate() error {
	if err := tidy(); err != nil {
		return err
	}
	return run("make", "manifests", "generate")
}

// run runs a program in the working directory. What it says is told when it fails. A workspace of Go, where there is one, has the
// project as a module and not this copy of it: so it does not count.
func run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running %s: %w; nothing was written. It said:\n%s", strings.Join(append([]string{name}, args...), " "), err, said.String())
	}
	return nil
}
