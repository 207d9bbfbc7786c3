package scaffold

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/orrery-dev/orrery/scaffold/tree"
	"github.com/spf13/pflag"
)

// the module that this test belongs to stands in for a released one.
const checkout = ".."

// try runs a command on a folder, with flags as a person types them.
func try(t *testing.T, dir string, c Command, args ...string) (*Result, error) {
	t.Helper()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.BindFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return Run(dir, c)
}

// do runs a command on a folder, and applies what it would do.
func do(t *testing.T, dir string, c Command, args ...string) *Result {
	t.Helper()
	result, err := try(t, dir, c, args...)
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Changes.Apply(dir); err != nil {
		t.Fatal(err)
	}
	return result
}

// newProject is a project without kinds, called website.
func newProject(t *testing.T, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "website")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	do(t, dir, Init(), append([]string{"--domain", "example.org", "--repo", "example.org/website", "--license", "none", "--fetch-deps=false", "--orrery-source", absolute(t, checkout)}, args...)...)
	return dir
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// kind are the flags that name a kind, and others.
func kind(name string, args ...string) []string {
	return append([]string{"--group", "web", "--version", "v1", "--kind", name, "--make=false"}, args...)
}

func read(t *testing.T, dir string) tree.Tree {
	t.Helper()
	files, err := tree.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func write(t *testing.T, dir, path, content string) {
	t.Helper()
	if err := (tree.Tree{path: {Content: content, Mode: 0o644}}).Write(dir); err != nil {
		t.Fatal(err)
	}
}
