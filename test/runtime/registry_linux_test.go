package runtime

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// TestARegistryIsReachedAsItsFileSays pulls an image through a mirror, which is told of while the runtime runs.
func TestARegistryIsReachedAsItsFileSays(t *testing.T) {
	n := newNode(t)
	mirror := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(mirror.Close)
	image, err := random.Image(1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	push(t, mirror.URL+"/v2/planets/saturn", image)
	hosts := filepath.Join(n.options.RegistryDir, "registry.example", "hosts.toml")
	if err := os.MkdirAll(filepath.Dir(hosts), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hosts, fmt.Appendf(nil, "[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", mirror.URL), 0o600); err != nil {
		t.Fatal(err)
	}

	connection, err := grpc.NewClient(n.runtime.Endpoint(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }() // nothing is under way on it
	_, err = runtimeapi.NewImageServiceClient(connection).PullImage(t.Context(), &runtimeapi.PullImageRequest{
		Image: &runtimeapi.ImageSpec{Image: "registry.example/planets/saturn:1"},
	})
	if err != nil {
		t.Error(err)
	}
}

// push puts an image of one layer into a repository, by the tag 1.
func push(t *testing.T, repository string, image v1.Image) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	layer, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(layer)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := image.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path, mediaType string, body []byte) {
		request, err := http.NewRequestWithContext(t.Context(), method, repository+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", mediaType)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close() // only the status counts
		if answer.StatusCode != http.StatusCreated {
			t.Fatalf("%s %s is answered with %s", method, path, answer.Status)
		}
	}
	send(http.MethodPost, "/blobs/uploads/?digest="+manifest.Layers[0].Digest.String(), "application/octet-stream", content)
	send(http.MethodPost, "/blobs/uploads/?digest="+manifest.Config.Digest.String(), "application/octet-stream", config)
	send(http.MethodPut, "/manifests/1", string(manifest.MediaType), raw)
}
