// Command images builds the images that a node needs before it can reach any registry, from the programs in the folders beside
// it: the pause image, which holds a pod's namespaces, and the demo web server. Each becomes an OCI archive in -out.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/orrery-dev/orrery/nodeagent/images"
)

// programs are the images; the name is both the folder beside this file and the archive's.
var programs = []struct {
	name  string
	image images.Program
}{
	{"pause", images.Program{Reference: images.Pause, Path: "/pause", User: "65535:65535"}},
	{"web", images.Program{Reference: images.Web, Path: "/web", Ports: []string{"8080/tcp"}}},
}

func main() {
	out := flag.String("out", "bin/images", "directory to write the archives to")
	source := flag.String("source", "github.com/orrery-dev/orrery/hack/images", "import path whose folders are the programs")
	flag.Parse()
	if err := build(*out, *source); err != nil {
		fmt.Fprintf(os.Stderr, "images: %v\n", err)
		os.Exit(1)
	}
}

// build makes every archive.
func build(out, source string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "orrery-images-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }() // a scratch directory

	for _, program := range programs {
		image := program.image
		image.Architecture = runtime.GOARCH
		image.Binary = filepath.Join(scratch, program.name)
		if err := compile(image.Binary, source+"/"+program.name); err != nil {
			return err
		}
		made, err := image.Image()
		if err != nil {
			return err
		}
		file := filepath.Join(out, program.name+".tar")
		if err := images.WriteArchive(file, image.Reference, made); err != nil {
			return err
		}
		fmt.Printf("images: %s in %s\n", image.Reference, file)
	}
	return nil
}

// compile builds a program that needs nothing but a Linux kernel.
func compile(binary, source string) error {
	command := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, source)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("building %s: %w", source, err)
	}
	return nil
}
