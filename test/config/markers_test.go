package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// controller-gen reads RBAC markers of a package, and silently passes over those in the doc
// comment of a declaration.
func TestRBACMarkersStandWhereControllerGenReadsThem(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, marker := range unread(file) {
			t.Errorf("%s: put this marker into a comment of its own, with an empty line after it", files.Position(marker))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUnreadMarkersAreFound(t *testing.T) {
	const marker = "// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get\n"
	for name, c := range map[string]struct {
		source string
		want   int
	}{
		"in a comment of its own":         {marker + "\n// Controller decides.\ntype Controller struct{}\n", 0},
		"in the doc comment of a type":    {"// Controller decides.\n//\n" + marker + "type Controller struct{}\n", 1},
		"in the doc comment of a func":    {marker + "func New() {}\n", 1},
		"in the doc comment inside parts": {"type (\n" + marker + "Controller struct{}\n)\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n\n"+c.source, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(unread(file)); got != c.want {
				t.Errorf("found %d, want %d", got, c.want)
			}
		})
	}
}

// unread returns the positions of the RBAC markers in doc comments of declarations.
func unread(file *ast.File) []token.Pos {
	var found []token.Pos
	look := func(doc *ast.CommentGroup) {
		if doc == nil {
			return
		}
		for _, comment := range doc.List {
			if strings.HasPrefix(comment.Text, "// +kubebuilder:rbac") {
				found = append(found, comment.Pos())
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch d := n.(type) {
		case *ast.GenDecl:
			look(d.Doc)
		case *ast.FuncDecl:
			look(d.Doc)
		case *ast.TypeSpec:
			look(d.Doc)
		}
		return true
	})
	return found
}
