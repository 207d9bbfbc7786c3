package tree

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func file(content string) File { return File{Content: content, Mode: 0o644} }

// folder is a folder with these files.
func folder(t *testing.T, files Tree) string {
	t.Helper()
	dir := t.TempDir()
	if err := files.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func holds(t *testing.T, dir string, want Tree) {
	t.Helper()
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the folder differs (-want +got):\n%s", diff)
	}
}

func TestApplyTurnsOneTreeIntoTheOther(t *testing.T) {
	before := Tree{"a": file("1\n"), "gone/deep/b": file("2\n"), "same": file("3\n")}
	after := Tree{"a": file("one\n"), "new/c": {Content: "#!/bin/sh\n", Mode: 0o755}, "same": file("3\n")}
	dir := folder(t, before)
	if err := Compare(before, after).Apply(dir); err != nil {
		t.Fatal(err)
	}
	holds(t, dir, after)
	if _, err := os.Stat(filepath.Join(dir, "gone")); !os.IsNotExist(err) {
		t.Errorf("the folder that has become empty: %v, want that it is gone", err)
	}
}

func TestWhoElseMayReadOrWriteAFileIsNoChange(t *testing.T) {
	before := Tree{"a": {Content: "1\n", Mode: 0o664}, "b": {Content: "2\n", Mode: 0o664}}
	after := Tree{"a": file("1\n"), "b": {Content: "2\n", Mode: 0o755}}
	if changes := Compare(before, after); len(changes) != 1 || changes[0].Path != "b" {
		t.Errorf("the changes are %v, want that b can be run", changes)
	}
}

func TestApplyLeavesAFolderAsItWasWhenItFails(t *testing.T) {
	before := Tree{"a": file("1\n"), "b/c": file("2\n")}
	dir := folder(t, before)
	changes := Changes{
		{Path: "a", Before: before.at("a"), After: &File{Content: "one\n", Mode: 0o644}},
		{Path: "b/c", Before: before.at("b/c")},
		{Path: "d", After: &File{Content: "a file\n", Mode: 0o644}},
		{Path: "d/e", After: &File{Content: "in a file\n", Mode: 0o644}},
	}
	if err := changes.Apply(dir); err == nil || !strings.Contains(err.Error(), "writing d/e") {
		t.Errorf("got %v, want what could not be written", err)
	}
	holds(t, dir, before)
}

func TestApplyOverwritesNothingThatSomebodyElseHasChanged(t *testing.T) {
	before := Tree{"a": file("1\n")}
	dir := folder(t, Tree{"a": file("theirs\n")})
	err := Compare(before, Tree{"a": file("ours\n"), "b": file("2\n")}).Apply(dir)
	if err == nil || !strings.Contains(err.Error(), "a was changed by somebody else") {
		t.Errorf("got %v, want that somebody has changed a", err)
	}
	holds(t, dir, Tree{"a": file("theirs\n")})
}

func TestReadLooksIntoNeitherGitNorBin(t *testing.T) {
	dir := folder(t, Tree{".git/config": file(""), "bin/tool": file(""), "a": file("1\n"), "sub/bin/b": file("2\n")})
	holds(t, dir, Tree{"a": file("1\n"), "sub/bin/b": file("2\n")})
}

func TestDiffIsThatOfDiff(t *testing.T) {
	before := Tree{"a": file("1\n2\n"), "b": file("x\n")}
	after := Tree{"a": file("1\n3"), "c": file("y\n")}
	want := `--- a/a
+++ b/a
@@ -1,2 +1,2 @@
 1
-2
+3
\ No newline at end of file
--- a/b
+++ /dev/null
@@ -1 +0,0 @@
-x
--- /dev/null
+++ b/c
@@ -0,0 +1 @@
+y
`
	if diff := cmp.Diff(want, Compare(before, after).Diff()); diff != "" {
		t.Errorf("the diff differs (-want +got):\n%s", diff)
	}
}
