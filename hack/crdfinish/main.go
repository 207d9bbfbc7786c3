package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: crdfinish DIRECTORY NAMES-DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "crdfinish:", err)
		os.Exit(1)
	}
}

// run finishes the definitions in a directory, and writes them into another, those of second names without their schemas.
func run(dir, names string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return fmt.Errorf("listing %s: %w", dir, err)
	}
	if err := os.MkdirAll(names, 0o755); err != nil {
		return err
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var crd object
		if err := yaml.Unmarshal(data, &crd); err != nil {
			return fmt.Errorf("reading definition %s: %w", path, err)
		}
		for _, version := range list(crd.at("spec")["versions"]) {
			finish(version.at("schema").at("openAPIV3Schema"))
		}
		if err := write(path, crd); err != nil {
			return err
		}
		if hasFirstName(crd) {
			withoutSchema(crd)
		}
		if err := write(filepath.Join(names, filepath.Base(path)), crd); err != nil {
			return err
		}
	}
	return nil
}

// write writes a definition into a file.
func write(path string, crd object) error {
	out, err := yaml.Marshal(crd)
	if err != nil {
		return fmt.Errorf("writing definition %s: %w", path, err)
	}
	return os.WriteFile(path, append([]byte("---\n"), out...), 0o644)
}
