package config

import (
	"errors"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
)

// codecs knows the configuration and the arguments of plugins that have a type.
var codecs = func() serializer.CodecFactory {
	scheme := runtime.NewScheme()
	utilruntime.Must(configv1.AddToScheme(scheme))
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict)
}()

// ReadFile reads a configuration from a file.
func ReadFile(path string) (*configv1.KubeSchedulerConfiguration, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the scheduler's configuration: %w", err)
	}
	config, err := Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

// Read reads a configuration from YAML or JSON. An unknown field, a duplicate one, or another kind is an error.
func Read(data []byte) (*configv1.KubeSchedulerConfiguration, error) {
	object, kind, err := codecs.UniversalDeserializer().Decode(data, nil, nil)
	switch {
	case runtime.IsNotRegisteredError(err), runtime.IsMissingKind(err), runtime.IsMissingVersion(err):
		return nil, fmt.Errorf("reading the scheduler's configuration: expected apiVersion %s and kind KubeSchedulerConfiguration: %w",
			configv1.SchemeGroupVersion, err)
	case err != nil:
		return nil, fmt.Errorf("reading the scheduler's configuration: %w", err)
	}
	config, ok := object.(*configv1.KubeSchedulerConfiguration)
	if !ok {
		return nil, fmt.Errorf("reading the scheduler's configuration: expected apiVersion %s and kind KubeSchedulerConfiguration, got %s",
			configv1.SchemeGroupVersion, kind)
	}
	if err := decodeArgs(config); err != nil {
		return nil, fmt.Errorf("reading the scheduler's configuration: %w", err)
	}
	return config, nil
}

// decodeArgs gives the arguments of plugins their types. Those of plugins without a type of their own stay as written.
func decodeArgs(config *configv1.KubeSchedulerConfiguration) error {
	var errs []error
	for i := range config.Profiles {
		for j := range config.Profiles[i].PluginConfig {
			entry := &config.Profiles[i].PluginConfig[j]
			if entry.Args.Object != nil || len(entry.Args.Raw) == 0 {
				continue
			}
			if err := decodeOne(entry); err != nil {
				errs = append(errs, fmt.Errorf("profiles[%d].pluginConfig[%d].args of plugin %q: %w", i, j, entry.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func decodeOne(entry *configv1.PluginConfig) error {
	kind := configv1.SchemeGroupVersion.WithKind(entry.Name + "Args")
	object, read, err := codecs.UniversalDeserializer().Decode(entry.Args.Raw, &kind, nil)
	if runtime.IsNotRegisteredError(err) && (read == nil || *read == kind) {
		entry.Args.Object = &runtime.Unknown{Raw: entry.Args.Raw, ContentType: runtime.ContentTypeJSON}
		return nil
	}
	if err != nil {
		return err
	}
	if read.GroupKind() != kind.GroupKind() {
		return fmt.Errorf("expected %s, got %s", kind.GroupKind(), read.GroupKind())
	}
	entry.Args.Object = object
	return nil
}
