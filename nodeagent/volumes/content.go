package volumes

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/orrery-dev/orrery/nodeagent/env"
)

// File is one file of a volume.
type File struct {
	Data []byte
	Mode int32
	// Owner is its user; nil means root.
	Owner *int64
}

// content reads and computes the files of a volume by their paths.
func (m *Manager) content(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) (map[string]File, error) {
	switch {
	case volume.ConfigMap != nil:
		v := volume.ConfigMap
		return m.configMap(ctx, pod, v.Name, v.Items, v.Optional, mode(v.DefaultMode))
	case volume.Secret != nil:
		v := volume.Secret
		return m.secret(ctx, pod, v.SecretName, v.Items, v.Optional, mode(v.DefaultMode))
	case volume.DownwardAPI != nil:
		return m.downward(pod, volume.DownwardAPI.Items, mode(volume.DownwardAPI.DefaultMode))
	default:
		return m.projected(ctx, pod, volume.Name, volume.Projected)
	}
}

func mode(set *int32) int32 {
	if set == nil {
		return 0o644
	}
	return *set
}

func (m *Manager) projected(ctx context.Context, pod *corev1.Pod, name string, volume *corev1.ProjectedVolumeSource) (map[string]File, error) {
	all := map[string]File{}
	for i := range volume.Sources {
		files, err := m.projection(ctx, pod, fmt.Sprintf("%s/%d", name, i), &volume.Sources[i], mode(volume.DefaultMode))
		if err != nil {
			return nil, err
		}
		for path, file := range files {
			all[path] = file
		}
	}
	return all, nil
}

// projection is the files of one source of a volume; id names it among the pod's.
func (m *Manager) projection(ctx context.Context, pod *corev1.Pod, id string, source *corev1.VolumeProjection, mode int32) (map[string]File, error) {
	switch {
	case source.ConfigMap != nil:
		return m.configMap(ctx, pod, source.ConfigMap.Name, source.ConfigMap.Items, source.ConfigMap.Optional, mode)
	case source.Secret != nil:
		return m.secret(ctx, pod, source.Secret.Name, source.Secret.Items, source.Secret.Optional, mode)
	case source.DownwardAPI != nil:
		return m.downward(pod, source.DownwardAPI.Items, mode)
	case source.ServiceAccountToken != nil:
		return m.token(ctx, pod, source.ServiceAccountToken, mode)
	case source.ClusterTrustBundle != nil:
		return m.trustAnchors(ctx, pod, source.ClusterTrustBundle, mode)
	case source.PodCertificate != nil:
		return m.podCertificate(ctx, pod, id, source.PodCertificate, mode)
	default:
		return nil, fmt.Errorf("projections of this kind are not supported")
	}
}

func (m *Manager) configMap(ctx context.Context, pod *corev1.Pod, name string, items []corev1.KeyToPath, optional *bool, mode int32) (map[string]File, error) {
	found, err := m.options.Source.ConfigMap(ctx, pod.Namespace, name)
	if missing(err, optional) {
		return map[string]File{}, nil
	} else if err != nil {
		return nil, err
	}
	data := map[string][]byte{}
	for key, value := range found.Data {
		data[key] = []byte(value)
	}
	for key, value := range found.BinaryData {
		data[key] = value
	}
	return Keys("configmap", data, items, optional, mode)
}

func (m *Manager) secret(ctx context.Context, pod *corev1.Pod, name string, items []corev1.KeyToPath, optional *bool, mode int32) (map[string]File, error) {
	found, err := m.options.Source.Secret(ctx, pod.Namespace, name)
	if missing(err, optional) {
		return map[string]File{}, nil
	} else if err != nil {
		return nil, err
	}
	return Keys("secret", found.Data, items, optional, mode)
}

func missing(err error, optional *bool) bool {
	return optional != nil && *optional && apierrors.IsNotFound(err)
}

// Keys are the files of an object's keys: all of them, or the items, each at its path and with its mode.
func Keys(kind string, data map[string][]byte, items []corev1.KeyToPath, optional *bool, mode int32) (map[string]File, error) {
	files := map[string]File{}
	if items == nil {
		for key, value := range data {
			files[key] = File{Data: value, Mode: mode}
		}
		return files, nil
	}
	for _, item := range items {
		value, ok := data[item.Key]
		if !ok {
			if optional != nil && *optional {
				continue
			}
			return nil, fmt.Errorf("%s references non-existent %s key: %s", kind, kind, item.Key)
		}
		file := File{Data: value, Mode: mode}
		if item.Mode != nil {
			file.Mode = *item.Mode
		}
		files[item.Path] = file
	}
	return files, nil
}

func (m *Manager) downward(pod *corev1.Pod, items []corev1.DownwardAPIVolumeFile, mode int32) (map[string]File, error) {
	files := map[string]File{}
	for i := range items {
		item := &items[i]
		value, err := m.field(pod, item)
		if err != nil {
			return nil, err
		}
		file := File{Data: []byte(value), Mode: mode}
		if item.Mode != nil {
			file.Mode = *item.Mode
		}
		files[item.Path] = file
	}
	return files, nil
}

func (m *Manager) field(pod *corev1.Pod, item *corev1.DownwardAPIVolumeFile) (string, error) {
	if item.FieldRef != nil {
		return env.Field(pod, item.FieldRef.FieldPath)
	}
	if item.ResourceFieldRef == nil {
		return "", fmt.Errorf("the file %s has no source", item.Path)
	}
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == item.ResourceFieldRef.ContainerName {
				return env.Resource(&list[i], item.ResourceFieldRef, m.options.Allocatable)
			}
		}
	}
	return "", fmt.Errorf("container %s not found", item.ResourceFieldRef.ContainerName)
}
