package images

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/orrery-dev/orrery/hack/conformance/programs"
)

// agnhost is what upstream's Dockerfile adds to its base: the program by two names, a certificate, users, and a registry.
func (b Builder) agnhost(pause v1.Layer) (v1.Layer, error) {
	program, err := b.program(programs.Agnhost)
	if err != nil {
		return nil, err
	}
	base, err := b.debianFiles("etc/passwd", "etc/group")
	if err != nil {
		return nil, err
	}
	files := []file{
		executable("agnhost", program), link("agnhost-2", "agnhost"), directory("uploads", 0o755),
		// A test of image volumes looks for it.
		text("etc/os-release", "NAME=\"Alpine Linux\"\nID=alpine\nPRETTY_NAME=\"a stand-in for Alpine Linux, from Debian\"\n"),
		text("etc/passwd", string(base["etc/passwd"])+"user-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\n"),
		text("etc/group", string(base["etc/group"])+"user-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n"),
	}
	for _, name := range []string{"localhost.crt", "localhost.key"} {
		content, err := os.ReadFile(filepath.Join(b.Upstream, "test/images/agnhost/porter", name))
		if err != nil {
			return nil, err
		}
		files = append(files, regular(name, 0o644, content))
	}
	registry, err := fakeRegistry(pause)
	if err != nil {
		return nil, fmt.Errorf("making the registry in agnhost: %w", err)
	}
	return layer(append(files, registry...)...)
}

// fakeRegistry is what agnhost's fake-registry-server serves from /var/registry: the image pause:testing. Files lie where
// prepare_registry.sh of upstream's image puts them: a tag's file names a digest, a digest's file is SHA256/AB/ABCDEF.../data.
func fakeRegistry(layer v1.Layer) ([]file, error) {
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layer)
	if err != nil {
		return nil, err
	}
	image, err = mutate.Config(mutate.ConfigMediaType(image, types.OCIConfigJSON), v1.Config{Entrypoint: []string{"/pause"}, Env: environment})
	if err != nil {
		return nil, err
	}
	image, err = forThisMachine(image)
	if err != nil {
		return nil, err
	}
	platform := &v1.Platform{OS: "linux", Architecture: architecture}
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})

	const dir = "var/registry/pause"
	var files []file
	digest, err := index.Digest()
	if err != nil {
		return nil, err
	}
	files = append(files, text(dir+"/manifests/testing", digest.String()+"\n"))
	for _, m := range []struct {
		under  string
		digest func() (v1.Hash, error)
		raw    func() ([]byte, error)
	}{
		{"manifests", index.Digest, index.RawManifest},
		{"manifests", image.Digest, image.RawManifest},
		{"blobs", image.ConfigName, image.RawConfigFile},
		{"blobs", layer.Digest, func() ([]byte, error) { return compressed(layer) }},
	} {
		digest, err := m.digest()
		if err != nil {
			return nil, err
		}
		content, err := m.raw()
		if err != nil {
			return nil, err
		}
		files = append(files, regular(strings.Join([]string{dir, m.under, digest.Algorithm, digest.Hex[:2], digest.Hex, "data"}, "/"), 0o644, content))
	}
	return files, nil
}

// html is a page of upstream's, served by agnhost.
func (b Builder) html(of string) (v1.Layer, error) {
	dir := filepath.Join(b.Upstream, "test/images", of, "html")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, regular(entry.Name(), 0o644, content))
	}
	return layer(files...)
}
