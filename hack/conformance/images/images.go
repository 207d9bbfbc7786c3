package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/orrery-dev/orrery/hack/conformance/programs"
)

// architecture is that of the programs, which are built for this machine.
const architecture = runtime.GOARCH

var environment = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

// Builder makes the images.
type Builder struct {
	// Dir is where the archive goes, and what it is made from.
	Dir string
	// Programs are the built programs.
	Programs programs.Builder
	// Upstream is the directory with the source of k8s.io/kubernetes.
	Upstream string
	// Say tells what is being done.
	Say func(format string, args ...any)
}

// Archive returns an archive that holds all images, as `docker save` would write it. It is made if it is not there, or if anything that
// it is made from has changed.
func (b Builder) Archive(ctx context.Context) (string, error) {
	if err := b.debian(ctx); err != nil {
		return "", err
	}
	archive, keyFile := filepath.Join(b.Dir, "images.tar"), filepath.Join(b.Dir, ".images.key")
	key, err := b.key()
	if err != nil {
		return "", err
	}
	if has, err := os.ReadFile(keyFile); err == nil && string(has) == key {
		if _, err := os.Stat(archive); err == nil {
			b.Say("the images were there already")
			return archive, nil
		}
	}
	started := time.Now()
	images, err := b.all()
	if err != nil {
		return "", err
	}
	if err := tarball.MultiRefWriteToFile(archive+".new", images); err != nil {
		return "", fmt.Errorf("writing the images: %w", err)
	}
	if err := os.Rename(archive+".new", archive); err != nil {
		return "", err
	}
	b.Say("made %d images in %.0f s", len(images), time.Since(started).Seconds())
	return archive, os.WriteFile(keyFile, []byte(key), 0o644)
}

// key stands for all that the archive is made from: this program, the Debian root, and the programs in the images.
func (b Builder) key() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, file := range append([]string{self, b.debianLayer()}, b.ingredients()...) {
		in, err := os.Open(file)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(sum, in)
		_ = in.Close() // it was only read
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", file, err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// ingredients are the programs in the images.
func (b Builder) ingredients() []string {
	var files []string
	for _, program := range []string{
		programs.Agnhost, programs.NoNewPrivs, programs.Issue74839, programs.SampleAPIServer, programs.Etcd, programs.Pause, programs.Shell,
	} {
		files = append(files, b.Programs.Path(program))
	}
	return files
}

func (b Builder) program(program string) ([]byte, error) {
	return os.ReadFile(b.Programs.Path(program))
}

// assemble makes an image of layers.
func assemble(config v1.Config, layers ...v1.Layer) (v1.Image, error) {
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return nil, err
	}
	config.Env = environment
	if image, err = mutate.Config(image, config); err != nil {
		return nil, err
	}
	return forThisMachine(image)
}

// forThisMachine says for which platform the image is. Its time is the epoch, so that the digest depends on the contents alone.
func forThisMachine(image v1.Image) (v1.Image, error) {
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = "linux", architecture, v1.Time{Time: time.Unix(0, 0).UTC()}
	return mutate.ConfigFile(image, file)
}

// compressed reads a layer as it stands in a registry.
func compressed(layer v1.Layer) ([]byte, error) {
	in, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // it was only read
	return io.ReadAll(in)
}
