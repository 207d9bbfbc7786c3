package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const page = "../../docs/adding-a-kind.md"

var blocks = regexp.MustCompile("(?s)```go\n(.*?)```")

// Every block of Go on the page that writes this example stands in one of its files, line by line.
func TestThePageSaysWhatTheCodeDoes(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	files := sources(t)
	found := blocks.FindAllStringSubmatch(string(text), -1)
	if len(found) < 5 {
		t.Fatalf("the page has %d blocks of Go", len(found))
	}
	for _, block := range found {
		code := unindented(block[1])
		stands := false
		for _, file := range files {
			stands = stands || strings.Contains(file, code)
		}
		if !stands {
			t.Errorf("no file of this example holds what stands on the page:\n%s", block[1])
		}
	}
}

// Every file that the page speaks of by its place here is there.
func TestThePageNamesFilesThatAreThere(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`examples/jobhistory[\w./-]*\w`).FindAllString(string(text), -1) {
		if _, err := os.Stat(filepath.Join("..", "..", name)); err != nil {
			t.Errorf("the page speaks of %s: %v", name, err)
		}
	}
}

// sources are the files of this example, without indentation.
func sources(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		all = append(all, unindented(string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unindented is code whose lines begin where their text does.
func unindented(code string) string {
	lines := strings.Split(code, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, "\t ")
	}
	return strings.Join(lines, "\n")
}
