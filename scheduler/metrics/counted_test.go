package metrics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryMetricIsCountedSomewhere holds that no metric is only declared: the scheduler sets each, itself or by a
// function of this package.
func TestEveryMetricIsCountedSomewhere(t *testing.T) {
	used := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		for name := range selected(parse(t, path), "metrics") {
			used[name] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, declaration := range parse(t, path).Decls {
			switch declaration := declaration.(type) {
			case *ast.GenDecl:
				declared = append(declared, collectors(declaration)...)
			case *ast.FuncDecl:
				for name := range identifiers(declaration) {
					used[name] = used[name] || used[declaration.Name.Name]
				}
			}
		}
	}
	if len(declared) != len(all) {
		t.Fatalf("%d declarations were found of %d collectors", len(declared), len(all))
	}
	for _, name := range declared {
		if !used[name] {
			t.Errorf("%s is declared, and the scheduler does not set it", name)
		}
	}
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// selected returns the names that a file takes from a package.
func selected(file *ast.File, from string) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && x.Name == from {
				names[selector.Sel.Name] = true
			}
		}
		return true
	})
	return names
}

func identifiers(of ast.Node) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(of, func(node ast.Node) bool {
		if identifier, ok := node.(*ast.Ident); ok {
			names[identifier.Name] = true
		}
		return true
	})
	return names
}

// collectors returns the variables that a declaration sets by calling something, as the constructors of collectors are.
func collectors(declaration *ast.GenDecl) []string {
	var names []string
	for _, spec := range declaration.Specs {
		variable, ok := spec.(*ast.ValueSpec)
		if !ok || declaration.Tok != token.VAR || len(variable.Values) != 1 {
			continue
		}
		if _, ok := variable.Values[0].(*ast.CallExpr); ok {
			names = append(names, variable.Names[0].Name)
		}
	}
	return names
}
