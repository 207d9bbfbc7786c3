package apiserver

import (
	"context"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/warning"
)

// unservedName is the name of the admission plugin that warns of what nobody will act on.
const unservedName = "OrreryUnserved"

// warnOfUnserved adds an admission plugin that lets every object pass, and warns whoever makes one that nobody will act on. It does so
// by whatever verb the object is made, and by either name. Its place does not matter.
func warnOfUnserved(options *genericoptions.AdmissionOptions, warnings map[schema.GroupResource]string) {
	options.Plugins.Register(unservedName, func(io.Reader) (admission.Interface, error) {
		return &unserved{Handler: admission.NewHandler(admission.Create), warnings: warnings}, nil
	})
	options.RecommendedPluginOrder = append(slices.Clone(options.RecommendedPluginOrder), unservedName)
	options.EnablePlugins = append(options.EnablePlugins, unservedName)
}

type unserved struct {
	*admission.Handler
	warnings map[schema.GroupResource]string
}

var _ admission.ValidationInterface = &unserved{}

// Validate implements admission.ValidationInterface.
func (u *unserved) Validate(ctx context.Context, attributes admission.Attributes, _ admission.ObjectInterfaces) error {
	if text, ok := u.warnings[attributes.GetResource().GroupResource()]; ok && attributes.GetSubresource() == "" {
		warning.AddWarning(ctx, "", text)
	}
	return nil
}
