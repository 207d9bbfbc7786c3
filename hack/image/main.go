// Command image makes the image of a manager in a cluster from a program that has been built, without a container engine, as an
// archive for `orrery image load`, `ctr image import` and `docker load`. A pod's spec is the same for it and for the one that is
// built from the Dockerfile.
//
// The same program gives the same archive: it holds no times, and the certificates that it trusts are those of Mozilla as the
// module golang.org/x/crypto/x509roots has them, not this machine's.
package main

import (
	"bytes"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/distribution/reference"
	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/orrery-dev/orrery/nodeagent/images"
)

// nonroot is whom the manager runs as, by the number that distroless images have for that, so that a cluster can see that it is
// not root.
const nonroot = "65532:65532"

func main() {
	img := flag.String("name", "orrery:latest", "what the image is called; a short name is completed as everywhere")
	program := flag.String("program", "bin/orrery", "static program for Linux to put into it")
	architecture := flag.String("architecture", runtime.GOARCH, "what the program was built for, as Go calls it")
	out := flag.String("out", "dist/image.tar", "archive to write")
	flag.Parse()
	digest, err := build(*img, *program, *architecture, *out)
	if err != nil {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("image: %s (%s) in %s\n", *img, digest, *out)
}

// build writes the archive, and returns the image's digest.
func build(img, program, architecture, out string) (string, error) {
	named, err := reference.ParseDockerRef(img)
	if err != nil {
		return "", fmt.Errorf("reading the name of the image %q: %w", img, err)
	}
	p := images.Program{Reference: named.String(), Binary: program, Path: "/orrery", Architecture: architecture, User: nonroot, Roots: roots()}
	image, err := p.Image()
	if err != nil {
		return "", err
	}
	digest, err := image.Digest()
	if err != nil {
		return "", fmt.Errorf("computing the digest of image %s: %w", img, err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return "", err
	}
	return digest.String(), images.WriteArchive(out, p.Reference, image)
}

// roots are the certificates that Mozilla trusts without conditions, which a file cannot say.
func roots() []byte {
	var all bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			all.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return all.Bytes()
}
