package images

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Annotations by which an archive's index says what its images are called: the first is OCI's and holds the tag alone, the
// second is containerd's and holds the full name.
const (
	annotationTag  = "org.opencontainers.image.ref.name"
	annotationName = "io.containerd.image.name"
)

// WriteArchive writes an image under its full name into file, as an OCI image layout in a tar, with the manifest that docker
// loads it by. The file appears whole or not at all.
func WriteArchive(file, fullName string, image v1.Image) error {
	tag, err := tagged(fullName)
	if err != nil {
		return fmt.Errorf("writing an archive of image %q: %w", fullName, err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(file), "."+filepath.Base(file)+"-")
	if err != nil {
		return fmt.Errorf("writing image archive %s: %w", file, err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what remains is a hidden scratch directory

	contents := filepath.Join(dir, "layout")
	if err := writeLayout(contents, tag, image); err != nil {
		return fmt.Errorf("writing image archive %s: %w", file, err)
	}
	packed := filepath.Join(dir, "archive.tar")
	if err := pack(packed, contents); err != nil {
		return fmt.Errorf("writing image archive %s: %w", file, err)
	}
	if err := os.Rename(packed, file); err != nil {
		return fmt.Errorf("writing image archive: %w", err)
	}
	return nil
}

// tagged reads a full name with a tag.
func tagged(fullName string) (reference.NamedTagged, error) {
	named, err := reference.ParseNamed(fullName)
	if err != nil {
		return nil, err
	}
	tag, ok := named.(reference.NamedTagged)
	if !ok {
		return nil, errors.New("it has no tag")
	}
	return tag, nil
}

// writeLayout lays an image out as files.
func writeLayout(dir string, tag reference.NamedTagged, image v1.Image) error {
	index, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := index.AppendImage(image, layout.WithAnnotations(map[string]string{
		annotationTag:  tag.Tag(),
		annotationName: tag.String(),
	})); err != nil {
		return err
	}
	return writeDockerManifest(filepath.Join(dir, dockerManifest), tag, image)
}

// dockerManifest is what docker reads in an archive, and versions of it before 25 read nothing else.
const dockerManifest = "manifest.json"

// writeDockerManifest says in docker's own form which of a layout's files the image is made of.
func writeDockerManifest(file string, tag reference.NamedTagged, image v1.Image) error {
	manifest, err := image.Manifest()
	if err != nil {
		return err
	}
	entry := dockerImage{Config: blob(manifest.Config.Digest), RepoTags: []string{tag.String()}}
	for _, layer := range manifest.Layers {
		entry.Layers = append(entry.Layers, blob(layer.Digest))
	}
	content, err := json.Marshal([]dockerImage{entry})
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// dockerImage is an image in docker's manifest.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// blob is where an OCI layout has a blob.
func blob(digest v1.Hash) string { return path.Join("blobs", digest.Algorithm, digest.Hex) }

// pack puts a directory's files into one tar, in the order of their names and without their times and owners.
func pack(file, dir string) error {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	w := tar.NewWriter(out)
	err = filepath.WalkDir(dir, func(found string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, found)
		if err != nil {
			return err
		}
		contents, err := os.ReadFile(found)
		if err != nil {
			return err
		}
		return writeEntry(w, filepath.ToSlash(relative), 0o644, contents)
	})
	if err == nil {
		err = w.Close()
	}
	if closing := out.Close(); err == nil {
		err = closing
	}
	return err
}

// Names lists the full names of the images in an archive that WriteArchive or another tool wrote: what Load will make known. A short
// name is completed as everywhere: web:1 is docker.io/library/web:1. An image without a name is not listed.
func Names(file string) ([]string, error) {
	manifest, err := readIndex(file)
	if err != nil {
		return nil, fmt.Errorf("reading image archive %s: %w", file, err)
	}
	var names []string
	for _, image := range manifest {
		named, err := reference.ParseDockerRef(image)
		if err != nil {
			return nil, fmt.Errorf("reading image archive %s: image name %q: %w", file, image, err)
		}
		names = append(names, named.String())
	}
	return names, nil
}
