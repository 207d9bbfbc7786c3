package registry

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestWhatAnArchiveHoldsCanBePulledAndNothingPushed(t *testing.T) {
	image, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "images.tar")
	images := map[name.Tag]v1.Image{}
	for _, tag := range []string{"registry.k8s.io/e2e/agnhost:2", "registry.k8s.io/pause:3", "docker.io/library/nginx:1"} {
		images[parse(t, tag)] = image
	}
	if err := tarball.MultiWriteToFile(archive, images); err != nil {
		t.Fatal(err)
	}

	address, registries, err := Registry{Archive: archive, Blobs: filepath.Join(t.TempDir(), "made")}.Serve(t.Context(), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"docker.io", "registry.k8s.io"}; !slices.Equal(registries, want) {
		t.Errorf("the registries are %q, want %q", registries, want)
	}
	pulled, err := remote.Image(parse(t, address+"/e2e/agnhost:2"))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := image.Digest()
	if got, err := pulled.Digest(); err != nil || got != want {
		t.Errorf("pulled %v (%v), want %v", got, err, want)
	}
	answer, err := http.Post("http://"+address+"/v2/e2e/agnhost/blobs/uploads/", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close() // only the status counts
	if answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("an upload is answered with %s", answer.Status)
	}
}

func TestANodeIsToldWhereEachRegistryIs(t *testing.T) {
	dir := t.TempDir()
	if err := Tell(dir, "10.0.0.1:5000", []string{"registry.k8s.io", "docker.io"}); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"registry.k8s.io", "docker.io"} {
		text, err := os.ReadFile(filepath.Join(dir, host, "hosts.toml"))
		if err != nil || !strings.Contains(string(text), `[host."http://10.0.0.1:5000"]`) {
			t.Errorf("of %s the node is told %q (%v)", host, text, err)
		}
	}
}

func parse(t *testing.T, tag string) name.Tag {
	t.Helper()
	parsed, err := name.NewTag(tag, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
