package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Program is one static executable that becomes an image which holds nothing else.
type Program struct {
	// Reference is the image's full name, registry, repository and tag: "registry.orrery.dev/pause:1".
	Reference string
	// Binary is the file to put into the image. It must need no shared library.
	Binary string
	// Path is where it stands in the image, and the image's entrypoint: "/pause".
	Path string
	// Architecture is Go's name of the processor that Binary was built for: "amd64".
	Architecture string
	// Ports are documentation for whoever inspects the image: "8080/tcp". May be nil.
	Ports []string
	// Roots are the certificates by which the program trusts servers, in PEM, where Go and OpenSSL look for them. Nil is for one
	// that connects to none outside of its cluster.
	Roots []byte
	// User is whom the program runs as where a pod does not say: "65535:65535". Empty means root.
	User string
}

// Image makes the image: one layer with the program, a world-writable /tmp, and the files by which resolvers and
// user look-ups work. Times are the epoch, so that the digest depends on the contents alone.
func (p Program) Image() (v1.Image, error) {
	layer, err := p.layer()
	if err != nil {
		return nil, fmt.Errorf("making the layer of image %s: %w", p.Reference, err)
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.AppendLayers(base, layer)
	if err != nil {
		return nil, fmt.Errorf("making image %s: %w", p.Reference, err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of image %s: %w", p.Reference, err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", p.Architecture
	file.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	file.Config = v1.Config{
		Entrypoint: []string{p.Path},
		Env:        []string{"PATH=/:/bin:/usr/bin"},
		WorkingDir: "/",
		User:       p.User,
	}
	for _, port := range p.Ports {
		if file.Config.ExposedPorts == nil {
			file.Config.ExposedPorts = map[string]struct{}{}
		}
		file.Config.ExposedPorts[port] = struct{}{}
	}
	image, err = mutate.ConfigFile(image, file)
	if err != nil {
		return nil, fmt.Errorf("configuring image %s: %w", p.Reference, err)
	}
	return image, nil
}

// entry is a file of the layer.
type entry struct {
	name     string
	mode     int64
	contents []byte
}

// layer is the file system: the program and what programs expect to find.
func (p Program) layer() (v1.Layer, error) {
	program, err := os.ReadFile(p.Binary)
	if err != nil {
		return nil, err
	}
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	entries := []entry{
		{"etc/", 0o755, nil},
		{"etc/group", 0o644, []byte("root:x:0:\nnobody:x:65535:\n")},
		{"etc/nsswitch.conf", 0o644, []byte("hosts: files dns\n")},
		{"etc/passwd", 0o644, []byte("root:x:0:0:root:/:/\nnobody:x:65535:65535:nobody:/:/\n")},
		{"tmp/", 0o1777, nil},
		{strings.TrimPrefix(path.Clean(p.Path), "/"), 0o755, program},
	}
	if len(p.Roots) > 0 {
		entries = append(entries, []entry{
			{"etc/ssl/", 0o755, nil},
			{"etc/ssl/certs/", 0o755, nil},
			{"etc/ssl/certs/ca-certificates.crt", 0o644, p.Roots},
		}...)
	}
	for _, e := range entries {
		if err := writeEntry(w, e.name, e.mode, e.contents); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
}

// writeEntry adds a file to a tar, or a directory where the name ends with a slash. Its time is the epoch.
func writeEntry(w *tar.Writer, name string, mode int64, contents []byte) error {
	header := &tar.Header{Name: name, Mode: mode, Size: int64(len(contents)), Typeflag: tar.TypeReg, ModTime: time.Unix(0, 0)}
	if strings.HasSuffix(name, "/") {
		header.Typeflag = tar.TypeDir
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err := w.Write(contents)
	return err
}
