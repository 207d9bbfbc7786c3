package scaffold

import (
	"fmt"
	"go/format"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/afero"
	"golang.org/x/tools/imports"
)

// insertion adds a line to a list that stands in a file, as an import or a line of a table.
type insertion struct {
	file  string
	among *regexp.Regexp // the lines of the list
	line  string
	place place
}

// place is where in a list a line goes.
type place bool

const (
	sorted place = false // before the first line that is greater
	last   place = true
)

// into adds the line to a text, unless it is there already.
func (i insertion) into(text string) (string, error) {
	all := strings.Split(text, "\n")
	if slices.Contains(all, i.line) {
		return text, nil
	}
	at := -1
	for n, line := range all {
		if !i.among.MatchString(line) {
			continue
		}
		if at = n + 1; i.place == sorted && line > i.line {
			at = n
			break
		}
	}
	if at < 0 {
		return "", fmt.Errorf("adding to %s: there is no line that looks as %s: add %q by hand", i.file, i.among, strings.TrimSpace(i.line))
	}
	return strings.Join(slices.Insert(all, at, i.line), "\n"), nil
}

// insertAll makes insertions, and sorts the imports of what is Go.
func insertAll(fs afero.Fs, all ...insertion) error {
	for _, i := range all {
		old, err := afero.ReadFile(fs, i.file)
		if err != nil {
			return fmt.Errorf("reading %s: %w", i.file, err)
		}
		text, err := i.into(string(old))
		if err != nil {
			return err
		}
		if err := writeSorted(fs, i.file, []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// writeSorted writes a file, with its imports in order if it is one of Go. It leaves their groups as they are.
func writeSorted(fs afero.Fs, path string, text []byte) (err error) {
	if strings.HasSuffix(path, ".go") {
		if text, err = format.Source(text); err != nil {
			return fmt.Errorf("formatting %s: %w", path, err)
		}
	}
	return afero.WriteFile(fs, path, text, 0o644)
}

// writeFormatted writes a file, which is formatted first if it is one of Go.
func writeFormatted(fs afero.Fs, path string, text []byte) (err error) {
	if strings.HasSuffix(path, ".go") {
		if text, err = imports.Process(path, text, &imports.Options{Comments: true, TabIndent: true, TabWidth: 8, FormatOnly: true}); err != nil {
			return fmt.Errorf("formatting %s: %w", path, err)
		}
	}
	return afero.WriteFile(fs, path, text, 0o644)
}
