package naming

import (
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	apps "k8s.io/kubernetes/pkg/apis/apps/install"
	autoscaling "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	batch "k8s.io/kubernetes/pkg/apis/batch/install"
	core "k8s.io/kubernetes/pkg/apis/core/install"
	discovery "k8s.io/kubernetes/pkg/apis/discovery/install"
	networking "k8s.io/kubernetes/pkg/apis/networking/install"
	policy "k8s.io/kubernetes/pkg/apis/policy/install"
	scheduling "k8s.io/kubernetes/pkg/apis/scheduling/install"
	storage "k8s.io/kubernetes/pkg/apis/storage/install"

	"github.com/orrery-dev/orrery/apis"
)

// Apply makes the storage that factory gives out keep every kind of apis.Kinds in the form and at the place of its
// custom resource. Call it before the factory is used.
func Apply(factory *serverstorage.DefaultStorageFactory) error {
	encoding, ok := factory.ResourceEncodingConfig.(*serverstorage.DefaultResourceEncodingConfig)
	if !ok {
		return fmt.Errorf("storing two names: the versions that are stored cannot be set on a %T", factory.ResourceEncodingConfig)
	}
	stored, err := storedCodecs()
	if err != nil {
		return err
	}
	for _, kind := range apis.Kinds() {
		kubernetes := kind.GroupVersionResource(apis.Kubernetes).GroupResource()
		orrery := kind.GroupVersionResource(apis.Orrery)
		internal := schema.GroupVersion{Group: kubernetes.Group, Version: runtime.APIVersionInternal}

		factory.SetResourceEtcdPrefix(kubernetes, orrery.Group+"/"+orrery.Resource)
		encoding.SetResourceEncoding(kubernetes, orrery.GroupVersion(), internal)
		factory.SetSerializer(kubernetes, runtime.ContentTypeJSON, stored)
	}
	return nil
}

// storedCodecs is the codec for what is stored, made once: its scheme is large and never changes.
var storedCodecs = sync.OnceValues(func() (runtime.StorageSerializer, error) {
	scheme, err := storedScheme()
	if err != nil {
		return nil, err
	}
	return translatingSerializer{serializer.NewCodecFactory(scheme)}, nil
})

// storedScheme knows upstream's types by both of their names. It is apart from upstream's own scheme, where a second
// name would make the first ambiguous.
func storedScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, install := range []func(*runtime.Scheme){
		core.Install, apps.Install, autoscaling.Install, batch.Install, discovery.Install,
		networking.Install, policy.Install, scheduling.Install, storage.Install,
	} {
		install(scheme)
	}
	for _, kind := range apis.Kinds() {
		upstream, err := scheme.New(kind.GroupVersionKind(apis.Kubernetes))
		if err != nil {
			return nil, fmt.Errorf("storing two names: %w", err)
		}
		scheme.AddKnownTypeWithName(kind.GroupVersionKind(apis.Orrery), upstream)
	}
	// The allocator of node ports keeps its state with the codec of Services.
	scheme.AddKnownTypeWithName(schema.GroupVersionKind{
		Group: apis.Orrery.Group(corev1.GroupName), Version: "v1", Kind: "RangeAllocation"}, &corev1.RangeAllocation{})
	return scheme, nil
}
