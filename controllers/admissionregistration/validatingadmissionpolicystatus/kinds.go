package validatingadmissionpolicystatus

import (
	"errors"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/restmapper"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// kinds are those that an API server has, with their schemas. They remember what could not be read: the checker passes over it,
// as over what does not exist.
type kinds struct {
	meta.RESTMapper
	schemas resolver.SchemaResolver
	errs    []error
}

// discovered are the kinds that an API server tells of. Each of its documents is read once, and forgotten with them.
func discovered(from discovery.DiscoveryInterface) kinds {
	once := memory.NewMemCacheClient(from)
	return kinds{RESTMapper: restmapper.NewDeferredDiscoveryRESTMapper(once), schemas: &resolver.ClientDiscoveryResolver{Discovery: once}}
}

// KindsFor implements meta.RESTMapper.
func (k *kinds) KindsFor(resource schema.GroupVersionResource) ([]schema.GroupVersionKind, error) {
	found, err := k.RESTMapper.KindsFor(resource)
	if err != nil && !meta.IsNoMatchError(err) {
		k.errs = append(k.errs, err)
	}
	return found, err
}

// ResolveSchema implements resolver.SchemaResolver.
func (k *kinds) ResolveSchema(kind schema.GroupVersionKind) (*spec.Schema, error) {
	found, err := k.schemas.ResolveSchema(kind)
	if err != nil && !errors.Is(err, resolver.ErrSchemaNotFound) {
		k.errs = append(k.errs, err)
	}
	return found, err
}

// failed is what could not be read; nil if there is nothing.
func (k *kinds) failed() error { return errors.Join(k.errs...) }
