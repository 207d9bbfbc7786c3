package main

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
)

// byHand are the templates that are not generated.
var byHand = []string{"NOTES.txt", "checks.yaml"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "chart: want one argument, the root of the repository")
		os.Exit(2)
	}
	slog.SetLogLoggerLevel(slog.LevelWarn) // the plugin tells of each file
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// write writes the templates of the chart, and removes those that are generated no longer.
func write(root string) error {
	templates, _, err := generate(root)
	if err != nil {
		return err
	}
	dir := templatesOf(root)
	old, err := read(dir)
	if err != nil {
		return err
	}
	for name := range old {
		if _, ok := templates[name]; ok {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for name, content := range templates {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate makes the templates of the chart, by their paths below its folder of templates, and the values that the plugin would
// give it.
func generate(root string) (templates map[string]string, values string, err error) {
	manifests, err := build(filepath.Join(root, "config", "chart"))
	if err != nil {
		return nil, "", err
	}
	templates, values, err = scaffold(manifests)
	if err != nil {
		return nil, "", err
	}
	if err := finish(templates); err != nil {
		return nil, "", err
	}
	return templates, values, nil
}

// templatesOf is where the repository has the chart's templates.
func templatesOf(root string) string { return filepath.Join(root, "charts", "orrery", "templates") }

// read reads the generated templates of a folder.
func read(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || slices.Contains(byHand, name) {
			return err
		}
		content, err := os.ReadFile(path)
		files[filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	return files, nil
}
