package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: upstreamgen DIRECTORY")
		os.Exit(2)
	}
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "upstreamgen:", err)
		os.Exit(1)
	}
}

// generate writes the file of every marked package below root.
func generate(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		pkg, err := parse(path)
		if err != nil || pkg == nil {
			return err
		}
		source, err := render(pkg)
		if err != nil {
			return fmt.Errorf("rendering %s: %w", path, err)
		}
		return os.WriteFile(filepath.Join(path, "zz_generated.upstream.go"), source, 0o644)
	})
}
