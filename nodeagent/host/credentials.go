package host

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// dockerHub is the registry of an image that names none, as credentials spell it.
const dockerHub = "index.docker.io"

type dockerAuth struct {
	Username, Password, Auth string
}

// Credentials implements pods.Host: those in the pod's imagePullSecrets that match the image, the most specific first.
func (h *Host) Credentials(ctx context.Context, pod *corev1.Pod, image string) ([]*runtimeapi.AuthConfig, error) {
	type match struct {
		length int
		auth   *runtimeapi.AuthConfig
	}
	var matches []match
	var errs []error
	for _, ref := range pod.Spec.ImagePullSecrets {
		secret, err := h.Source.Secret(ctx, pod.Namespace, ref.Name)
		if err != nil {
			errs = append(errs, errors.New(ref.Name))
			continue
		}
		auths, err := parseAuths(secret)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", ref.Name, err))
			continue
		}
		for registry, auth := range auths {
			if of := registryKey(registry); covers(of, imageKey(image)) {
				matches = append(matches, match{len(of), auth})
			}
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int { return cmp.Compare(b.length, a.length) })
	var found []*runtimeapi.AuthConfig
	for _, m := range matches {
		found = append(found, m.auth)
	}
	return found, errors.Join(errs...)
}

func parseAuths(secret *corev1.Secret) (map[string]*runtimeapi.AuthConfig, error) {
	var auths map[string]dockerAuth
	switch secret.Type {
	case corev1.SecretTypeDockerConfigJson:
		var file struct{ Auths map[string]dockerAuth }
		if err := json.Unmarshal(secret.Data[corev1.DockerConfigJsonKey], &file); err != nil {
			return nil, fmt.Errorf("reading %s: %w", corev1.DockerConfigJsonKey, err)
		}
		auths = file.Auths
	case corev1.SecretTypeDockercfg:
		if err := json.Unmarshal(secret.Data[corev1.DockerConfigKey], &auths); err != nil {
			return nil, fmt.Errorf("reading %s: %w", corev1.DockerConfigKey, err)
		}
	}
	configs := map[string]*runtimeapi.AuthConfig{}
	for registry, auth := range auths {
		config := &runtimeapi.AuthConfig{Username: auth.Username, Password: auth.Password}
		if decoded, err := base64.StdEncoding.DecodeString(auth.Auth); err == nil && auth.Auth != "" {
			config.Username, config.Password, _ = strings.Cut(string(decoded), ":")
		}
		configs[registry] = config
	}
	return configs, nil
}

// registryKey strips the scheme and API version that old configurations have.
func registryKey(registry string) string {
	_, after, found := strings.Cut(registry, "://")
	if found {
		registry = after
	}
	registry = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(registry, "/"), "/v1"), "/v2")
	if registry == "docker.io" || registry == "registry-1.docker.io" {
		return dockerHub
	}
	return registry
}

// imageKey is the image with its registry, in the same spelling.
func imageKey(image string) string {
	host, rest, found := strings.Cut(image, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return dockerHub + "/" + image
	}
	return registryKey(host) + "/" + rest
}

// covers says whether credentials for a registry, or a path in it, are for the image. A star stands for one part of the host.
func covers(registry, image string) bool {
	registryHost, registryPath, _ := strings.Cut(registry, "/")
	imageHost, imagePath, _ := strings.Cut(image, "/")
	if registryPath != "" && !strings.HasPrefix(imagePath, registryPath) {
		return false
	}
	want, have := strings.Split(registryHost, "."), strings.Split(imageHost, ".")
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == "*" || w == h })
}
