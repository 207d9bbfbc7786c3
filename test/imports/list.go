package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// listed is what the go command says about a package.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
	Module     *struct{ Path string }
}

// List returns the packages of the module in dir, as the go command finds them for the
// platform that it builds for.
func List(dir string) ([]Package, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps,Module", "./...")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing packages: %w: %s", err, stderr.Bytes())
	}
	all, err := decode(out)
	if err != nil {
		return nil, err
	}
	standard := map[string]bool{}
	for _, p := range all {
		standard[p.ImportPath] = p.Standard
	}
	var packages []Package
	for _, p := range all {
		if p.Module == nil || p.Module.Path != Module {
			continue
		}
		pkg := Package{Path: p.ImportPath, Reaches: p.Deps}
		for _, to := range p.Imports {
			pkg.Imports = append(pkg.Imports, Import{Path: to, Standard: standard[to] || to == "C"})
		}
		packages = append(packages, pkg)
	}
	return packages, nil
}

func decode(stream []byte) ([]listed, error) {
	var all []listed
	decoder := json.NewDecoder(bytes.NewReader(stream))
	for {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading what go list says: %w", err)
		}
		all = append(all, p)
	}
}
