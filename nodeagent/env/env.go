package env

import (
	"context"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Var is one variable.
type Var struct{ Name, Value string }

// Source reads what variables refer to. An object that does not exist is an apierrors.IsNotFound error.
type Source interface {
	ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error)
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
}

// Input is what the environment of a container follows from.
type Input struct {
	Pod       *corev1.Pod
	Container *corev1.Container
	// Services are those of the pod's namespace, and the API server's own (default/kubernetes).
	Services []*corev1.Service
	// Allocatable is the node's: the limit of a container that has none.
	Allocatable corev1.ResourceList
	Source      Source
	// Open opens a file of a volume. Nil is a node without files: what refers to one is not there.
	Open func(volume, path string) (io.ReadCloser, error)
}

// Compute returns the variables in the order in which they were made; each name is there once.
func Compute(ctx context.Context, in Input) ([]Var, error) {
	services := Services(in.Pod, in.Services)
	set := &set{index: map[string]int{}}
	for _, from := range in.Container.EnvFrom {
		if err := set.from(ctx, &in, &from); err != nil {
			return nil, err
		}
	}
	lookup := func(name string) (string, bool) {
		if value, ok := set.get(name); ok {
			return value, true
		}
		i := slices.IndexFunc(services, func(v Var) bool { return v.Name == name })
		if i < 0 {
			return "", false
		}
		return services[i].Value, true
	}
	for i := range in.Container.Env {
		v := &in.Container.Env[i]
		value, present, err := in.value(ctx, v, lookup)
		if err != nil {
			return nil, err
		}
		if present {
			set.put(v.Name, value)
		}
	}
	for _, v := range services {
		if _, own := set.get(v.Name); !own {
			set.put(v.Name, v.Value)
		}
	}
	return set.vars, nil
}

// Lookup finds variables by name.
func Lookup(vars []Var) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, v := range vars {
			if v.Name == name {
				return v.Value, true
			}
		}
		return "", false
	}
}

// set holds variables in order; a later value takes the place of an earlier one.
type set struct {
	vars  []Var
	index map[string]int
}

func (s *set) put(name, value string) {
	if i, ok := s.index[name]; ok {
		s.vars[i].Value = value
		return
	}
	s.index[name] = len(s.vars)
	s.vars = append(s.vars, Var{name, value})
}

func (s *set) get(name string) (string, bool) {
	i, ok := s.index[name]
	if !ok {
		return "", false
	}
	return s.vars[i].Value, true
}

// from adds all keys of a ConfigMap or Secret, sorted, with a prefix.
func (s *set) from(ctx context.Context, in *Input, from *corev1.EnvFromSource) error {
	values := map[string]string{}
	switch {
	case from.ConfigMapRef != nil:
		found, err := in.Source.ConfigMap(ctx, in.Pod.Namespace, from.ConfigMapRef.Name)
		if absent(err, from.ConfigMapRef.Optional) {
			return nil
		} else if err != nil {
			return fmt.Errorf("couldn't get ConfigMap %s/%s: %w", in.Pod.Namespace, from.ConfigMapRef.Name, err)
		}
		values = found.Data
	case from.SecretRef != nil:
		found, err := in.Source.Secret(ctx, in.Pod.Namespace, from.SecretRef.Name)
		if absent(err, from.SecretRef.Optional) {
			return nil
		} else if err != nil {
			return fmt.Errorf("couldn't get Secret %s/%s: %w", in.Pod.Namespace, from.SecretRef.Name, err)
		}
		for key, value := range found.Data {
			values[key] = string(value)
		}
	}
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		s.put(from.Prefix+key, values[key])
	}
	return nil
}

// absent says whether an error means that an optional object is not there.
func absent(err error, optional *bool) bool {
	return optional != nil && *optional && apierrors.IsNotFound(err)
}

// value returns the value of one variable; present is false for an optional reference to nothing.
func (in *Input) value(ctx context.Context, v *corev1.EnvVar, lookup func(string) (string, bool)) (value string, present bool, err error) {
	from := v.ValueFrom
	switch {
	case from == nil:
		return Expand(v.Value, lookup), true, nil
	case from.FieldRef != nil:
		value, err = Field(in.Pod, from.FieldRef.FieldPath)
		return value, true, err
	case from.ResourceFieldRef != nil:
		value, err = in.resource(from.ResourceFieldRef)
		return value, true, err
	case from.ConfigMapKeyRef != nil:
		return in.configMapKey(ctx, from.ConfigMapKeyRef)
	case from.SecretKeyRef != nil:
		return in.secretKey(ctx, from.SecretKeyRef)
	case from.FileKeyRef != nil:
		return in.fileKey(from.FileKeyRef)
	default:
		return "", false, fmt.Errorf("variable %s: this source of values is not supported", v.Name)
	}
}

func (in *Input) resource(ref *corev1.ResourceFieldSelector) (string, error) {
	container := in.Container
	if ref.ContainerName != "" {
		container = containerOf(in.Pod, ref.ContainerName)
	}
	if container == nil {
		return "", fmt.Errorf("container %s not found", ref.ContainerName)
	}
	return Resource(container, ref, in.Allocatable)
}

func (in *Input) configMapKey(ctx context.Context, ref *corev1.ConfigMapKeySelector) (string, bool, error) {
	found, err := in.Source.ConfigMap(ctx, in.Pod.Namespace, ref.Name)
	if absent(err, ref.Optional) {
		return "", false, nil
	} else if err != nil {
		return "", false, err
	}
	if value, ok := found.Data[ref.Key]; ok {
		return value, true, nil
	}
	if ref.Optional != nil && *ref.Optional {
		return "", false, nil
	}
	return "", false, fmt.Errorf("couldn't find key %v in ConfigMap %v/%v", ref.Key, in.Pod.Namespace, ref.Name)
}

func (in *Input) secretKey(ctx context.Context, ref *corev1.SecretKeySelector) (string, bool, error) {
	found, err := in.Source.Secret(ctx, in.Pod.Namespace, ref.Name)
	if absent(err, ref.Optional) {
		return "", false, nil
	} else if err != nil {
		return "", false, err
	}
	if value, ok := found.Data[ref.Key]; ok {
		return string(value), true, nil
	}
	if ref.Optional != nil && *ref.Optional {
		return "", false, nil
	}
	return "", false, fmt.Errorf("couldn't find key %v in Secret %v/%v", ref.Key, in.Pod.Namespace, ref.Name)
}

func containerOf(pod *corev1.Pod, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
