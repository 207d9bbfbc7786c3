package simulated

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// imageSize is what every simulated image weighs.
const imageSize = 1 << 20

// imageUser is whom every simulated image runs as: nobody knows what the real one says, and a pod with runAsNonRoot is to run.
const imageUser = 65532

// PullImage "fetches" any image, except from a registry under the top-level domain .invalid, which by RFC 6761 does not exist.
func (r *Runtime) PullImage(ctx context.Context, image *runtimeapi.ImageSpec, _ *runtimeapi.AuthConfig, pod *runtimeapi.PodSandboxConfig) (string, error) {
	stages, err := r.options.Stages.with(pod.GetAnnotations(), "")
	if err != nil {
		return "", err
	}
	if err := r.stage(ctx, stages.Pull); err != nil {
		return "", err
	}
	name := image.GetImage()
	if host, _, ok := strings.Cut(name, "/"); ok && strings.HasSuffix(host, ".invalid") {
		return "", status.Errorf(codes.NotFound, "failed to pull and unpack image %q: failed to resolve reference %q: dial tcp: lookup %s: no such host", name, name, host)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.images[name] = struct{}{}
	return name, nil
}

// ImageStatus answers with a nil image when it has not been pulled.
func (r *Runtime) ImageStatus(ctx context.Context, image *runtimeapi.ImageSpec, _ bool) (*runtimeapi.ImageStatusResponse, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.images[image.GetImage()]; !ok {
		return &runtimeapi.ImageStatusResponse{}, nil
	}
	return &runtimeapi.ImageStatusResponse{Image: describe(image.GetImage())}, nil
}

// ListImages lists what has been pulled.
func (r *Runtime) ListImages(ctx context.Context, _ *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error) {
	if err := r.up(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var images []*runtimeapi.Image
	for name := range r.images {
		images = append(images, describe(name))
	}
	return images, nil
}

// RemoveImage forgets that an image has been pulled.
func (r *Runtime) RemoveImage(ctx context.Context, image *runtimeapi.ImageSpec) error {
	if err := r.up(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.images, image.GetImage())
	return nil
}

// ImageFsInfo says nothing: simulated images are nowhere.
func (r *Runtime) ImageFsInfo(ctx context.Context) (*runtimeapi.ImageFsInfoResponse, error) {
	return &runtimeapi.ImageFsInfoResponse{}, r.up(ctx)
}

func describe(name string) *runtimeapi.Image {
	return &runtimeapi.Image{
		Id: name, RepoTags: []string{name}, Size: imageSize, Spec: &runtimeapi.ImageSpec{Image: name},
		Uid: &runtimeapi.Int64Value{Value: imageUser},
	}
}
