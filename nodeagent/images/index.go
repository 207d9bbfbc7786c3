package images

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxIndex is the largest index we read: far above any real one, far below what hurts.
const maxIndex = 4 << 20

// readIndex finds the names of an archive's images: in index.json, as OCI writes them, or in manifest.json, as
// `docker save` does. Names may be short and repeat.
func readIndex(file string) ([]string, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // it was only read

	var oci, docker []string
	found := false
	for r := tar.NewReader(in); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("not a tar archive: %w", err)
		}
		switch header.Name {
		case "index.json", "./index.json":
			oci, err = ociNames(io.LimitReader(r, maxIndex))
		case "manifest.json", "./manifest.json":
			docker, err = dockerNames(io.LimitReader(r, maxIndex))
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", header.Name, err)
		}
		found = true
	}
	switch {
	case !found:
		return nil, errors.New("no image in it: it has neither index.json (OCI) nor manifest.json (docker save)")
	case len(docker) > 0:
		return docker, nil
	default:
		return oci, nil
	}
}

// ociNames reads an OCI index.
func ociNames(r io.Reader) ([]string, error) {
	index, err := v1.ParseIndexManifest(r)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, image := range index.Manifests {
		if full := image.Annotations[annotationName]; full != "" {
			names = append(names, full)
		}
	}
	return names, nil
}

// dockerNames reads the manifest of `docker save`.
func dockerNames(r io.Reader) ([]string, error) {
	var images []struct{ RepoTags []string }
	if err := json.NewDecoder(r).Decode(&images); err != nil {
		return nil, err
	}
	var names []string
	for _, image := range images {
		names = append(names, image.RepoTags...)
	}
	return names, nil
}
