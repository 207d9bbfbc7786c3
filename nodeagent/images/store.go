package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// criNamespace is containerd's namespace in which its CRI service keeps everything.
const criNamespace = "k8s.io"

// Store is the images of one containerd.
type Store struct {
	// Endpoint is where it serves CRI: "unix:///run/containerd/containerd.sock".
	Endpoint string
	// Program is its own command line client, ctr. It is used to load, which CRI cannot. Empty means "ctr", from PATH.
	Program string
}

// Image is an image as a person wants to see it.
type Image struct {
	// ID is the digest of the image's configuration.
	ID string
	// Tags are its full names. An image may have none.
	Tags []string
	// Size on disk, in bytes, compressed.
	Size uint64
	// Pinned images are not removed when disk space runs short.
	Pinned bool
}

// Load puts the images of an archive (OCI layout or `docker save`, as a tar) into the runtime, and returns their full names when
// CRI knows them. Loading what is there already is quick and changes nothing. The images are pinned.
func (s *Store) Load(ctx context.Context, file string) ([]string, error) {
	names, err := Names(file)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("loading %s: no image in it has a name: save it by its name and tag, as in `docker save web:1`", file)
	}
	if err := s.ctr(ctx, "import", file); err != nil {
		return nil, fmt.Errorf("loading %s: %w", file, err)
	}
	for _, name := range names {
		if err := s.ctr(ctx, "label", name, pinnedLabel); err != nil {
			return nil, fmt.Errorf("pinning image %s: %w", name, err)
		}
	}
	for _, name := range names {
		if err := s.await(ctx, name); err != nil {
			return nil, fmt.Errorf("loading %s: %w", file, err)
		}
	}
	return names, nil
}

// pinnedLabel has containerd tell that an image is not to be removed when disk space runs short. What came from an archive may be
// nowhere else.
const pinnedLabel = "io.cri-containerd.pinned=pinned"

// ctr runs a command of ctr about images.
func (s *Store) ctr(ctx context.Context, arguments ...string) error {
	program := s.Program
	if program == "" {
		program = "ctr"
	}
	socket := strings.TrimPrefix(s.Endpoint, "unix://")
	var said bytes.Buffer
	command := exec.CommandContext(ctx, program, append([]string{"--address", socket, "--namespace", criNamespace, "images"}, arguments...)...)
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, lastLine(said.String()))
	}
	return nil
}

// lastLine is where ctr says what was wrong, after warnings and progress.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// await returns when CRI, which learns of new images by events, knows this one.
func (s *Store) await(ctx context.Context, name string) error {
	return s.call(func(images runtimeapi.ImageServiceClient) error {
		for {
			answer, err := images.ImageStatus(ctx, &runtimeapi.ImageStatusRequest{Image: &runtimeapi.ImageSpec{Image: name}})
			if err != nil && status.Code(err) != codes.NotFound {
				return fmt.Errorf("looking up image %s: %w", name, err)
			}
			if answer.GetImage() != nil {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("waiting for the runtime to notice image %s: %w", name, ctx.Err())
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
}

// List lists all images.
func (s *Store) List(ctx context.Context) ([]Image, error) {
	var all []Image
	err := s.call(func(images runtimeapi.ImageServiceClient) error {
		answer, err := images.ListImages(ctx, &runtimeapi.ListImagesRequest{})
		for _, image := range answer.GetImages() {
			all = append(all, Image{ID: image.GetId(), Tags: image.GetRepoTags(), Size: image.GetSize(), Pinned: image.GetPinned()})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the images of %s: %w", s.Endpoint, err)
	}
	return all, nil
}

// call connects, and closes the connection afterwards.
func (s *Store) call(do func(runtimeapi.ImageServiceClient) error) (err error) {
	connection, err := grpc.NewClient(s.Endpoint, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	return do(runtimeapi.NewImageServiceClient(connection))
}
