package main

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-dev/orrery/nodeagent/images"
)

func TestTheSameProgramGivesTheSameDigestUnderTheNameThatRuntimesKnow(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "orrery")
	if err := os.WriteFile(program, []byte("\x7fELF, say"), 0o755); err != nil {
		t.Fatal(err)
	}
	var digests []string
	for _, out := range []string{"one.tar", "new/two.tar"} {
		digest, err := build("orrery:1.2.3", program, "arm64", filepath.Join(dir, out))
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
		names, err := images.Names(filepath.Join(dir, out))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"docker.io/library/orrery:1.2.3"}, names); diff != "" {
			t.Errorf("names (-want +got):\n%s", diff)
		}
	}
	if digests[0] != digests[1] || !strings.HasPrefix(digests[0], "sha256:") {
		t.Errorf("the digests are %v", digests)
	}
}

func TestABadNameIsSaid(t *testing.T) {
	_, err := build("Orrery:latest", "none", "amd64", filepath.Join(t.TempDir(), "image.tar"))
	if err == nil || !strings.Contains(err.Error(), `"Orrery:latest"`) || !strings.Contains(err.Error(), "lowercase") {
		t.Errorf("the error is %v", err)
	}
}

func TestRootsAreCertificates(t *testing.T) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots()) {
		t.Error("there is none among them")
	}
}
