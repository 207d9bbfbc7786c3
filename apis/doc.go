// Package apis names every kind that Orrery serves and registers them in a scheme.
//
// Each kind has one Go type, in apis/<group>/<version>, and two names. Under [Kubernetes] a
// Deployment is apps/v1, under [Orrery] it is apps.orrery.dev/v1. Which of the two a process
// uses is decided once, where its scheme is built:
//
//	scheme := runtime.NewScheme()
//	if err := apis.AddToScheme(scheme, apis.Orrery); err != nil {
//		return err
//	}
//
// Everything else asks the scheme, and never spells a group.
//
// The kinds that an API server itself acts on (Namespace, Secret, ServiceAccount, Event,
// Lease, RBAC and so on) have one name only. They are upstream's Go types, registered alike
// under both namings.
//
// The package promises that a scheme knows each GroupVersionKind by one Go type, and that
// list, get, watch and delete options are registered for every group, so that a typed client
// works. It holds no behaviour and never imports more than k8s.io/api and
// k8s.io/apimachinery.
package apis
