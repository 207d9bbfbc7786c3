package controllers_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers"
)

// The shape of a room is described in docs/adding-a-kind.md, "The room". These tests hold every one of them to it.

// files are those that every room has, in the order in which they are read. Others are its own business.
var files = []string{"doc.go", "controller.go", "observe.go", "plan.go", "looptest_test.go"}

// homes are the files in which a room's declarations stand, where it has them.
var homes = map[string]string{
	"Controller":         "controller.go",
	"Loop":               "controller.go",
	"Options":            "controller.go",
	"Key":                "controller.go",
	"world":              "observe.go",
	"Controller.Observe": "observe.go",
	"Controller.Plan":    "plan.go",
}

// needed are the declarations that every room has; exported, besides them, are at most Options and, where keys are
// neither names of objects nor one for all, Key.
var needed = []string{"Controller", "Loop", "world", "Controller.Observe", "Controller.Plan"}

// room is a room's source, and the name of its loop.
type room struct {
	path, loop string
	// files are by name, tests too.
	files map[string]*ast.File
}

// shaped are the rooms of the table.
func shaped(t *testing.T) []room {
	t.Helper()
	var all []room
	for _, entry := range controllers.All(controllers.Options{}) {
		all = append(all, read(t, entry))
	}
	return all
}

func read(t *testing.T, entry controllers.Entry) room {
	t.Helper()
	entries, err := os.ReadDir(entry.Room)
	if err != nil {
		t.Fatal(err)
	}
	r := room{path: entry.Room, loop: entry.Loop.Name(), files: map[string]*ast.File{}}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(entry.Room, e.Name()), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		r.files[e.Name()] = file
	}
	return r
}

func TestEveryRoomHasTheSameFiles(t *testing.T) {
	for _, r := range shaped(t) {
		for _, name := range files {
			if r.files[name] == nil {
				t.Errorf("%s has no %s", r.path, name)
			}
		}
	}
}

func TestOnlyDocSaysWhatARoomIs(t *testing.T) {
	for _, r := range shaped(t) {
		for name, file := range r.files {
			if (file.Doc != nil) != (name == "doc.go") {
				t.Errorf("%s/%s: a comment on the package is there: %t", r.path, name, file.Doc != nil)
			}
		}
		if text := r.files["doc.go"].Doc.Text(); !strings.Contains(text, "kube-controller-manager's") || !strings.Contains(text, "watches") {
			t.Errorf("%s/doc.go does not say whose part of kube-controller-manager it is, and what it watches", r.path)
		}
	}
}

func TestEveryRoomHasTheSameDeclarations(t *testing.T) {
	for _, r := range shaped(t) {
		declared := r.declared()
		for _, name := range needed {
			if declared[name] == "" {
				t.Errorf("%s declares no %s", r.path, name)
			}
		}
		for name, file := range declared {
			if home := homes[name]; home != "" && file != home {
				t.Errorf("%s declares %s in %s, want it in %s", r.path, name, file, home)
			}
			if homes[name] == "" && ast.IsExported(strings.TrimPrefix(name, "Controller.")) {
				t.Errorf("%s exports %s", r.path, name)
			}
		}
	}
}

// declared are the room's types, constants, variables, functions, and methods of Controller, with the files that they are in.
func (r room) declared() map[string]string {
	declared := map[string]string{}
	for name, file := range r.files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, decl := range file.Decls {
			for _, declares := range namesOf(decl) {
				declared[declares] = name
			}
		}
	}
	return declared
}

// namesOf are the names that a declaration declares. Methods of other types than Controller are those types' business.
func namesOf(decl ast.Decl) []string {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			return []string{decl.Name.Name}
		}
		if receiver, ok := decl.Recv.List[0].Type.(*ast.Ident); ok && receiver.Name == "Controller" {
			return []string{"Controller." + decl.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					names = append(names, name.Name)
				}
			}
		}
		return names
	}
	return nil
}

func TestEveryRoomIsCheckedByLooptest(t *testing.T) {
	for _, r := range shaped(t) {
		if len(calls(r.files["looptest_test.go"], "looptest", "Check")) == 0 {
			t.Errorf("%s/looptest_test.go does not call looptest.Check", r.path)
		}
	}
}

// calls are the calls of a package's function in a file, generic ones too.
func calls(file *ast.File, pkg, function string) []*ast.CallExpr {
	var found []*ast.CallExpr
	if file == nil {
		return nil
	}
	ast.Inspect(file, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		called := call.Fun
		switch generic := called.(type) {
		case *ast.IndexExpr:
			called = generic.X
		case *ast.IndexListExpr:
			called = generic.X
		}
		if selector, ok := called.(*ast.SelectorExpr); ok && selector.Sel.Name == function && fmt.Sprint(selector.X) == pkg {
			found = append(found, call)
		}
		return true
	})
	return found
}

var marker = regexp.MustCompile(`\+kubebuilder:rbac:groups=([^,]*),`)

// The other naming's group is the generator's business.
func TestEachMarkerNamesOneGroup(t *testing.T) {
	for _, r := range shaped(t) {
		var groups []string
		for name, file := range r.files {
			for _, comment := range file.Comments {
				for _, line := range comment.List {
					if found := marker.FindStringSubmatch(line.Text); found != nil {
						groups = append(groups, found[1])
						if name != "controller.go" {
							t.Errorf("%s/%s has RBAC markers, want them in controller.go", r.path, name)
						}
					}
				}
			}
		}
		if len(groups) == 0 {
			t.Errorf("%s has no RBAC markers", r.path)
		}
		if i := slices.IndexFunc(groups, func(g string) bool { return strings.Contains(g, ";") || apis.Kubernetes.Group(g) != g }); i >= 0 {
			t.Errorf("%s has a marker for the groups %s, want one in each, by its first name", r.path, groups[i])
		}
	}
}
