package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: crdfinish DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "crdfinish:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return fmt.Errorf("listing %s: %w", dir, err)
	}
	for _, path := range paths {
		before, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		after, err := finishFile(before)
		if err != nil {
			return fmt.Errorf("finishing %s: %w", path, err)
		}
		if err := os.WriteFile(path, after, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// finishFile finishes one definition given as YAML.
func finishFile(data []byte) ([]byte, error) {
	var crd object
	if err := yaml.Unmarshal(data, &crd); err != nil {
		return nil, fmt.Errorf("reading the definition: %w", err)
	}
	for _, version := range list(crd.at("spec")["versions"]) {
		finish(version.at("schema").at("openAPIV3Schema"))
	}
	out, err := yaml.Marshal(crd)
	if err != nil {
		return nil, fmt.Errorf("writing the definition: %w", err)
	}
	return append([]byte("---\n"), out...), nil
}
