// Package apiserver runs a Kubernetes API server, and the etcd it stores in, inside this process.
//
// It is the API server of Kubernetes itself, with its options, so every client works against it unchanged. What is
// ours around it:
//
//   - everything lies in one data directory (certificates, etcd, the service-account key), which one process at a time
//     may use, and from which a restart continues, also after a crash;
//   - the listener is opened by the caller, or once by [Start], and handed over: no port is looked for and lost again;
//   - two names for one object (package naming): apps/v1 and apps.orrery.dev/v1 show the same stored Deployment;
//   - each component has a client identity with its own rights (package identity);
//   - OpenAPI documents of built-in kinds are built when somebody asks for them (package openapi);
//   - several servers run in one process.
//
// [Start] returns as soon as the server answers requests, [Server.Ready] says when everything in it is up, and
// [Server.Stop] always returns.
//
// # What is shared by all servers of a process
//
// Feature gates and metrics are global variables of Kubernetes. Options.FeatureGates of one server are therefore those
// of all, and /metrics counts them together.
//
// # What the second name does not do
//
// A custom resource has no binding, eviction, log or exec, and its deletion is not graceful. The admission plugins and
// quotas of Kubernetes do not look at it. Nobody but a cluster administrator has rights under the second name, unless
// they are given; and deleting a definition of the second name is refused, since it would delete the objects.
//
// The package never decides what components run against the server, and holds no controller.
package apiserver
