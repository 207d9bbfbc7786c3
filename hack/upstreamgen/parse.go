package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

const (
	upstreamMarker = "+orrery:upstream="
	rootMarker     = "+kubebuilder:object:root=true"
)

// kindPackage is what the template needs to know of one package.
type kindPackage struct {
	Name, Upstream string
	// Objects and Lists are type names, in the order of their files and declarations.
	Objects, Lists []string
}

// parse reads the package in dir. It returns nil if the package has no upstream.
func parse(dir string) (*kindPackage, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", dir, err)
	}
	pkg := &kindPackage{}
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), "zz_generated.") || strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("parsing %s: %w", path, err)
		}
		pkg.Name = file.Name.Name
		pkg.read(file)
	}
	if pkg.Upstream == "" {
		return nil, nil
	}
	return pkg, nil
}

func (p *kindPackage) read(file *ast.File) {
	if upstream, ok := marker(file.Doc, upstreamMarker); ok {
		p.Upstream = upstream
	}
	for _, decl := range file.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		if _, ok := marker(types.Doc, rootMarker); !ok {
			continue
		}
		name := types.Specs[0].(*ast.TypeSpec).Name.Name
		if strings.HasSuffix(name, "List") {
			p.Lists = append(p.Lists, name)
		} else {
			p.Objects = append(p.Objects, name)
		}
	}
}

// marker returns what follows prefix on the comment line that starts with it.
func marker(doc *ast.CommentGroup, prefix string) (string, bool) {
	if doc == nil {
		return "", false
	}
	for _, comment := range doc.List {
		line := strings.TrimSpace(strings.TrimPrefix(comment.Text, "//"))
		if value, ok := strings.CutPrefix(line, prefix); ok {
			return value, true
		}
	}
	return "", false
}
