package images

import (
	"archive/tar"
	"bytes"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// file is an entry of a layer: a file, a directory where it has no content, or a link.
type file struct {
	name    string
	mode    int64
	content []byte
	link    string
}

func regular(name string, mode int64, content []byte) file {
	if content == nil {
		content = []byte{}
	}
	return file{name: name, mode: mode, content: content}
}
func text(name, content string) file              { return regular(name, 0o644, []byte(content)) }
func link(name, target string) file               { return file{name: name, mode: 0o777, link: target} }
func directory(name string, mode int64) file      { return file{name: name, mode: mode} }
func executable(name string, content []byte) file { return regular(name, 0o755, content) }

// header is the entry's in a tar. Its time is the epoch, so that the digest depends on the contents alone.
func (f file) header() *tar.Header {
	h := &tar.Header{Name: f.name, Mode: f.mode, ModTime: time.Unix(0, 0)}
	switch {
	case f.link != "":
		h.Typeflag, h.Linkname = tar.TypeSymlink, f.link
	case f.content == nil:
		h.Typeflag, h.Name = tar.TypeDir, f.name+"/"
	default:
		h.Typeflag, h.Size = tar.TypeReg, int64(len(f.content))
	}
	return h
}

// layer makes a layer of files.
func layer(files ...file) (v1.Layer, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(f.header()); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithCompressedCaching)
}
